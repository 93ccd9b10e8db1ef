"""One crash in simulated time: what the parts were busy with, and what the firmware had in its maps, and when.

The workload is run once more with a meter on the board, which lets time pass as the datasheets say.  The cut falls at
the beginning of the operation that it leaves nothing of, at the end of one that it leaves all of, else in the middle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from deltabench.firmware_model.commands import Command
from deltabench.hwsim.clock import NS_PER_MS
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Medium, Operation, Outcome
from deltabench.hwsim.meter import Meter
from deltabench.scenarios.counterexamples.naming import Names
from deltabench.scenarios.crash_id import CrashId, CrashIdError, Cut
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.replay import Story, maps_of, tell
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.session import Session

OFF_NS: Final = NS_PER_MS
"""How long power stays away: as long as one likes, for nothing happens then."""
READ: Final = "read"
BOOT: Final = "boot"
READY_NS: Final = NS_PER_MS
"""How long the device that has recovered is shown."""


class Span(NamedTuple):
    """A device is busy: with a read, or with media operation ``number``, which is ``about`` something."""

    device: str
    kind: str
    number: int
    began_ns: int
    ended_ns: int
    text: str = ""
    about: str = ""
    is_cut: bool = False


class Doing(NamedTuple):
    """What the controller does: a command of the host, a boot, or what a switch or the remote asked for."""

    text: str
    began_ns: int
    ended_ns: int


class Sample(NamedTuple):
    """What the firmware has in RAM from ``ns`` on; None where it has not loaded it, or has no power."""

    ns: int
    flag: str | None = None
    state: str | None = None
    ddm: int | None = None
    vsm_b: int | None = None
    system_version: int | None = None


class PowerCut(NamedTuple):
    """``ns`` is when power goes, ``back_ns`` when it comes back."""

    ns: int
    back_ns: int
    number: int
    left: str
    reading: str


class Timeline(NamedTuple):
    """A crash over time, from power-on to the end of the last recovery; ``story`` has what came of it."""

    variant: Variant
    story: Story
    devices: tuple[tuple[str, str], ...]
    """Names, and the parts that they are."""
    spans: tuple[Span, ...]
    doings: tuple[Doing, ...]
    samples: tuple[Sample, ...]
    cuts: tuple[PowerCut, ...]
    cycles: tuple[tuple[int, int], ...]
    """When else power is away, by steps of the workload: from when, until when."""
    end_ns: int


class _Over(BaseException):
    """Leaves the firmware once all is told."""


def record(variant: Variant, crash: CrashId) -> Timeline:
    """Run a crash in simulated time.

    Raises CrashIdError if there is none such, or if the firmware does other operations when time passes.
    """
    story = tell(variant, crash)
    recorder = _Recorder(variant, crash)
    recorder.run()
    told = [event.text for event in story.events if event.kind == "operation"]
    if recorder.heard[len(recorder.heard) - len(told) :] != told:
        raise CrashIdError(
            f"{crash}: the firmware does other media operations when time passes: what it does depends on the clock, "
            "so that there is no timeline of this crash"
        )
    media = recorder.session.rig.board.media
    devices = variant.scenario.document.board.devices
    return Timeline(
        variant,
        story,
        tuple((name, devices[name].part if name in devices else "") for name in media),
        tuple(recorder.spans),
        tuple(recorder.doings),
        tuple(recorder.samples),
        tuple(recorder.cuts),
        tuple(recorder.cycles),
        recorder.now_ns,
    )


class _Meter(Meter):
    """Tells of reads, too."""

    recorder: _Recorder

    def reads(self, medium: Medium, address: int, length: int) -> None:
        began_ns = self.settle()
        super().reads(medium, address, length)
        if self.recorder.now_ns > began_ns:
            self.recorder.spans.append(Span(medium.name, READ, -1, began_ns, self.recorder.now_ns))


class _Recorder:
    """Listens to the rail, watches the rig, and cuts where the path says."""

    def __init__(self, variant: Variant, crash: CrashId) -> None:
        self.session = session = Session(variant)
        self._path = crash.path
        self._done = 0
        self.spans: list[Span] = []
        self.doings: list[Doing] = []
        self.samples: list[Sample] = []
        self.cuts: list[PowerCut] = []
        self.cycles: list[tuple[int, int]] = []
        rig, time = session.rig, variant.scenario.document.time
        self._names = Names(rig.board, variant.firmware, rig.make())
        self._meter = _Meter(rig.board, time.media, time.core_hz, {})
        self._meter.recorder = self
        self._meter.log = self._passed
        self.heard: list[str] = []
        """The operations that the story tells of, too."""
        self._about: tuple[int, str] = (0, "")
        self._begun: tuple[str, int] | None = None
        self._back_ns = 0
        session.listener, session.idle_listener = self._on_operation, self._on_idle
        rig.watch = self
        self.resume()

    @property
    def now_ns(self) -> int:
        """Simulated time."""
        return self.session.rig.board.clock.now_ns

    def run(self) -> None:
        """As far as the last recovery."""
        with contextlib.suppress(_Over):
            self.session.run()
        self._ended()
        self.pause()

    def powers_on(self) -> None:
        self._ended()
        if self.doings and self.now_ns != self._back_ns:
            self._cycled()
        self._meter.power_on()
        self._begun = BOOT, self.now_ns

    def begins(self, command: Command | None) -> None:
        if command is None and self._begun is not None and self._begun[0] == BOOT:
            return
        text = str(command) if command is not None else self.session.doing
        if self._begun is None or self._begun[0] != text or command is not None:
            self._ended()
            self._begun = text, self._meter.settle()

    def ends(self, _command: Command | None) -> None:
        self._ended()
        self._sample()

    def pause(self) -> None:
        self._meter.settle()
        self._meter.detach()

    def resume(self) -> None:
        self._meter.attach()

    def _ended(self) -> None:
        if self._begun is not None:
            text, began_ns = self._begun
            self.doings.append(Doing(text, began_ns, self._meter.settle()))
            self._begun = None

    def _passed(self, operation: Operation, began_ns: int, ended_ns: int) -> None:
        number = self.session.rig.board.rail.operations
        about = self._about[1] if self._about[0] == number else ""
        self.spans.append(Span(operation.device, operation.kind, number, began_ns, ended_ns, str(operation), about))
        self._sample()

    def _on_operation(self, operation: Operation) -> None:
        board = self.session.rig.board
        number = board.rail.operations
        self._about = number, self._names.of(operation, operation.whole())
        self.heard.append(str(operation))
        self._sample()
        if self._done < len(self._path) and number == self._path[self._done].operation:
            began_ns = self._meter.settle()
            would_end_ns = self._meter.gauges[operation.device].timing.change(operation, began_ns)
            outcome = self._outcome(board.cut_outcomes(operation))
            share = {"": 0, "nothing": 0, "all": 2}.get(outcome.label, 1)
            cut_ns = began_ns + (would_end_ns - began_ns) * share // 2
            self.spans.append(
                Span(operation.device, operation.kind, number, began_ns, cut_ns, str(operation), self._about[1], True)
            )
            board.clock.advance_ns(cut_ns - began_ns)
            self._cut(number, outcome)

    def _on_idle(self, number: int) -> None:
        if not self._done and self._path and number == self._path[0].operation:
            self._meter.settle()
            self._cut(number, self._outcome(self.session.rig.board.idle_outcomes()))

    def _outcome(self, outcomes: Sequence[Outcome]) -> Outcome:
        return outcomes[self._next.outcome]

    @property
    def _next(self) -> Cut:
        return self._path[self._done]

    def _cut(self, number: int, outcome: Outcome) -> None:
        board, cut = self.session.rig.board, self._next
        self._done += 1
        self._ended()
        cut_ns = self.now_ns
        self.samples.append(Sample(cut_ns))
        board.lose_power()
        for cell, value in outcome.changes:
            board.cells.put(cell, value)
        board.clock.advance_ns(OFF_NS)
        self._back_ns = self.now_ns
        reading = Adversary.MEANING[cut.policy] if cut.policy != Adversary.FIRST_POLICY else ""
        self.cuts.append(PowerCut(cut_ns, self.now_ns, number, outcome.label or "nothing", reading))
        with contextlib.suppress(Violation):
            self.session.rig.power_on(cut.policy, [self._on_operation])
            board.clock.advance_ns(READY_NS)
            operations = board.rail.operations
            if self._done < len(self._path) and self._next.operation == operations:
                # The recovery is through, and power is cut before anything is asked of the device.
                self._cut(operations, self._outcome(board.idle_outcomes()))
        raise _Over

    def _cycled(self) -> None:
        """Power was lost by a step of the workload."""
        self.samples.append(Sample(self.now_ns))
        self.cycles.append((self.now_ns, self.now_ns + OFF_NS))
        self.session.rig.board.clock.advance_ns(OFF_NS)

    def _sample(self) -> None:
        """What the firmware has in its maps; nothing while it has not loaded any."""
        controller = self.session.rig.controller
        view, state = maps_of(controller), getattr(controller, "state", None)
        sample = Sample(self._meter.settle())
        if view is not None and (self._begun is None or self._begun[0] != BOOT or view.vsm | view.ddm):
            sample = Sample(
                sample.ns, view.flag, getattr(state, "name", None), view.ddm.bit_count(), view.vsm.bit_count(),
                view.system_version,
            )  # fmt: skip
        if not self.samples or self.samples[-1][1:] != sample[1:]:
            self.samples.append(sample)
