"""The handheld remote (figure 3B), the controller's end: which of the bytes on a serial line are a command.

Whoever can reach the line can say anything on it, record what is said, and say it again.  A request counts if its tag
is right and its counter higher than any accepted before, and then it counts once, whatever power does.  One atom of the
map store sees to that:

    accept:  atom = pending, command, counter     the commit point: from here on the command will be done
             save or restore
    finish:  atom = done, command, counter
             answer

A boot that finds ``pending`` does the command before the host is served.  It may have been done already: a second save
or restore with no write in between changes nothing that a host can read.  A cut before the commit point leaves all as
it was, the counter included, and the remote, which hears no answer, says the same again.  It may also have missed the
answer: the last request accepted is answered again, and not done again.  Any other that is not new is left unanswered,
for only someone who has recorded it has a reason to send it.
"""

from __future__ import annotations

import enum
from typing import Final

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import REMOTE_DONE, REMOTE_LOST, REMOTE_PENDING
from deltabench.firmware_model.commands import Opcode
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.formats import REMOTE_ANSWER, REMOTE_ATOM, REMOTE_REQUEST, REMOTE_SECTOR
from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.remote_frames import (
    Answer,
    Kind,
    Outcome,
    Request,
    answer_body,
    read_request,
)
from deltabench.firmware_model.steps import TAG
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import SECTOR_BYTES

BYTES_A_TICK: Final = 32
"""So many bytes are taken in a millisecond: more than a line of 115,200 baud carries, and no more than a frame."""
LONGEST_BODY: Final = REMOTE_ANSWER.fixed_bytes
"""An answer that someone sends back is looked at, and found to be no request."""
COMMANDS: Final = {int(Kind.SAVE): Opcode.SAVE, int(Kind.RESTORE): Opcode.RESTORE}
MOST_COUNTED: Final = (1 << 32) - 1
DONE: Final = 0
PENDING: Final = 1


class RemoteState(enum.IntEnum):
    """Whether requests can be heeded."""

    LISTENING = 0
    UNPAIRED = 1
    LOST = 2


REASONS: Final = {
    RemoteState.LISTENING: "",
    RemoteState.UNPAIRED: "not paired: the chip holds no key",
    RemoteState.LOST: "the remote atom has no good copy: which requests were accepted is not known",
}


class Remote:
    """Listens on the board's serial line ``name``, and keeps its word in the last atom of ``store``.

    The key stays in the chip's fuses, and is read from there for each frame.
    """

    def __init__(self, board: Board, name: str, store: AtomStore) -> None:
        """Raises ConfigurationError if the board has no such line."""
        if name not in board.uarts:
            known = ", ".join(board.uarts) or "none"
            raise ConfigurationError(
                f"remote = {name!r}: no such serial line; the board has {known}; name it in uarts of [board]"
            )
        self._board = board
        self._line = board.uarts[name].device
        self._store = store
        self._atom = store.count - 1
        self._receiver = FrameReceiver(LONGEST_BODY)
        self._bodies: list[bytes] = []
        self._overruns_before = self._line.overruns
        self._lost = False
        self._state = DONE
        self._last = Request(0, 0)
        self.accepted = self.duplicated = self.refused = self.replayed = self.forged = 0

    @staticmethod
    def initial_atom(atom_bytes: int) -> bytes:
        """Of a new device: nothing accepted yet."""
        return REMOTE_ATOM.pack(DONE, 0, 0).ljust(atom_bytes, b"\0")

    def boot(self) -> None:
        """Learn what was accepted; an atom that is lost is never guessed (rule 4)."""
        atom = self._store.atoms[self._atom]
        if atom is None:
            self._lost = True
            self._store.core.takes(REMOTE_LOST)
            return
        self._state, *last = REMOTE_ATOM.unpack(atom)
        self._store.core.takes(REMOTE_PENDING if self._state == PENDING else REMOTE_DONE)
        self._last = Request(*last)

    @property
    def pending(self) -> Opcode | None:
        """The command that was accepted, and may not have been done."""
        return COMMANDS[self._last.kind] if self._state == PENDING else None

    @property
    def state(self) -> RemoteState:
        if self._lost:
            return RemoteState.LOST
        return RemoteState.LISTENING if self._board.otp_key else RemoteState.UNPAIRED

    def heard(self) -> Request | None:
        """A millisecond has passed: take what has arrived, up to a bound, and judge one frame at most.

        Returns a request that is authentic and new, which is then to be accepted or refused.
        """
        if not self._bodies:
            self._bodies = self._receiver.feed(self._line.read(BYTES_A_TICK))
        return self._judge(self._bodies.pop(0)) if self._bodies else None

    def accept(self, request: Request) -> None:
        """The commit point: from here on, the command will be done once."""
        self._last = request
        self._write(PENDING)
        self.accepted += 1

    def finish(self) -> None:
        """The command that was accepted has been done."""
        self._write(DONE)

    def refuse(self, request: Request) -> None:
        """Nothing was done, and the same request may come again."""
        self.refused += 1
        self.answer(request, Outcome.REFUSED)

    def answer(self, request: Request, outcome: Outcome) -> None:
        self._store.core.spend(TAG, 1)
        answer = Answer(request.kind, request.counter, outcome)
        self._line.write(encode_frame(answer_body(self._board.otp_key, answer)))

    def sector(self) -> bytes:
        """What REMOTE STATUS returns."""
        receiver, overruns = self._receiver, self._line.overruns - self._overruns_before
        counts = (
            self.accepted, self.duplicated, self.refused, self.replayed, self.forged,
            receiver.malformed, receiver.overlong, overruns,
        )  # fmt: skip
        shown = [min(count, MOST_COUNTED) for count in counts]
        head = REMOTE_SECTOR.pack(b"DBRS", self.state, b"", self._last.counter, *shown)
        return (head + REASONS[self.state].encode()).ljust(SECTOR_BYTES, b"\0")

    def _judge(self, body: bytes) -> Request | None:
        if len(body) == REMOTE_REQUEST.fixed_bytes:
            self._store.core.spend(TAG, 1)
        request = read_request(self._board.otp_key, body)
        if request is None:
            self.forged += 1
        elif self._lost or (request == self._last and self._state == PENDING):
            self.refuse(request)
        elif request.counter > self._last.counter:
            return request
        elif request == self._last:
            self.duplicated += 1
            self.answer(request, Outcome.DONE)
        else:
            self.replayed += 1
        return None

    def _write(self, state: int) -> None:
        self._state = state
        self._store.write(self._atom, self._store.padded(REMOTE_ATOM.pack(state, *self._last)))
