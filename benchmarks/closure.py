"""How long it takes until nothing new appears: any number of cuts in 200 random commands, scheme by store.

CPU seconds of this one process.
"""

from __future__ import annotations

import argparse
import sys
import time

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.scenario import Cuts, Document, Matrix, Mix, Power, Random, Scenario, find_scenario

WANTED_S = 60.0
BOARD = BoardSpec(
    devices={
        "disk0": DeviceSpec(part="generic-disk", sectors=256),
        "nor0": DeviceSpec(part="W25Q64JV"),
        "fram0": DeviceSpec(part="FM25V10"),
    }
)


def scenario(commands: int) -> Scenario:
    """``commands`` random commands: of a hundred, 80 write, 10 read, 5 save and 5 restore."""
    document = Document(
        title="Any number of cuts",
        board=BOARD,
        steps=(Random(commands=commands, mix=Mix(write=80, read=10, save=5, restore=5)),),
        firmware=FirmwareConfig(units=64, log_records=12),
        matrix=Matrix(scheme=("flagged", "versioned", "history"), store=tuple(StoreKind)),
        power=Power(cuts=Cuts.UNBOUNDED),
    )
    return Scenario("closure", find_scenario("save-by-host").path, "", document)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how long it takes to close.")
    parser.add_argument("--commands", type=int, default=200)
    commands: int = parser.parse_args().commands
    print(f"{commands} random commands, U = 64, any number of cuts; CPU seconds on one core")
    print("| scheme and store | generated | equivalent | judged | CPU s | verdict |")
    print("| --- | --- | --- | --- | --- | --- |")
    slow = 0
    for variant in scenario(commands).variants():
        before = time.process_time()
        (result,), _ = run_campaign([variant])
        seconds = time.process_time() - before
        counts, verdict = result.counts, "closed" if result.closed else "not closed"
        print(
            f"| {variant.name} | {counts.generated:,} | {counts.equivalent:,} | {counts.verified:,} | {seconds:.1f} "
            f"| {verdict} |",
            flush=True,
        )
        slow += seconds > WANTED_S or not result.closed
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
