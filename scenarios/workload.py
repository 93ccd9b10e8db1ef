"""From the steps of a scenario to what is done to the device, one action after the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import MOST_SECTORS, Command
from deltabench.firmware_model.config import CacheMode
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.explain_invalid import meant
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.recordings import RECORDINGS
from deltabench.scenarios.scenario import By, Document, Hostile, Scenario
from deltabench.scenarios.traces import FORMATS, Request, TraceError, read_trace


class Press(NamedTuple):
    """Somebody presses the switch named ``switch`` for ``hold_ms``; the device is to do ``command``."""

    switch: str
    hold_ms: int
    command: Command


class Button(NamedTuple):
    """Somebody presses a button of the handheld remote; the device is to do ``command``."""

    command: Command


class Crash(NamedTuple):
    """A command in which power is lost: after ``operations`` media operations, or behind it if it has not so many.

    ``seed`` draws the outcome.
    """

    command: Command
    operations: int
    seed: int


class LastWrite(NamedTuple):
    """A write that a worn-out device may refuse as read-only."""

    command: Command


MOST_CRASH_OPERATIONS = 12
"""A crash falls on one of so many media operations of its command."""

Action = (
    Command | Press | Button | Crash | LastWrite | steps.Radio | steps.PowerCycle | steps.Idle
    | steps.Swap | steps.Snapshot | steps.PutBack | steps.BitErrors | steps.Age | steps.ReadOnly
)  # fmt: skip
NEEDED: Final = {Hostile.REPLAYED: 2, Hostile.DUPLICATED: 1, Hostile.OUT_OF_ORDER: 1, Hostile.REFLECTED: 1}
"""So many commands by the remote must come before it, so that there is something that somebody can have recorded."""


def described(action: Action) -> str:
    """What the device is doing during an action, in words."""
    match action:
        case Press(command=command):
            return f"{command} by its switch"
        case Button(command=command):
            return f"{command} by the remote"
        case steps.Radio(frame=frame):
            return f"{frame} on the remote's line"
        case Crash(command=command) | LastWrite(command=command):
            return str(command)
        case steps.Idle(ms=ms):
            return f"{ms} ms idle"
        case steps.PowerCycle():
            return "a power cycle"
        case steps.ReadOnly():
            return "nothing, when the device must be read-only"
        case steps.Swap() | steps.Snapshot() | steps.PutBack():
            return "nothing, with hands on its disks"
        case steps.BitErrors(lba=lba, bits=bits, of=of):
            return f"nothing, with {bits} bits flipped in the {of} of LBA {lba}"
        case steps.Age(years=years, reads=reads):
            return f"{years} years off after {reads} reads of each block"
    return str(action)


def expected_presses(hold_ms: int, bounce_us: int, stuck: str | None, debounce_ms: int) -> tuple[int, int]:
    """The least and the most commands that a press may give.

    A long press gives its command once, one that is over before the debouncing none, a stuck switch none.  Between the
    two it depends on how the contact bounces, and either is right.
    """
    bounce_ms = -(-bounce_us // 1000)
    least = int(stuck is None and hold_ms >= debounce_ms + max(bounce_ms, 1))
    most = int(stuck is None and hold_ms + bounce_ms > debounce_ms)
    return least, most


def actions(scenario: Scenario, volume_sectors: int) -> list[Action]:
    """Everything that the scenario does to a device with a volume of ``volume_sectors``.

    Raises ScenarioError for a step that leaves the volume, or names what is not there.
    """
    return list(_Expansion(scenario, volume_sectors).actions())


def sector_text(number: int, lba: int) -> bytes:
    """Made-up content of the sector that command ``number`` writes to ``lba``: unlike any other, and readable."""
    return f"LBA {lba} by command {number}".encode().ljust(SECTOR_BYTES, b"\0")


@lru_cache(maxsize=4)
def _recorded(name: str) -> list[Request]:
    """The requests of a recording, read once a process."""
    return RECORDINGS[name].requests()


class _Expansion:
    def __init__(self, scenario: Scenario, volume_sectors: int) -> None:
        self._scenario = scenario
        self._document: Document = scenario.document
        self._sectors = volume_sectors
        self._random = random.Random(scenario.document.seed)
        self._number = 0
        self._buttons = 0

    def actions(self) -> Iterator[Action]:
        for index, step in enumerate(self._document.steps):
            for action in self._expand(f"steps[{index}]", step):
                self._number += 1
                yield action

    def _expand(self, key: str, step: steps.Step) -> Iterator[Action]:
        match step:
            case steps.Write(lba=lba, count=count, fua=fua, refusable=refusable):
                self._check_range(key, lba, count)
                command = self._write(lba, count, fua=fua)
                yield LastWrite(command) if refusable else command
            case steps.Read(lba=lba, count=count):
                self._check_range(key, lba, count)
                yield commands.read(lba, count)
            case steps.Flush():
                yield commands.FLUSH
            case steps.Save(by=by, hold_ms=hold_ms):
                yield self._order(key, "save", by, hold_ms, commands.SAVE)
            case steps.Restore(by=by, hold_ms=hold_ms):
                yield self._order(key, "restore", by, hold_ms, commands.RESTORE)
            case steps.Radio(frame=frame):
                self._check_remote(f"{key}.frame = {frame.value!r}")
                needed = NEEDED.get(frame, 0)
                if self._buttons < needed:
                    raise self._error(
                        f"{key}.frame = {frame.value!r}",
                        f"needs {needed} saves or restores by the remote before it; there are {self._buttons}",
                    )
                yield step
            case steps.Random():
                yield from self._random_commands(key, step)
            case steps.Trace():
                yield from self._trace(key, step)
            case steps.Swap(devices=devices):
                for device in devices:
                    self._check_disk(key, device)
                if devices[0] == devices[1]:
                    raise self._error(f"{key}.devices", f"{devices[0]!r} twice; a swap is of two different disks")
                yield step
            case steps.Snapshot(device=device) | steps.PutBack(device=device):
                self._check_disk(key, device)
                yield step
            case steps.PowerCycle() | steps.Idle() | steps.Age() | steps.ReadOnly():
                yield step
            case steps.BitErrors(lba=lba):
                self._check_range(key, lba, 1)
                if self._document.firmware.cache is not CacheMode.WRITE_THROUGH:
                    raise self._error(key, "needs firmware.cache = 'write-through': what is cached is not on the flash")
                yield step
            case steps.WearOut(writes=writes):
                for number in range(writes):
                    yield LastWrite(self._write(number % self._sectors, 1))
                yield steps.ReadOnly()
            case steps.Crash(command=command, operations=operations, seed=seed):
                if not isinstance(command, steps.Write) and command.by is not By.HOST:
                    raise self._error(
                        f"{key}.command.by = {command.by.value!r}", "power is lost in commands of the host"
                    )
                for order in self._expand(f"{key}.command", command):
                    assert isinstance(order, Command), "a command of the host"
                    yield Crash(order, operations, seed)

    def _write(self, lba: int, count: int, *, fua: bool = False) -> Command:
        data = [sector_text(self._number, sector) for sector in range(lba, lba + count)]
        return commands.write(lba, data, fua=fua)

    def _order(self, key: str, switch: str, by: By, hold_ms: int, command: Command) -> Action:
        if by is By.HOST:
            return command
        if by is By.REMOTE:
            self._check_remote(f"{key}.by = 'remote'")
            self._buttons += 1
            return Button(command)
        if switch not in self._document.board.switches:
            raise self._error(key, f"by = 'switch': the board has no switch {switch!r}; add [board.switches.{switch}]")
        return Press(switch, hold_ms, command)

    def _random_commands(self, key: str, step: steps.Random) -> Iterator[Action]:
        mix, draw = step.mix, self._random
        kinds = [name for name in msgspec.structs.asdict(mix) for _ in range(getattr(mix, name))]
        if not kinds:
            raise self._error(f"{key}.mix", "all frequencies are 0; at least one command must be possible")
        if step.most_sectors > self._sectors:
            raise self._error(f"{key}.most_sectors", f"{step.most_sectors} is more than the volume's {self._sectors}")
        fixed: dict[str, Action] = {
            "flush": commands.FLUSH,
            "save": commands.SAVE,
            "restore": commands.RESTORE,
            "power_cycle": steps.PowerCycle(),
        }
        for _ in range(step.commands):
            kind = draw.choice(kinds)
            count = draw.randint(1, step.most_sectors)
            lba = draw.randrange(self._sectors - count + 1)
            if kind == "crash":
                order = draw.choice((self._write(lba, count), commands.SAVE, commands.RESTORE))
                yield Crash(order, draw.randrange(MOST_CRASH_OPERATIONS), draw.getrandbits(32))
            elif kind in fixed:
                yield fixed[kind]
            elif kind == "read":
                yield commands.read(lba, count)
            else:
                yield self._write(lba, count, fua=kind == "fua")

    def _trace(self, key: str, step: steps.Trace) -> Iterator[Action]:
        requests, marks = self._requests(key, step)
        requests = requests[step.first :]
        if step.limit is not None:
            requests = requests[: step.limit]
        orders: dict[int, list[Command]] = {}
        for name, command in (("saves", commands.SAVE), ("restores", commands.RESTORE)):
            for place in getattr(step, name):
                behind = place - step.first if isinstance(place, int) else marks.get(place, -1) - step.first
                if isinstance(place, str) and place not in marks:
                    known = ", ".join(marks) or "none"
                    raise self._error(f"{key}.{name}", f"{place!r} is no mark of the recording; there are: {known}")
                if not 0 <= behind <= len(requests):
                    raise self._error(f"{key}.{name}", f"{place!r} is behind the {len(requests)} requests replayed")
                orders.setdefault(behind, []).append(command)
        yield from orders.get(0, ())
        for number, request in enumerate(requests, 1):
            yield from self._request(request)
            yield from orders.get(number, ())

    def _requests(self, key: str, step: steps.Trace) -> tuple[list[Request], dict[str, int]]:
        if (step.file is None) == (step.recording is None):
            raise self._error(key, "exactly one of 'file' and 'recording' must be given")
        if step.recording is not None:
            if step.recording not in RECORDINGS:
                raise self._error(
                    f"{key}.recording", f"{step.recording!r} is unknown; there are: {', '.join(RECORDINGS)}"
                )
            recording = RECORDINGS[step.recording]
            if self._sectors < recording.volume_sectors:
                raise self._error(
                    f"{key}.recording",
                    f"{step.recording!r} needs a volume of {recording.volume_sectors} sectors; units x "
                    f"sectors_per_unit gives {self._sectors}",
                )
            return _recorded(step.recording), dict(recording.marks)
        if step.format is None:
            raise self._error(f"{key}.format", f"is missing; one of {', '.join(FORMATS)}")
        assert step.file is not None, "checked above"
        if step.format not in FORMATS:
            hint = meant(step.format, FORMATS)
            raise self._error(f"{key}.format = {step.format!r}", f"is unknown{hint}; one of {', '.join(FORMATS)}")
        path = self._scenario.path.parent / step.file
        try:
            requests = read_trace(
                path, format=step.format, volume_sectors=self._sectors, wrap=step.wrap, files=step.files
            )
        except TraceError as error:
            # The key names the file already, unless a line of it is meant.
            raise self._error(f"{key}.file = {step.file!r}", str(error).removeprefix(f"{path}: ")) from error
        return requests, {}

    def _request(self, request: Request) -> Iterator[Command]:
        if request.kind == "flush":
            yield commands.FLUSH
            return
        for at in range(0, request.count, MOST_SECTORS):
            lba, count = request.lba + at, min(MOST_SECTORS, request.count - at)
            if request.kind == "read":
                yield commands.read(lba, count)
            elif request.data is not None:
                yield commands.write(lba, request.data[at : at + count], fua=request.fua)
            else:
                yield self._write(lba, count, fua=request.fua)

    def _check_range(self, key: str, lba: int, count: int) -> None:
        if lba + count > self._sectors:
            raise self._error(
                key, f"lba = {lba}, count = {count} runs beyond the volume, whose last LBA is {self._sectors - 1}"
            )

    def _check_remote(self, key: str) -> None:
        if self._document.firmware.remote is None:
            raise self._error(
                key, "the firmware listens to no remote; name a serial line in uarts of [board] and in firmware.remote"
            )

    def _check_disk(self, key: str, device: str) -> None:
        if device not in self._document.board.devices:
            known = ", ".join(self._document.board.devices)
            raise self._error(key, f"{device!r} is no device of the board; there are: {known}")

    def _error(self, key: str, what: str) -> ScenarioError:
        return ScenarioError(f"{self._scenario.path}: {key}: {what}")
