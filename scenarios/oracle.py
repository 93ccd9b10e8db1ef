"""What the host may read after a cut: the oracle, a black box.

It knows the commands, the responses and what was read, and never looks into the firmware.  The rules are those of the
specification: durability, atomicity, isolation, all or nothing, stability, usability, bounded recovery, honesty.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from deltabench.firmware_model.commands import WRITES, Command, Opcode

Image = list[bytes]
UNREADABLE: Final = b"(unreadable)"
"""Stands in an image for a sector whose read ended with UNC."""


class Rule(enum.Enum):
    """What a violation violates."""

    DURABILITY = "durability"
    ATOMICITY = "atomicity"
    ISOLATION = "isolation"
    ALL_OR_NOTHING = "all-or-nothing"
    STABILITY = "stability"
    USABILITY = "usability"
    BOUNDED_RECOVERY = "bounded-recovery"
    HONESTY = "honesty"


class Candidate(NamedTuple):
    """One pair of images that a recovery may come to.

    ``loose`` gives sectors of the live image other contents that are allowed as well, each on its own; all other
    sectors, and the save-point image, are exact.
    """

    name: str
    live: Image
    loose: Mapping[int, frozenset[bytes]]
    saved: Image

    def admits(self, image: Image) -> bool:
        """Whether the host may read ``image`` as the live image."""
        return image == self.live or image == self._nearest(image)

    def first_difference(self, image: Image) -> int:
        """The first sector of ``image`` that is not allowed."""
        nearest = self._nearest(image)
        return next(lba for lba, sector in enumerate(image) if sector != nearest[lba])

    def _nearest(self, image: Image) -> Image:
        nearest = list(self.live)
        for lba, contents in self.loose.items():
            if image[lba] in contents:
                nearest[lba] = image[lba]
        return nearest


class Oracle:
    """Follows the commands of a run; ``candidates`` says what a cut at this moment may leave.

    ``may_break``: the disk may leave a sector that was being written uncorrectable, which is then no fault of the
    firmware, as long as it reports UNC.
    """

    def __init__(self, volume_sectors: int, *, write_back: bool, may_break: bool, blank: bytes) -> None:
        self.live: Image = [blank] * volume_sectors
        self._changed: dict[int, bytes] = {}
        """Sectors written since the save point: LBA -> what it holds of them."""
        self._write_back = write_back
        self._may_break = may_break
        self._unflushed: dict[int, frozenset[bytes]] = {}
        """Acknowledged writes that a cut may undo: LBA -> the contents that it may fall back to."""
        self._command: Command | None = None

    def begin(self, command: Command | None) -> None:
        """A command is given to the device (None: power is on and nothing is asked of it)."""
        self._command = command

    def acknowledge(self) -> None:
        """The command that was begun has ended without error."""
        command, self._command = self._command, None
        if command is None:
            return
        if command.opcode in WRITES:
            lba, end = command.lba, command.lba + len(command.data)
            if not self._write_back or command.opcode == Opcode.WRITE_DMA_FUA_EXT:
                if self._unflushed:
                    for durable in range(lba, end):
                        self._unflushed.pop(durable, None)
            else:
                for doubtful in range(lba, end):
                    before = self._unflushed.get(doubtful, frozenset())
                    self._unflushed[doubtful] = before | {self.live[doubtful]}
            changed, live = self._changed, self.live
            for number in range(lba, end):
                if number not in changed:
                    changed[number] = live[number]
            live[lba:end] = command.data
        elif command.opcode == Opcode.FLUSH_CACHE_EXT:
            self._unflushed.clear()
        elif command.opcode == Opcode.SAVE:
            self._changed.clear()
            self._unflushed.clear()
        elif command.opcode == Opcode.RESTORE:
            self.live = self.saved
            self._changed.clear()
            self._unflushed.clear()

    def lose(self, lba: int) -> None:
        """The live data of a sector has become unreadable, and with it the save point's, if they are the same."""
        self.live[lba] = UNREADABLE

    @property
    def saved(self) -> Image:
        """The save-point image."""
        saved = list(self.live)
        for lba, sector in self._changed.items():
            saved[lba] = sector
        return saved

    def settle(self, image: Image, saved: Image) -> None:
        """After a power cycle: what was in doubt is as the host has now read it."""
        self.live = image
        self._changed = {lba: sector for lba, sector in enumerate(saved) if sector != image[lba]}
        self._unflushed.clear()
        self._command = None

    def candidates(self) -> list[Candidate]:
        """The pairs of images that are allowed if power is lost now."""
        command = self._command
        loose = dict(self._unflushed)
        before = "before"
        if command is not None and command.opcode in WRITES:
            before = "old or new"
            for lba, sector in enumerate(command.data, command.lba):
                loose[lba] = loose.get(lba, frozenset()) | {self.live[lba], sector}
        if self._may_break:
            loose = {lba: contents | {UNREADABLE} for lba, contents in loose.items()}
        saved = self.saved
        candidates = [Candidate(before, self.live, loose, saved)]
        if command is not None and command.opcode == Opcode.SAVE:
            candidates.append(Candidate("after", self.live, {}, self.live))
        elif command is not None and command.opcode == Opcode.RESTORE:
            candidates.append(Candidate("after", saved, {}, saved))
        return candidates

    @property
    def in_flight(self) -> Command | None:
        """The command that has begun and not ended."""
        return self._command


class Violation(Exception):
    """A rule is broken: which, and in words what was read and what should have been."""

    def __init__(self, rule: Rule, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def describe_sector(sector: bytes) -> str:
    """A sector's content for a person: its text if it has one, otherwise the first bytes and a check."""
    if sector == UNREADABLE:
        return "an error (UNC)"
    if not any(sector):
        return "zeros"
    text = sector[:48].split(b"\0")[0]
    if len(text) > 3 and all(32 <= byte < 127 for byte in text):
        return f'"{text.decode("ascii").strip()}"'
    return f"{sector[:8].hex(' ')} …"


def judge_live(candidates: Sequence[Candidate], image: Image, in_flight: Command | None) -> list[Candidate]:
    """The candidates that ``image``, as read after recovery, leaves; raises Violation if there are none."""
    left = [candidate for candidate in candidates if candidate.admits(image)]
    if left:
        return left
    lbas = [candidate.first_difference(image) for candidate in candidates]
    lba = max(lbas)
    wanted = " or ".join(
        dict.fromkeys(
            describe_sector(content)
            for candidate in candidates
            for content in (candidate.live[lba], *sorted(candidate.loose.get(lba, ())))
        )
    )
    rule = Rule.DURABILITY
    if len(candidates) > 1:
        rule = Rule.ALL_OR_NOTHING
    elif in_flight is not None and in_flight.lba <= lba < in_flight.lba + in_flight.count:
        rule = Rule.ATOMICITY
    raise Violation(rule, f"LBA {lba} reads {describe_sector(image[lba])}, and should read {wanted}")


def judge_saved(candidates: Sequence[Candidate], image: Image) -> list[Candidate]:
    """The candidates that ``image``, as read after a RESTORE, leaves; raises Violation if there are none."""
    left = [candidate for candidate in candidates if candidate.saved == image]
    if left:
        return left
    first = candidates[0]
    lba = next(i for i, sector in enumerate(image) if sector != first.saved[i])
    rule = Rule.ALL_OR_NOTHING if len(candidates) > 1 or first.name == "after" else Rule.ISOLATION
    raise Violation(
        rule,
        f"after a RESTORE, LBA {lba} reads {describe_sector(image[lba])}, and the save point "
        f"{first.name!r} the cut has {describe_sector(first.saved[lba])}",
    )


def expect(image: Image, wanted: Image, rule: Rule, when: str) -> None:
    """Nothing is in doubt: raises Violation of ``rule`` if ``image`` is not just what is ``wanted``."""
    if image != wanted:
        candidate = Candidate("", wanted, {}, wanted)
        try:
            judge_live([candidate], image, None)
        except Violation as violation:
            raise Violation(rule, f"{when}, {violation.detail}") from violation
