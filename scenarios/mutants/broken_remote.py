"""Mistakes in how a controller heeds its remote."""

from __future__ import annotations

from deltabench.firmware_model.commands import Opcode
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.formats import REMOTE_REQUEST
from deltabench.firmware_model.link.remote_frames import (
    REQUEST,
    TAG_BYTES,
    Outcome,
    Request,
    read_answer,
    read_request,
    tag_of,
)
from deltabench.firmware_model.remote import COMMANDS, DONE, Remote
from deltabench.scenarios.mutants.broken_part import broken

FIELDS = REMOTE_REQUEST.offset("tag")


class CountsLate(DeltaController):
    """The counter is written behind the command: a cut between the two, and the command is done once more."""

    def _obey(self, remote: Remote) -> bool:
        request = remote.heard()
        if request is None:
            return False
        self._command(COMMANDS[request.kind])
        remote.accept(request)
        remote.finish()
        remote.answer(request, Outcome.DONE)
        return True


class AnswersEarly(DeltaController):
    """A request is answered as soon as it is known to be authentic and new."""

    def _obey(self, remote: Remote) -> bool:
        request = remote.heard()
        if request is None:
            return False
        remote.answer(request, Outcome.DONE)
        remote.accept(request)
        self._command(COMMANDS[request.kind])
        remote.finish()
        return True


class FlushesBehindCommit(DeltaController):
    """A save is accepted before what the write cache holds is durable: a boot finishes it without that."""

    def _obey(self, remote: Remote) -> bool:
        request = remote.heard()
        if request is None:
            return False
        remote.accept(request)
        self._command(COMMANDS[request.kind])
        remote.finish()
        remote.answer(request, Outcome.DONE)
        return True


class DoneBeforeCommand(DeltaController):
    """A request is entered as done before it is: a cut in between, and it is answered without ever being done."""

    def _obey(self, remote: Remote) -> bool:
        request = remote.heard()
        if request is None:
            return False
        self._flush()
        remote.accept(request)
        remote.finish()
        self._command(COMMANDS[request.kind])
        remote.answer(request, Outcome.DONE)
        return True


@broken("_remote")
class CountsInRam(Remote):
    """The counter is never written anywhere."""

    def _write(self, state: int) -> None:
        self._state = state


@broken("_remote")
class DoneInRam(Remote):
    """That a command was done is never written: each boot does it once more."""

    def finish(self) -> None:
        self._state = DONE


@broken("_remote")
class ForgetsPending(Remote):
    """A boot takes what is pending for done."""

    @property
    def pending(self) -> Opcode | None:
        return None

    def boot(self) -> None:
        super().boot()
        self._state = DONE


@broken("_remote")
class FinishesInRam(Remote):
    """A boot does what is pending, and does not write that it was done: so does the next."""

    _booted = False

    def accept(self, request: Request) -> None:
        self._booted = True
        super().accept(request)

    def finish(self) -> None:
        if self._booted:
            super().finish()
        self._state = DONE


class JudgesAnew(Remote):
    """Base of mistakes: the judgement of our firmware, in steps that can be got wrong."""

    def _judge(self, body: bytes) -> Request | None:
        request = self._read(body)
        if request is None:
            self.forged += 1
        elif self._is_new(request):
            return request
        elif request == self._last:
            self.duplicated += 1
            self.answer(request, Outcome.DONE)
        else:
            self._passes_over(request)
        return None

    def _read(self, body: bytes) -> Request | None:
        return read_request(self._board.otp_key, body)

    def _is_new(self, request: Request) -> bool:
        return request.counter > self._last.counter

    def _passes_over(self, request: Request) -> None:
        self.replayed += 1


@broken("_remote")
class TrustsAnyTag(JudgesAnew):
    """Whoever knows what a request looks like can make one."""

    def _read(self, body: bytes) -> Request | None:
        if len(body) != REMOTE_REQUEST.fixed_bytes:
            return None
        kind, counter, _ = REMOTE_REQUEST.unpack(body)
        return Request(kind, counter) if kind in COMMANDS else None


@broken("_remote")
class ComparesPrefix(JudgesAnew):
    """Only the first four bytes of a tag are compared."""

    def _read(self, body: bytes) -> Request | None:
        fields, tag = body[:-TAG_BYTES], body[-TAG_BYTES:]
        right = tag_of(self._board.otp_key, REQUEST, fields)
        return super()._read(fields + right) if tag[:4] == right[:4] else None


@broken("_remote")
class ComparesWhatIsThere(JudgesAnew):
    """As many bytes of a tag are compared as there are in the frame, so that none will do."""

    def _read(self, body: bytes) -> Request | None:
        fields, tag = body[:FIELDS], body[FIELDS:]
        right = tag_of(self._board.otp_key, REQUEST, fields)
        return super()._read(fields + right) if right.startswith(tag) else None


@broken("_remote")
class TagsTheCounterOnly(JudgesAnew):
    """The kind of a request may be another than the one that was tagged."""

    def _read(self, body: bytes) -> Request | None:
        for kind in COMMANDS:
            request = super()._read(bytes([kind]) + body[1:])
            if request is not None:
                return Request(body[0], request.counter) if body[0] in COMMANDS else None
        return None


@broken("_remote")
class TakesAnswersForRequests(JudgesAnew):
    """An answer, sent back, is taken for the request that it answers."""

    def _read(self, body: bytes) -> Request | None:
        answer = read_answer(self._board.otp_key, body)
        return super()._read(body) if answer is None else Request(answer.kind, answer.counter)


@broken("_remote")
class EqualIsNew(JudgesAnew):
    """A request with the counter of the last one is done once more: >= in the place of >."""

    def _is_new(self, request: Request) -> bool:
        return request.counter >= self._last.counter


@broken("_remote")
class OtherIsNew(JudgesAnew):
    """Any request but the last accepted is new."""

    def _is_new(self, request: Request) -> bool:
        return request != self._last


@broken("_remote")
class NearlyNewIsNew(JudgesAnew):
    """A request that comes a little late is done: a window, as it is right for data and wrong for commands."""

    def _is_new(self, request: Request) -> bool:
        return request.counter > self._last.counter - 2 and request != self._last


@broken("_remote")
class AnswersReplays(JudgesAnew):
    """A request that is not new is answered, whoever may have sent it."""

    def _passes_over(self, request: Request) -> None:
        super()._passes_over(request)
        self.answer(request, Outcome.DONE)


@broken("_remote")
class CountsNoReplays(JudgesAnew):
    """Nobody can learn that requests are replayed."""

    def _passes_over(self, request: Request) -> None:
        pass


@broken("_remote")
class SilentToDuplicates(Remote):
    """The last accepted request is not answered again: a remote that missed the answer never gets one."""

    def answer(self, request: Request, outcome: Outcome) -> None:
        if self.duplicated:
            return
        super().answer(request, outcome)


@broken("_remote")
class HoardsBytes(Remote):
    """What comes in is kept until it makes a frame, however long that takes."""

    _hoard = b""

    def heard(self) -> Request | None:
        self._hoard += self._line.read(self._line.waiting)
        stuffed, delimiter, rest = self._hoard.partition(b"\0")
        if not delimiter:
            return None
        self._hoard = rest
        self._bodies = self._receiver.feed(stuffed + delimiter)
        return super().heard() if self._bodies else None


@broken("_remote")
class DeafAfterOverrun(Remote):
    """A line that has lost bytes is left alone until the next power-on."""

    def heard(self) -> Request | None:
        return None if self._line.overruns > self._overruns_before else super().heard()


@broken("_remote")
class DeafAfterNoise(Remote):
    """After something that was too long to be a frame, nothing is heard until the next power-on."""

    def heard(self) -> Request | None:
        return None if self._receiver.overlong else super().heard()
