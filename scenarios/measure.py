"""Runs a variant without power cuts, in simulated time, and measures it: latencies, wear, remapping.

The device is run exactly as by ``deltabench run``, its responses checked by the oracle; a meter lets time pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from deltabench.firmware_model.commands import WRITES, Command, Opcode
from deltabench.firmware_model.controller import Controller, MapsView
from deltabench.firmware_model.layout import Layout
from deltabench.firmware_model.steps import ATOM, COMPACTION, COPIED, DIRECT_READ, FIRST_WRITE, REDIRECTED_READ
from deltabench.firmware_model.steps import RESTORE as RESTORE_STEP
from deltabench.firmware_model.steps import SAVE as SAVE_STEP
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.clock import NS_PER_S
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.meter import OTHER, Meter, Places
from deltabench.hwsim.meter import Wear as CellWear
from deltabench.hwsim.nand import NandFlash
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import FlashSummary, MeasuredRun, Region, Wear
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.flash_summary import Blocks, count_flash, summary_of
from deltabench.scenarios.flash_use import CAUSE_OF_REGION, DATA, FlashUse
from deltabench.scenarios.latencies import Latencies
from deltabench.scenarios.maps_log import ORDERS, MapsLog
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.session import Session

BOOT: Final = "boot"
HOST_BUS: Final = "host bus"
TITLES: Final = {int(opcode): opcode.title for opcode in Opcode}
WRITE_CODES: Final = frozenset(map(int, WRITES))
Progress = Callable[[int, int], bool]


class MeasureError(ScenarioError):
    """A run whose figures mean nothing: a rule is broken in it without any cut."""


def measure(variant: Variant, progress: Progress = lambda _done, _total: True) -> MeasuredRun:
    """Run ``variant`` and measure it; ``progress`` is told actions done and of how many, and says whether to go on.

    Raises ScenarioError if it cannot be built, MeasureError if it breaks a rule.
    """
    return Recorder(variant).run(progress)


def measure_all(
    variants: Sequence[Variant], progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[list[MeasuredRun], bool]:
    """Measure one after the other; returns what there is, and whether it was interrupted by Ctrl-C.

    ``progress`` is told actions done and of how many in all.  Raises ScenarioError, MeasureError as ``measure`` does.
    """
    runs: list[MeasuredRun] = []
    try:
        prepared = [Recorder(variant) for variant in variants]
        total = sum(len(one.session.actions) for one in prepared)
        for one in prepared:
            before = sum(len(other.session.actions) for other in prepared[: len(runs)])

            def report(done: int, _: int, before: int = before) -> bool:
                progress(before + done, total)
                return True

            runs.append(one.run(report))
            if not runs[-1].complete:
                return runs, True
    except KeyboardInterrupt:
        return runs, True
    return runs, False


def without_cuts(variant: Variant) -> Variant:
    """The variant with ``cuts = "none"``."""
    replace = msgspec.structs.replace
    scenario, document = variant.scenario, variant.scenario.document
    power = replace(document.power, cuts=Cuts.NONE, depth=1, operation=None, outcome=None)
    return replace(variant, scenario=replace(scenario, document=replace(document, power=power)))


def places_of(controller: Controller) -> dict[str, Places]:
    """What lies where on each device; nothing is known of a controller that has no layout.

    On NAND flash the layout is of what lies behind the translation layer: flash_use.py says what is where.
    """
    layout = getattr(controller, "layout", None)
    if not isinstance(layout, Layout):
        return {}
    by_device: dict[str, list[tuple[int, str]]] = {}
    for region in sorted(layout.regions, key=lambda region: region.first):
        places = by_device.setdefault(region.device, [])
        places.append((region.first, CAUSE_OF_REGION.get(region.name, DATA)))
        places.append((region.first + region.length, OTHER))
    return {device: _merged(places) for device, places in by_device.items()}


def _merged(places: list[tuple[int, str]]) -> Places:
    """Of several entries for one address, the last: a region that begins where another ends."""
    return list(dict(places).items())


class Recorder:
    """One variant being measured: the watch that its rig reports to."""

    def __init__(self, variant: Variant) -> None:
        self._started_s = time.process_time()
        self.variant = variant
        self.session = Session(without_cuts(variant))
        rig = self.session.rig
        settings = variant.scenario.document.time
        first = rig.make()
        self._layout = getattr(first, "layout", None)
        on_nand = any(isinstance(medium, NandFlash) for medium in rig.board.media.values())
        self._flash_use = FlashUse(rig.board, self._layout) if on_nand and isinstance(self._layout, Layout) else None
        self.meter = Meter(rig.board, settings.media, settings.core_hz, places_of(first), self._flash_use)
        self._clock = rig.board.clock
        self._sector_ns = -(-SECTOR_BYTES * NS_PER_S // settings.host_bytes_per_s)
        self.counts = Counts()
        self._latencies: dict[str, Latencies] = {}
        self._commands: dict[str, int] = {}
        self._sectors = {True: 0, False: 0}
        self._command: Command | None = None
        self.begun_ns = 0
        self._changes = 0
        self._maps = MapsLog(variant.firmware.units, 0)
        self._done = 0
        rig.watch = self
        self.resume()

    def run(self, progress: Progress = lambda _done, _total: True) -> MeasuredRun:
        """The whole workload, or as much of it as ``progress`` lets happen."""
        actions = self.session.actions
        self._maps = MapsLog(self.variant.firmware.units, len(actions))

        def after(done: int) -> bool:
            self._done = done
            if self._maps.wants(done - 1, actions[done - 1]):
                self._look(done - 1)
            return progress(done, len(actions))

        try:
            complete = self.session.run(after)
        except KeyboardInterrupt:
            complete = False
        violation = self.session.violation
        if violation is not None:
            raise MeasureError(
                f"{self.variant.scenario.name}, {self.variant.name}: {violation.rule.value} is violated without any "
                f"cut, during {self.session.doing}: {violation}"
            )
        return self._result(complete=complete)

    def powers_on(self) -> None:
        if self._command is not None:
            # Power was lost in it, so that it never ended.
            self._count_command(self._command)
        self._changes = self.meter.change_count
        self.meter.power_on()

    def begins(self, command: Command | None) -> None:
        self._command = command
        if command is not None and command.opcode in ORDERS:
            view: MapsView | None = getattr(self.session.controller, "view", None)
            if view is not None:
                self._maps.before_order(self.session.actions[self._done - 1] if self._done else None, view)
        self.begun_ns = self.meter.settle()
        self.meter.spent_ns.clear()

    def ends(self, command: Command | None) -> None:
        self._command = None
        now_ns, spent_ns = self.meter.settle(), self.meter.spent_ns
        if command is None:
            title = BOOT
            self.counts.add("boots", 1)
            self.counts.add("recoveries", int(self.meter.change_count > self._changes))
        else:
            title, is_write = self._count_command(command)
            if command.count:
                # The host's link works beside firmware and media; of a read its last sector comes behind them.
                last_ns = self.begun_ns + command.count * self._sector_ns
                end_ns = max(now_ns if is_write else now_ns + self._sector_ns, last_ns)
                self._clock.advance_ns(end_ns - now_ns)
                spent_ns[HOST_BUS] = end_ns - now_ns
                now_ns = end_ns
        latencies = self._latencies.get(title)
        if latencies is None:
            latencies = self._latencies[title] = Latencies()
        latencies.add(now_ns - self.begun_ns, spent_ns)

    def _count_command(self, command: Command) -> tuple[str, bool]:
        """Its name, and whether it is a write."""
        title, is_write = TITLES.get(command.opcode) or str(command), command.opcode in WRITE_CODES
        self._commands[title] = self._commands.get(title, 0) + 1
        self._sectors[is_write] += command.count
        return title, is_write

    @property
    def link_ns(self) -> int:
        """What the host's link takes for the data of the write that is being executed; 0 for all else."""
        command = self._command
        return command.count * self._sector_ns if command is not None and command.opcode in WRITE_CODES else 0

    def pause(self) -> None:
        self.meter.settle()
        self.meter.detach()
        self.session.rig.board.cells.recording = True

    def resume(self) -> None:
        self.meter.attach()
        # Nothing of the run is ever undone, but for what the bench does aside.
        self.session.rig.board.cells.recording = False

    def _look(self, number: int) -> None:
        """At the maps after action ``number``, if the controller shows any."""
        view: MapsView | None = getattr(self.session.controller, "view", None)
        if view is None:
            return
        tallies = [gauge.tallies.get("erase") for gauge in self.meter.gauges.values()]
        erases = sum(tally.times for tally in tallies if tally is not None)
        self._maps.look(number, self.session.actions[number], view, self._clock.now_ns, erases)

    def _result(self, *, complete: bool) -> MeasuredRun:
        variant, document, meter = self.variant, self.variant.scenario.document, self.meter
        self._count()
        view = self._maps.last_view
        return MeasuredRun(
            run=f"{variant.scenario.name}:{variant.name}",
            scenario=variant.scenario.name,
            title=document.title,
            scheme=variant.scheme,
            atom_store=variant.firmware.store.value,
            units=variant.firmware.units,
            sectors_per_unit=variant.firmware.sectors_per_unit,
            seed=document.seed,
            media_time=document.time.media.value,
            core_hz=document.time.core_hz,
            complete=complete,
            commands=self.session.commands,
            simulated_ns=meter.settle(),
            elapsed_s=round(time.process_time() - self._started_s, 3),
            counters=self.counts.as_series(),
            wear=tuple(self._wear()),
            flash=tuple(self._flash()),
            most_ddm=self._maps.most_ddm,
            moving_saves=self._maps.moving_saves,
            largest_save=self._maps.largest_save,
            unit_moves=tuple(self._maps.unit_moves.tolist()),
            unit_sides=f"{view.vsm if view else 0:x}",
            regions=tuple(
                Region(name=region.name, device=region.device, first=region.first, length=region.length)
                for region in (self._layout.regions if isinstance(self._layout, Layout) else ())
                if not isinstance(self.session.rig.board.media[region.device], NandFlash)
            ),
            timeline=tuple(self._maps.moments),
            maps=self._maps.maps,
            latency=tuple(self._latencies[title].summary(title) for title in sorted(self._latencies)),
        )

    def _count(self) -> None:
        counts, meter = self.counts, self.meter
        for title, number in self._commands.items():
            counts.add("host_commands", number, title)
        counts.add("host_sectors_read", self._sectors[False])
        counts.add("host_sectors_written", self._sectors[True])
        counts.add("unit_moves", self._maps.moved)
        steps = meter.steps
        for name, step in (
            ("saves", SAVE_STEP),
            ("restores", RESTORE_STEP),
            ("copies_on_first_write", COPIED),
            ("atom_writes", ATOM),
            ("log_compactions", COMPACTION),
        ):
            counts.add(name, steps[step].times)
        for name, step in (
            ("direct_reads", DIRECT_READ),
            ("redirected_reads", REDIRECTED_READ),
            ("first_writes", FIRST_WRITE),
            ("copied_sectors", COPIED),
        ):
            counts.add(name, steps[step].amount)
        # Without a layout nobody knows which of the bytes that were written are those of the copies.
        copied = counts["copied_sectors"] * SECTOR_BYTES if isinstance(self._layout, Layout) else 0
        for cause, written in meter.written_bytes.items():
            counts.add("bytes_written", written - (copied if cause == DATA else 0), cause)
        counts.add("bytes_written", copied, "copies")
        for device, gauge in meter.gauges.items():
            for kind, tally in gauge.tallies.items():
                counts.add("media_operations", tally.times, device, kind)
                counts.add("media_bytes", tally.length * gauge.address_bytes, device, kind)
                counts.add("media_busy_ns", tally.busy_ns, device, kind)
            for wear in gauge.wear:
                counts.add("past_endurance", wear.past_endurance, device)
        if self._flash_use is not None:
            for layer in self._layers:
                count_flash(counts, layer.name, self._flash_use.use_of(layer.name), self._blocks(layer))
        for step, done in steps.items():
            counts.add("firmware_cycles", done.times * step.base_cycles + done.amount * step.each_cycles, step.name)

    @property
    def _layers(self) -> list[TranslationLayer]:
        """The translation layers of the controller that was powered on last."""
        layers = getattr(self.session.controller, "flash", ())
        return [layer for layer in layers if isinstance(layer, TranslationLayer)]

    def _blocks(self, layer: TranslationLayer) -> Blocks:
        return Blocks(layer.nand.bad_blocks, len(layer.blocks.bad), layer.spare_blocks)

    def _flash(self) -> list[FlashSummary]:
        if self._flash_use is None:
            return []
        erases = {
            wear.device: wear.counts
            for gauge in self.meter.gauges.values()
            for wear in gauge.wear
            if wear.what == "erase"
        }
        return [
            summary_of(
                layer.name,
                layer.nand.part.name,
                self._flash_use.use_of(layer.name),
                layer.geometry.data_pages,
                erases[layer.name],
                self._blocks(layer),
            )
            for layer in self._layers
        ]

    def _wear(self) -> list[Wear]:
        worn = [(wear, wear.counts) for gauge in self.meter.gauges.values() for wear in gauge.wear]
        return [worn_cells(wear, counts) for wear, counts in worn if counts.any()]


def worn_cells(wear: CellWear, counts: NDArray[np.int64]) -> Wear:
    """For a document: ``counts`` of ``wear``, up to the last cell that was worn."""
    return Wear(
        device=wear.device,
        part=wear.part,
        what=wear.what,
        cell=wear.cell,
        addresses=wear.cell_size,
        endurance=wear.endurance,
        counts=tuple(np.trim_zeros(counts, "b").tolist()),
    )
