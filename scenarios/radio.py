"""The air between a handheld remote and the device: what is said over it, by whoever says it, and what must come of it.

Somebody is listening.  Each button is pressed twice, and what is said the first time never arrives: it is held back, to
be sent when it is out of order.  What arrives is recorded, to be replayed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command
from deltabench.firmware_model.controller import Controller
from deltabench.firmware_model.formats import REMOTE_SECTOR
from deltabench.firmware_model.link.framing import DELIMITER
from deltabench.firmware_model.link.remote_frames import Answer, Outcome, Request
from deltabench.hwsim.clock import NS_PER_MS
from deltabench.hwsim.uart import Uart
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.hostile import LINE_BYTES_A_MS, Recorded, attack
from deltabench.scenarios.oracle import Rule, Violation
from deltabench.scenarios.ram import RamCamera
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Hostile

ANSWER_MS: Final = 50
"""A device that has not answered then never will."""
QUIET_MS: Final = 3
"""So long a device is given that has taken all that came in."""
BUFFER_BYTES: Final = 1024
"""So much more RAM a device may take up because of what comes in."""
COUNTED: Final = (
    "accepted", "duplicated", "refused", "replayed", "forged", "malformed", "overlong", "overruns",
)  # fmt: skip
UNFINISHED: Final = ("malformed", "overlong")
"""What noise before a frame is counted as when the frame ends it."""
Counts = Mapping[str, int]
COUNTS_AT: Final = len(REMOTE_SECTOR.fields) - 1 - len(COUNTED)


class Radio:
    """``line`` is the serial line at the device; ``remote`` the one that it is paired with."""

    def __init__(self, rig: Rig, line: Uart, remote: Handheld) -> None:
        self.remote = remote
        self.flying: Request | None = None
        """What the remote is saying, and has not been answered yet."""
        self.accepted: list[Request] = []
        self.held_back: list[Request] = []
        self._rig = rig
        self._line = line

    @property
    def is_answered(self) -> bool:
        """Whether the device has said something that has not been heard yet."""
        return self._line.remote.waiting > 0

    def order(self, controller: Controller, command: Command) -> None:
        """A button is pressed; the device must do the command once, answer it and count it, or a rule is violated."""
        self.held_back.append(self.remote.press(command))
        self.flying = request = self.remote.press(command)
        counts = self.counts(controller)
        done, answers = self._say(controller, self.remote, self.remote.frame(request), LINE_BYTES_A_MS, wait=True)
        check_answers(f"{command} by the remote", answers, (Answer(*request, Outcome.DONE),))
        if done != 1:
            raise Violation(Rule.USABILITY, f"{command} by the remote is answered, and done {done} times")
        self._check_counts(controller, f"{command} by the remote", counts, {"accepted": 1}, UNFINISHED)
        self.accepted.append(request)
        self.flying = None

    def suffer(self, controller: Controller, kind: Hostile, draw: random.Random) -> None:
        """Somebody attacks: nothing may be done because of it, and all of it must be counted for what it is."""
        rail, camera = self._rig.board.rail, RamCamera()
        hostile = attack(kind, self.remote.twin(), Recorded(self.accepted, self.held_back), draw)
        # Ends what an earlier attack has left unfinished, so that it is not counted as part of this one.
        self._say(controller, self.remote.twin(), DELIMITER, LINE_BYTES_A_MS, wait=False)
        counts, operations, ram = self.counts(controller), rail.operations, camera.picture(controller)
        what = str(kind)
        done, answers = self._say(
            controller, self.remote.twin(), hostile.stream, hostile.bytes_a_ms, wait=False, serve=kind is Hostile.FLOOD
        )
        if done:
            raise Violation(Rule.USABILITY, f"{what} makes the device save or restore")
        if rail.operations > operations:
            raise Violation(Rule.STABILITY, f"{what} leads to {rail.operations - operations} media operations")
        check_answers(what, answers, hostile.answered)
        self._check_counts(controller, what, counts, hostile.counted, hostile.others)
        now = camera.picture(controller)
        if ram is not None and now is not None and len(now) > len(ram) + BUFFER_BYTES:
            raise Violation(
                Rule.USABILITY, f"{what} takes up {len(now) - len(ram)} bytes of RAM, and may take up {BUFFER_BYTES}"
            )

    def say_again(self, controller: Controller, remote: Handheld, request: Request, *, answered: bool) -> int:
        """A request goes out, whole and at once; returns how often the device did something."""
        expected = (Answer(*request, Outcome.DONE),) if answered else ()
        frame = remote.frame(request)
        done, answers = self._say(controller, remote, frame, len(frame), wait=answered)
        what = f"request {request.counter} of the remote"
        check_answers(what, answers, expected)
        return done

    def counts(self, controller: Controller) -> Counts:
        """What the device has counted since it was powered on."""
        with self._rig.aside():
            response = self._rig.must(controller, commands.REMOTE_STATUS, "with a remote")
        if len(response.data) != 1 or len(response.data[0]) < REMOTE_SECTOR.fixed_bytes:
            raise Violation(Rule.HONESTY, "REMOTE STATUS did not return one whole sector")
        counts = REMOTE_SECTOR.unpack(response.data[0])[COUNTS_AT:]
        return dict(zip(COUNTED, counts, strict=True))

    def _say(
        self,
        controller: Controller,
        remote: Handheld,
        stream: bytes,
        bytes_a_ms: int,
        *,
        wait: bool,
        serve: bool = False,
    ) -> tuple[int, list[Answer]]:
        """Send ``stream``; returns how often the device did something, and what it answered.

        ``wait``: until there is an answer; otherwise until the device has taken everything, and a little longer.
        ``serve``: the host asks for something each millisecond meanwhile.
        """
        rig, line = self._rig, self._line
        done, answers = 0, list[Answer]()
        quiet_ms, patience_ms = 0, -(-len(stream) // bytes_a_ms) + ANSWER_MS
        while not (answers if wait else quiet_ms > QUIET_MS):
            if not patience_ms:
                break
            patience_ms -= 1
            line.remote.write(stream[:bytes_a_ms])
            stream = stream[bytes_a_ms:]
            rig.board.clock.advance_ns(NS_PER_MS)
            done += rig.tick(controller)
            answers += remote.hear(line.remote.read(line.remote.waiting))
            quiet_ms = 0 if stream or line.device.waiting else quiet_ms + 1
            if serve:
                with rig.aside():
                    rig.must(controller, commands.STATUS, "while bytes flood in from the remote's line")
        return done, answers

    def _check_counts(
        self, controller: Controller, what: str, before: Counts, exactly: Mapping[str, int], others: Sequence[str]
    ) -> None:
        """What has been counted since ``before``; if not of ``exactly`` something, then of one of the ``others``."""
        now = self.counts(controller)
        more = {name: now[name] - before[name] for name in COUNTED if now[name] != before[name]}
        certain = {name: count for name, count in more.items() if name not in others}
        if certain != exactly or not more:
            wanted = _listed(exactly) if exactly else " or ".join(others)
            raise Violation(Rule.HONESTY, f"{what} is counted as {_listed(more)}, and should be {wanted}")


def check_answers(what: str, answers: list[Answer], expected: tuple[Answer, ...]) -> None:
    """Exactly these must have come; raises Violation."""
    if tuple(answers) == expected:
        return
    if expected and not answers:
        raise Violation(Rule.USABILITY, f"{what} is not answered within {ANSWER_MS} ms")
    refused = len(answers) == 1 and answers[0].outcome == Outcome.REFUSED
    wrong = "refused" if refused else f"answered {len(answers)} times"
    raise Violation(Rule.USABILITY, f"{what} is {wrong}, and should be {'done' if expected else 'left unanswered'}")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
