"""Gets an image into a board's memories, and what is in them out.

Step by step (plan.py): erase, write, read back.  After an interruption the work goes on behind the last command that
was acknowledged, unless the chip has started anew: then the block that was under way is erased once more, for what an
operation leaves that was cut may read well today and differently tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deltabench.hwsim.clock import NS_PER_S, NS_PER_US
from deltabench.scenarios.images.memory_image import MemoryImage, Segment
from deltabench.tools.stm32.chip_map import Block
from deltabench.tools.stm32.errors import RefusedError, VerifyError
from deltabench.tools.stm32.line_rate import BLOCK_BYTES, OVERHEAD_CHARACTERS
from deltabench.tools.stm32.plan import BLANK, Step, commands_of, within
from deltabench.tools.stm32.session import Session, explained

US_PER_S = NS_PER_S // NS_PER_US
Advance = Callable[[int, int], None]
"""Hears how many bytes have gone over the line, and how many will have in the end, as far as is known."""


@dataclass
class Flashed:
    """What was done; ``line_characters`` are those that the line carried for the writes, in ``writing_s``."""

    written_bytes: int = 0
    equal_bytes: int = 0
    """What was there already, by --diff."""
    erased_blocks: int = 0
    erased_bytes: int = 0
    verified_bytes: int = 0
    writing_s: float = 0
    line_characters: int = 0

    @property
    def bytes_per_s(self) -> float:
        """How fast it was written; erasing and reading back not counted."""
        return self.written_bytes / self.writing_s if self.writing_s else 0.0


class Flashing:
    """Carries out steps on the board of ``session``."""

    def __init__(
        self, session: Session, *, diff: bool, verify: bool, advance: Advance = lambda _done, _total: None
    ) -> None:
        self.flashed = Flashed()
        self._session = session
        self._diff = diff
        self._verify = verify
        self._advance = advance
        self._done = 0
        self._total = 0

    def run(self, steps: Iterable[Step]) -> Flashed:
        """All of them; raises FlashError, VerifyError if the board does not hold what it has acknowledged."""
        steps = list(steps)
        for step in steps:
            self._total += step.size_bytes if self._diff else self._cost(step)
        try:
            for step in steps:
                self._step(step)
        except RefusedError as error:
            raise explained(error) from error
        return self.flashed

    def read(self, segments: Iterable[tuple[int, int]]) -> MemoryImage:
        """What is in the memories, (address, length) by (address, length)."""
        pieces = [
            piece for address, length in segments for piece in within(Segment(address, bytes(length)), BLOCK_BYTES)
        ]
        self._total += sum(len(piece.data) for piece in pieces)
        try:
            return MemoryImage([(piece.address, self._fetch(piece.address, len(piece.data))) for piece in pieces])
        except RefusedError as error:
            raise explained(error) from error

    def _step(self, step: Step) -> None:
        if self._diff:
            wanted = step
            held = self._held(step)
            if held is None:
                self.flashed.equal_bytes += step.size_bytes
                return
            step = wanted.kept(held) if wanted.block is not None else wanted.different(held)
            self._total += self._cost(step)
        try:
            self._carry_out(step)
            wrong = self._wrong(step)
        except RefusedError as error:
            if error.stage != "data" or step.block is None:
                raise
            wrong = step.block.address
        if wrong is not None:
            self._once_more(step)

    def _once_more(self, step: Step) -> None:
        """A step after which the memory did not hold what it should."""
        self._total += self._cost(step)
        if step.block is not None:
            self._session.carry_through(lambda: self._erase_now(step))
            self._check_blank(step, step.block)
        self._carry_out(step)
        wrong_again = self._wrong(step)
        if wrong_again is not None:
            raise VerifyError(
                f"0x{wrong_again:08X} does not hold what was written there, twice, and acknowledged: the memory is "
                f"write-protected, worn out, or not there"
            )

    def _held(self, step: Step) -> MemoryImage | None:
        """What is there, of all that the step touches or would erase; None if that is what should be there."""
        wanted = MemoryImage(step.segments)
        differs, pieces = False, []
        for segment in step.segments:
            for address, data in within(segment, BLOCK_BYTES):
                pieces.append(Segment(address, self._fetch(address, len(data))))
                differs |= pieces[-1].data != data
        if not differs:
            return None
        if step.block is not None:
            for page in within(Segment(step.block.address, bytes(step.block.size_bytes)), BLOCK_BYTES):
                for gap in _gaps(wanted, page):
                    self._total += gap.end - gap.address
                    pieces.append(Segment(gap.address, self._fetch(gap.address, len(gap.data))))
        return MemoryImage(pieces)

    def _carry_out(self, step: Step) -> None:
        session, commands = self._session, commands_of(step)
        started_at, number, erased = session.restarts, 0, step.block is None

        def act() -> None:
            nonlocal started_at, number, erased
            if session.restarts != started_at:
                # Whatever was under way when the chip lost power is not to be relied on, even if it reads well.
                started_at, number, erased = session.restarts, 0, step.block is None
            if not erased:
                self._erase_now(step)
                erased = True
            while number < len(commands):
                address, data = commands[number]
                began_s = session.clock.now_s()
                session.client.write(address, data, allowed_s=self._write_s)
                self.flashed.writing_s += session.clock.now_s() - began_s
                self.flashed.line_characters += len(data) + OVERHEAD_CHARACTERS
                self.flashed.written_bytes += len(data)
                number += 1
                session.done()
                self._tell(len(data))

        session.carry_through(act)

    def _check_blank(self, step: Step, block: Block) -> None:
        """Raises VerifyError if an erase that was acknowledged has not been done."""
        for address, count in ((piece.address, len(piece.data)) for piece in commands_of(step)):
            held = self._fetch(address, count).lstrip(BLANK)
            if held:
                raise VerifyError(
                    f"0x{address + count - len(held):08X} is not blank after its block from 0x{block.address:08X} on "
                    f"was erased, which the bootloader acknowledged: the block is write-protected; "
                    f"stm32flash -u PORT removes all such protection"
                )

    def _erase_now(self, step: Step) -> None:
        block = step.block
        assert block is not None, "only flash is erased"
        self._session.client.erase(
            self._session.board.chip.erase_opcode, [block.page], 2 * block.erase_max_us / US_PER_S
        )
        self._session.done()
        self.flashed.erased_blocks += 1
        self.flashed.erased_bytes += block.size_bytes

    def _wrong(self, step: Step) -> int | None:
        """The first address that does not hold what it should; a read that the line has garbled is repeated."""
        if not self._verify:
            return None
        for segment in step.segments:
            for address, data in within(segment, BLOCK_BYTES):
                read = self._fetch(address, len(data))
                if read != data:
                    read = self._fetch(address, len(data), again=True)
                if read != data:
                    return address + next(
                        n for n, (is_, should) in enumerate(zip(read, data, strict=True)) if is_ != should
                    )
                self.flashed.verified_bytes += len(data)
        return None

    def _fetch(self, address: int, count: int, *, again: bool = False) -> bytes:
        data = self._session.carry_through(lambda: self._session.client.read(address, count))
        self._session.done()
        if not again:
            self._tell(count)
        return data

    @property
    def _write_s(self) -> float:
        chip = self._session.board.chip
        return 2 * BLOCK_BYTES // chip.word_bytes * chip.word_program_max_us / US_PER_S

    def _cost(self, step: Step) -> int:
        """Bytes that writing a step, and reading it back, take over the line."""
        written = sum(len(command.data) for command in commands_of(step))
        return written + step.size_bytes * self._verify

    def _tell(self, count: int) -> None:
        self._done += count
        self._advance(self._done, max(self._total, self._done))


def _gaps(image: MemoryImage, page: Segment) -> list[Segment]:
    """What the image does not say of a page."""
    held = image.within(page.address, len(page.data)).segments
    edges = [page.address, *(edge for segment in held for edge in (segment.address, segment.end)), page.end]
    return [
        Segment(start, bytes(end - start)) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end
    ]
