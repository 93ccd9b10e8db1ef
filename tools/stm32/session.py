"""A connection to a board's bootloader that outlives the line: it is opened again, and the work goes on.

Whether a chip has lost power meanwhile shows in its answer to the sync byte: one that has just started acknowledges it,
one that was only waiting refuses it.  After a start nobody knows what became of the operation that was under way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.hwsim.parts import McuPart, list_parts
from deltabench.scenarios.boards.clock import WaitingClock
from deltabench.tools.stm32.bootloader_client import READ, WRITE, BootloaderClient, Identity
from deltabench.tools.stm32.errors import FlashError, NoAnswerError, PortError, RefusedError, RestartedError
from deltabench.tools.stm32.transport import Transport

BACKOFF_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0)
"""How long a lost line is waited for before each attempt to open it again."""

Result = TypeVar("Result")


class Session:
    """A bootloader on a line that ``connect`` opens, as often as it has to be.

    ``wake`` is asked to send a running application back into the bootloader if nothing answers, and says whether it
    did.  ``told`` hears of every resumption.  ``retries``: how often a command is repeated, and how often in a row the
    line may be lost without anything done in between.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        board: DevBoardFile,
        clock: WaitingClock,
        *,
        character_s: float,
        retries: int,
        where: str,
        wake: Callable[[Transport], bool] | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.clock = clock
        self.board = board
        self.identity: Identity | None = None
        self.restarts = 0
        """How often the chip has started anew since it was first spoken to."""
        self.resumptions = 0
        self._repeats = 0
        self._connect = connect
        self._character_s = character_s
        self._retries = retries
        self._where = where
        self._wake = wake
        self._told = told
        self._done = 0
        self._line: Transport | None = None
        self._client: BootloaderClient | None = None

    @property
    def client(self) -> BootloaderClient:
        """The bootloader, once ``open`` has found it."""
        assert self._client is not None, "open comes first"
        return self._client

    @property
    def repeats(self) -> int:
        """How many commands had to be sent again."""
        return self._repeats + (self._client.repeats if self._client is not None else 0)

    def open(self) -> Identity:
        """Open the line and find the bootloader of the right chip; raises FlashError, saying what to look at."""
        try:
            self._open()
        except NoAnswerError as error:
            raise NoAnswerError(
                f"{error} on {self._where}; is the board on, on this port, with BOOT0 high at its last reset? Are the "
                f"lines crossed, and the parity even (or --parity none, if the adapter has none)?"
            ) from error
        assert self.identity is not None, "it was just asked"
        return self.identity

    def close(self) -> None:
        """Give the port back."""
        if self._client is not None:
            self._repeats += self._client.repeats
        line, self._line, self._client = self._line, None, None
        if line is not None:
            try:
                line.close()
            except PortError:
                # A port that went away needs not be given back.
                return

    def done(self) -> None:
        """Something was done that need not be done again: the next loss of the line is the first once more."""
        self._done += 1

    def carry_through(self, act: Callable[[], Result]) -> Result:
        """``act``, and again from where it left off each time that the line was lost; it has to know where that is."""
        losses, done = 0, self._done
        while True:
            try:
                return act()
            except (PortError, NoAnswerError, RestartedError) as lost:
                losses = losses + 1 if self._done == done else 1
                done = self._done
                if losses > self._retries:
                    raise
                self.restarts += isinstance(lost, RestartedError)
                self.resumptions += 1
                self._told(f"{lost}; going on when the board answers again")
                self._reopen(lost)

    def _open(self) -> None:
        self._line = self._connect()
        self._client = BootloaderClient(self._line, self._character_s, self._retries)
        try:
            started = self._client.synchronise()
        except NoAnswerError:
            if self._wake is None or not self._wake(self._line):
                raise
            started = self._client.synchronise()
        known = self.identity is not None
        self.identity = self._client.identify()
        self.restarts += started and known
        check_chip(self.board, self.identity)

    def _reopen(self, lost: FlashError) -> None:
        last: FlashError = lost
        for pause_s in BACKOFF_S:
            self.close()
            self.clock.sleep(pause_s)
            try:
                self._open()
                return
            except RestartedError as error:
                self.restarts += 1
                last = error
            except (PortError, NoAnswerError) as error:
                last = error
        raise PortError(f"the line was lost ({lost}), and did not come back within {sum(BACKOFF_S):g} s: {last}")


def check_chip(board: DevBoardFile, identity: Identity) -> None:
    """Raises FlashError unless this is the chip of ``board``, with the commands that flashing takes."""
    chip = board.chip
    if identity.product_id != chip.product_id:
        chips = [part for part in list_parts() if isinstance(part, McuPart)]
        names = [part.name for part in chips if part.product_id == identity.product_id]
        called = f" ({', '.join(names)})" if names else ""
        raise FlashError(
            f"the chip answers product ID 0x{identity.product_id:03X}{called}, and {board.name} has the {chip.name}, "
            f"0x{chip.product_id:03X}: nothing was changed; give the right board with --board"
        )
    for opcode in (READ, WRITE, chip.erase_opcode):
        if opcode not in identity.commands:
            raise FlashError(
                f"the bootloader (version 0x{identity.version:02X}) has no command 0x{opcode:02X}, by which the "
                f"{chip.name} {'is erased' if opcode == chip.erase_opcode else 'is read and written'}"
            )


def explained(error: RefusedError) -> FlashError:
    """What a NACK means that came again and again."""
    match error.stage:
        case "command":
            meaning = "its flash is protected from readout; removing that erases it: stm32flash -k PORT"
        case "address":
            meaning = "there is no memory at this address: a chip with less flash than the board file says"
        case "data":
            meaning = "the memory cannot take it, or reaches less far than the board file says"
    return FlashError(f"{error}: {meaning}")
