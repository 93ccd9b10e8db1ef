"""Media as vectors of immutable cells: one undo journal and one running digest for a whole board.

A cell is the least that a medium changes at once (NOR page, disk sector, NVRAM row).  Its value is an immutable,
hashable object that is shared and never copied, so that going back to any earlier point costs what has changed
since, and two board states can be told apart by one integer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from deltabench.hwsim.errors import HardwareError

Change = tuple[int, Hashable]


class MediaRuleError(HardwareError):
    """The firmware asked a medium for what the part cannot do; names the operation and the address."""


class UncorrectableError(HardwareError):
    """A sector cannot be read back; ``address`` is the first such sector.  A drive reports this as UNC."""

    def __init__(self, device: str, address: int) -> None:
        super().__init__(f"{device}: sector {address} is uncorrectable")
        self.device = device
        self.address = address


class Cells:
    """The cells of every medium on one board.

    ``values[i]`` is cell ``i``; ``digest`` is a 64-bit hash of all of them, kept up to date by XOR so that it is a
    function of the state and not of the way there.  Two different states share a digest with a probability of 2**-64.
    ``journal`` has an entry for each change: the cell, what it held, and what the digest was.  While ``recording`` is
    False changes are neither in the journal nor in the digest: a run that is never gone back in is faster so.
    """

    __slots__ = ("digest", "journal", "recording", "values")

    def __init__(self) -> None:
        # Only the medium that owns a cell knows what type its values have.
        self.values: list[Any] = []
        self.journal: list[tuple[int, Hashable, int]] = []
        self.digest = 0
        self.recording = True

    def allocate(self, count: int, value: Hashable) -> int:
        """Add ``count`` cells that hold ``value``; returns the index of the first."""
        first = len(self.values)
        self.values.extend([value] * count)
        return first

    def put(self, index: int, value: Hashable) -> None:
        """Change one cell and remember what it held."""
        values = self.values
        if self.recording:
            old, digest = values[index], self.digest
            self.journal.append((index, old, digest))
            self.digest = digest ^ hash((index, old)) ^ hash((index, value))
        values[index] = value

    def put_all(self, first: int, values: Sequence[Hashable]) -> None:
        """Change consecutive cells."""
        if not self.recording:
            self.values[first : first + len(values)] = values
            return
        for index, value in enumerate(values, first):
            self.put(index, value)

    def rollback(self, mark: int) -> None:
        """Undo every change since ``mark``, an earlier length of the journal."""
        values, journal = self.values, self.journal
        while len(journal) > mark:
            index, values[index], self.digest = journal.pop()


class Outcome(NamedTuple):
    """One thing that losing power inside an operation may leave: a label for people, and the cells it changes."""

    label: str
    changes: Sequence[Change]


class Operation(ABC):
    """A change of a medium that is about to happen: what it is, and what a cut inside it could leave.

    ``address`` and ``length`` are in the units of the medium: bytes on NOR and NVRAM, sectors on a disk.
    """

    __slots__ = ("address", "device", "length")
    kind: str

    def __init__(self, device: str, address: int, length: int) -> None:
        self.device = device
        self.address = address
        self.length = length

    @abstractmethod
    def outcomes(self) -> list[Outcome]:
        """What a cut may leave; the first is that nothing has happened."""

    def possible(self) -> int:
        """How many outcomes there are if none is left to samples."""
        return len(self.outcomes())

    def whole(self) -> Sequence[Change]:
        """What it changes once it is complete and durable; to be asked for before it takes effect."""
        return self.outcomes()[-1].changes

    def __str__(self) -> str:
        return f"{self.device} {self.kind} {self.address:#x}+{self.length}"


class Medium:
    """A storage part on a board.  ``size`` is its number of addresses, in the units of ``Operation.address``."""

    name: str
    size: int

    def check_range(self, what: str, address: int, length: int) -> None:
        """Raises MediaRuleError if any of ``length`` addresses from ``address`` is outside the part."""
        if address < 0 or length < 0 or address + length > self.size:
            raise MediaRuleError(
                f"{self.name}: {what} of {length} at {address:#x} runs outside the part, which ends at {self.size:#x}"
            )

    def lose_power(self) -> object:
        """Take away what does not survive power loss; returns it for ``regain``.  Most media keep everything."""
        return None

    def regain(self, volatile: object) -> None:
        """Put back what ``lose_power`` took: the explorer returns to the moment before a cut."""

    def possible_survivors(self) -> int:
        """How many outcomes losing volatile contents has if none is left to samples."""
        return 1

    def survivors(self) -> list[Outcome]:
        """What volatile contents may still reach the medium when power is lost; the first is that none do."""
        return [Outcome("", ())]
