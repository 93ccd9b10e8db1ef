"""How many host writes of 4 KiB a CPU second the model of NAND flash takes while its garbage is collected.

Once the translation layer alone, on the medium that it drives; once the whole device, as ``deltabench measure`` runs
it: commands, redirection, maps, media, time, wear, and the oracle that follows it.  The flash is full before the clock
starts.  All times are CPU seconds of this one process; the best and the slowest of several say how noisy it is.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deltabench.firmware_model.commands import SAVE, write
from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.translation.geometry import geometry_of
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.nand import NandFlash
from deltabench.scenarios.measure import Recorder
from deltabench.scenarios.scenario import Document, Scenario, Variant
from deltabench.scenarios.workload import Action

WANTED_WRITES_A_SECOND: Final = 150_000
REPEATS: Final = 3
SECTORS: Final = 8
BOARD: Final = BoardSpec(
    devices={"nand0": DeviceSpec(part="MT29F8G08ABBCA", blocks=256), "fram0": DeviceSpec(part="FM25V10")}
)
DATA: Final = [bytes(range(256)) * (SECTOR_BYTES // 256)] * SECTORS


def layer_alone(over_provisioning: int, writes: int) -> tuple[float, float]:
    """Writes a second, and pages programmed for each."""
    board = Board(BOARD)
    board.cells.recording = False
    nand = board.media["nand0"]
    assert isinstance(nand, NandFlash), "it is one"
    geometry = geometry_of(nand, over_provisioning)
    layer = TranslationLayer(nand, geometry, 32)
    layer.format()
    draw = random.Random(1)
    for page in range(geometry.logical_pages):
        layer.write(page * SECTORS, DATA)
    for _ in range(writes):
        layer.write(draw.randrange(geometry.logical_pages) * SECTORS, DATA)
    places = [draw.randrange(geometry.logical_pages) * SECTORS for _ in range(writes)]
    erases = sum(layer.blocks.erases)
    before = time.process_time()
    for lba in places:
        layer.write(lba, DATA)
    seconds = time.process_time() - before
    programs = (sum(layer.blocks.erases) - erases) * len(geometry.usable)
    return writes / seconds, programs / writes


def whole_device(over_provisioning: int, writes: int) -> tuple[float, float]:
    """The same through a controller, scheme ``versioned`` with its maps on NVRAM; both volumes fill the flash."""
    nand = Board(BOARD).media["nand0"]
    assert isinstance(nand, NandFlash), "it is one"
    units = (geometry_of(nand, over_provisioning).sectors - SECTORS) // (2 * SECTORS)
    firmware = FirmwareConfig(
        scheme="versioned",
        store=StoreKind.NVRAM,
        units=units,
        sectors_per_unit=SECTORS,
        atom_bytes=64,
        over_provisioning=over_provisioning,
        volume_a=Placement(start=SECTORS),
    )
    document = Document(title="random, 4 KiB", board=BOARD, steps=(), firmware=firmware)
    variant = Variant(Scenario("benchmark", Path("benchmark"), "", document), firmware)
    draw = random.Random(1)
    whole = [write(unit * SECTORS, DATA) for unit in range(units)]
    filled = [*whole, SAVE, *whole]
    work = [write(draw.randrange(units) * SECTORS, DATA) for _ in range(writes)]
    (filling_s, before), (seconds, after) = run_for(variant, filled), run_for(variant, [*filled, *work])
    return writes / (seconds - filling_s), (after - before) / writes


def run_for(variant: Variant, actions: Sequence[Action]) -> tuple[float, int]:
    """CPU seconds, and pages programmed."""
    recorder = Recorder(variant)
    recorder.session.actions = list(actions)
    before = time.process_time()
    run = recorder.run()
    seconds = time.process_time() - before
    programs = next(wear for wear in run.wear if (wear.device, wear.what) == ("nand0", "program"))
    return seconds, sum(programs.counts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the model of NAND flash.")
    parser.add_argument("--quick", action="store_true", help="shorter workloads")
    writes = 10_000 if parser.parse_args().quick else 60_000
    print("random host writes of 4 KiB     over-provisioning  writes/s best     worst  pages each")
    first = 0.0
    for what, measured in (("translation layer alone", layer_alone), ("whole device", whole_device)):
        for over_provisioning in (100, 28, 10):
            runs = [measured(over_provisioning, writes) for _ in range(REPEATS)]
            best, worst = max(runs), min(runs)
            first = first or best[0]
            print(f"{what:<31} {over_provisioning:>16} % {best[0]:>14,.0f} {worst[0]:>9,.0f} {best[1]:>11.2f}")
    print(f"the first of them is wanted to reach {WANTED_WRITES_A_SECOND:,} writes a CPU second")
    return int(first < WANTED_WRITES_A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
