"""A crash on the bench: the media as the cut left them, and other states that the cut might have left instead.

Each media operation around the cut is known with what it changes.  So any of them can be made to have persisted, or
not, byte by byte, and the device that boots then is judged like every other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

from deltabench.hwsim.instability import Unstable, settled
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import UnstablePage
from deltabench.hwsim.nor import NorFlash, readings
from deltabench.scenarios.counterexamples.flash_naming import appended_in_place_of, written
from deltabench.scenarios.counterexamples.operations import Done, Rerun
from deltabench.scenarios.crash_id import CrashId, CrashIdError
from deltabench.scenarios.explorer import Explorer
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Variant

AROUND: Final = 24
"""So many operations before the cut, and behind it, are asked about."""


class Altered(NamedTuple):
    """What is otherwise than the cut left it: numbers of operations ``undone`` and ``completed``.

    ``appended``: what one operation of a log writes is, of these pairs, where the other was going to write, as if it
    had come first.  ``stable``: cells that may read otherwise next time do not, and read as before the cut (``o``) or
    as after it (``n``).
    """

    undone: tuple[int, ...] = ()
    completed: tuple[int, ...] = ()
    appended: tuple[tuple[int, int], ...] = ()
    stable: str = ""


AS_IT_IS: Final = Altered()


class Incident:
    """One crash: the operations around its last cut, and the device on which to try alternatives, power off.

    Raises CrashIdError if it is none, or has no cut.
    """

    def __init__(self, variant: Variant, crash: CrashId) -> None:
        if not crash.path:
            raise CrashIdError(f"{crash}: nothing was cut in it; `deltabench replay` tells what happens")
        self.path = crash.path
        self._last = crash.path[-1]
        watched = Rerun(variant, crash.path[:-1], None)
        if len(crash.path) > 1 and not watched.is_cut:
            raise CrashIdError(f"{crash}: is not reached: there is no operation {crash.path[0].operation}")
        self.operations = tuple(watched.done)
        """All operations of the workload, or of the recovery that was cut, as they would have been without the cut."""
        cut = Rerun(variant, crash.path, self._last.operation)
        if not cut.is_cut:
            raise CrashIdError(f"{crash}: there is no operation {self._last.operation} with that outcome to cut")
        self._session, self.left, self.names = cut.session, cut.left, cut.names
        self.doing, self.action = cut.session.doing, cut.session.number
        self.torn = next((done for done in self.operations if done.number == self._last.operation), None)
        if cut.is_between:
            self.torn = None
        self._by_number = {done.number: done for done in self.operations}
        self._cached = cut.cached
        self.journal = list(self.rig.board.cells.journal)
        """What has changed since the action in flight was begun, the cut included."""

    @property
    def rig(self) -> Rig:
        return self._session.rig

    @property
    def explorer(self) -> Explorer:
        return self._session.explorer

    @property
    def before(self) -> list[Done]:
        """Operations that were over when power was cut, the last first."""
        limit = self._last.operation
        return [done for done in reversed(self.operations) if done.number < limit][:AROUND]

    @property
    def behind(self) -> list[Done]:
        """Operations that were still to come."""
        limit = self._last.operation + (self.torn is not None)
        return [done for done in self.operations if done.number >= limit][:AROUND]

    @property
    def lost(self) -> list[Done]:
        """Writes that were over, and were lost in the cache of their drive."""
        cells, values = set(self._cached), self.rig.board.cells.values
        found = []
        for done in reversed([done for done in self.operations if done.number < self._last.operation]):
            mine = {
                change.cell for change in done.changes if change.cell in cells and values[change.cell] != change.new
            }
            if mine and done.kind == "write":
                found.append(done)
                cells -= mine
        return found

    def judge(self, altered: Altered = AS_IT_IS) -> Violation | None:
        """Power on with the media ``altered``: the rule that is broken, under some reading of unstable cells."""
        board = self.rig.board
        cells, mark = board.cells, len(board.cells.journal)
        self._alter(altered)
        changed = len(cells.journal)
        violation = None
        policies: Iterable[str] = board.adversary.policies()
        if altered == AS_IT_IS:
            policies = [self._last.policy]
        for policy in policies:
            try:
                self.explorer.check(self.rig.power_on(policy))
            except Violation as found:
                violation = found
            board.lose_power()
            cells.rollback(changed)
            if violation is not None:
                break
        cells.rollback(mark)
        return violation

    def _alter(self, altered: Altered) -> None:
        for number in sorted(altered.undone, reverse=True):
            for cell, old, new in self._by_number[number].changes:
                self._patch(cell, new, old)
        for number in sorted(altered.completed):
            for cell, old, new in self._by_number[number].changes:
                self._patch(cell, old, new)
        for number, place in altered.appended:
            self._append(self._by_number[number], self._by_number[place])
        if altered.stable:
            cells = self.rig.board.cells
            for index in dict.fromkeys(index for index, _, _ in self.journal):
                value = cells.values[index]
                if isinstance(value, Unstable | UnstablePage):
                    cells.put(index, value.one if altered.stable == "o" else value.other)

    def _append(self, done: Done, place: Done) -> None:
        """What the first writes is where the second was going to write."""
        nor = self.rig.board.media[done.device]
        if isinstance(nor, NandFlash):
            self._append_page(nor, done, place)
            return
        assert isinstance(nor, NorFlash), "only flash has logs"
        page, offset = divmod(place.address, nor.page_bytes)
        start = done.address % nor.page_bytes
        data = _bytes(done.changes[0].new)[start : start + done.length]
        cell = nor.first + page
        one, other, weak = readings(nor.cells.values[cell])
        end = offset + len(data)
        one, other = (page[:offset] + data + page[end:] for page in (one, other))
        nor.cells.put(cell, settled(one, other, weak))

    def _append_page(self, nand: NandFlash, done: Done, place: Done) -> None:
        """Likewise in the log of a translation layer, whose pages say where they are."""
        what, other = (written(done.changes[0].new, nand.units) for done in (done, place))
        if what is not None and other is not None:
            nand.cells.put(nand.first + place.address, appended_in_place_of(what, other, place.address))

    def _patch(self, cell: int, was: Hashable, becomes: Hashable) -> None:
        """The bytes in which these two differ become as in the second; what else the cell holds stays."""
        cells = self.rig.board.cells
        now = cells.values[cell]
        if now == was or not _alike(now, was, becomes):
            value = becomes
        else:
            one, other, weak = now if isinstance(now, Unstable) else Unstable(now, now)
            old, new = _bytes(was), _bytes(becomes)
            value = settled(_mixed(one, old, new), _mixed(other, old, new), weak)
        if value != now:
            cells.put(cell, value)


def _alike(*values: object) -> bool:
    """Whether these are contents of one length, so that they can be mixed byte by byte; a page of NAND flash is not."""
    if not all(isinstance(value, bytes | Unstable) for value in values):
        return False
    return len({len(value) for value in map(_bytes, values)}) == 1


def _bytes(value: object) -> bytes:
    content = value.one if isinstance(value, Unstable) else value
    assert isinstance(content, bytes), "a cell holds bytes"
    return content


def _mixed(now: bytes, was: bytes, becomes: bytes) -> bytes:
    return bytes(c if a == b else b for a, b, c in zip(was, becomes, now, strict=True))
