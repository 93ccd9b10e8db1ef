"""NVRAM: FRAM, MRAM or battery-backed RAM.  A word is written whole or not; a longer copy may stop at any word."""

from __future__ import annotations

from deltabench.hwsim.medium import Cells, Medium, Operation, Outcome
from deltabench.hwsim.parts import NvramPart
from deltabench.hwsim.power import PowerRail


class Nvram(Medium):
    """Byte-addressed memory whose writes are durable at once; a cell is a row of ``ROW_BYTES``.

    Words are aligned; a copy that begins or ends inside a word rewrites that word, which is old or new as a whole.
    """

    ROW_BYTES = 64

    def __init__(self, name: str, part: NvramPart, cells: Cells, rail: PowerRail) -> None:
        self.name = name
        self.part = part
        self.size = part.size_bytes
        self.word_bytes = part.word_bytes
        self.cells = cells
        self.rail = rail
        self.first = cells.allocate(-(-part.size_bytes // self.ROW_BYTES), bytes(self.ROW_BYTES))

    def read(self, address: int, length: int) -> bytes:
        """``length`` bytes from ``address``."""
        self.check_range("read", address, length)
        if self.rail.meter is not None:
            self.rail.meter.reads(self, address, length)
        row, offset = divmod(address, self.ROW_BYTES)
        last = (address + length + self.ROW_BYTES - 1) // self.ROW_BYTES
        return b"".join(self.cells.values[self.first + row : self.first + last])[offset : offset + length]

    def write(self, address: int, data: bytes) -> None:
        """Copy ``data`` to ``address``, word by word in ascending order; durable when it returns."""
        self.check_range("write", address, len(data))
        self.rail.announce(_Write, self, address, data)
        for index, row in self.rows_after(address, data):
            self.cells.put(index, row)

    def rows_after(self, address: int, data: bytes) -> list[tuple[int, bytes]]:
        """The cells that a write of ``data`` changes, and what they hold after it."""
        row, offset = divmod(address, self.ROW_BYTES)
        changed = []
        at = 0
        while at < len(data):
            take = min(self.ROW_BYTES - offset, len(data) - at)
            index = self.first + row
            old: bytes = self.cells.values[index]
            new = old[:offset] + data[at : at + take] + old[offset + take :]
            if new != old:
                changed.append((index, new))
            at += take
            row, offset = row + 1, 0
        return changed


class _Write(Operation):
    __slots__ = ("data", "medium")
    kind = "write"

    def __init__(self, medium: Nvram, address: int, data: bytes) -> None:
        self.device = medium.name
        self.address = address
        self.length = len(data)
        self.medium = medium
        self.data = data

    def outcomes(self) -> list[Outcome]:
        word, nvram = self.medium.word_bytes, self.medium
        results = [Outcome("nothing", ())]
        first_edge = word - self.address % word
        for done in range(first_edge, self.length, word):
            results.append(Outcome(f"a prefix of {done} bytes", nvram.rows_after(self.address, self.data[:done])))
        results.append(Outcome("all", nvram.rows_after(self.address, self.data)))
        return results
