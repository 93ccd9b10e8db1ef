"""What a scenario does to a board, action by action, without judging it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deltabench.firmware_model.commands import Command
from deltabench.firmware_model.link.remote_frames import Answer, Outcome, Request
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.boards.contents import Kept, keep, moved, put_back
from deltabench.scenarios.boards.link import PowerLost
from deltabench.scenarios.boards.target import BoardController, BoardTarget
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.pairing import pairing_key
from deltabench.scenarios.radio import ANSWER_MS, check_answers
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.workload import Action, Button, Crash, Press

PowerCycled = Callable[[], BoardController]
"""Off, on, and boot."""


class Workout:
    """One run of the actions of ``variant`` on ``target``, on whatever the media hold."""

    def __init__(
        self, variant: Variant, target: BoardTarget, counter: int = 0, accepted: Sequence[Request] = ()
    ) -> None:
        """``counter`` is that of the last thing that the remote said, in an earlier run of the workload.

        ``accepted``: the requests that the media know of already.
        """
        self._variant = variant
        self._target = target
        self._hands: list[steps.Swap | steps.PutBack] = []
        self.snapshots: dict[str, Kept] = {}
        self.controller = BoardController(target.link)
        self.presses = 0
        """Saves and restores that switches or the remote gave in the last action."""
        self.remote = Handheld(pairing_key(variant.scenario.document.seed), counter)
        self.flying: Request | None = None
        """What the remote is saying, and has not been answered yet."""
        self.accepted = list(accepted)
        """What was answered, in this run and before it."""
        self.held_back: list[Request] = []
        """What the remote said in this run, and never arrived."""

    @property
    def has_remote(self) -> bool:
        """Whether the device listens to one."""
        return self._variant.firmware.remote is not None

    def boot(self) -> None:
        """Boot the board, which has just been powered on; raises Violation or PowerLost."""
        self.controller = self._target.boot()

    def power_on(self) -> None:
        """Somebody does to the disks what has come up, and switches on."""
        target = self._target
        target.power.on()
        for action in self._hands:
            if isinstance(action, steps.PutBack):
                put_back(target.link, self.snapshots[action.device])
            else:
                one, other = (target.disk_contents(device) for device in action.devices)
                contents = keep(target.link, (one,)), keep(target.link, (other,))
                put_back(target.link, moved(contents[0], other))
                put_back(target.link, moved(contents[1], one))
        self._hands.clear()

    def do(self, action: Action) -> None:
        """One action that leaves the power on, or the command of a Crash; raises PowerLost if a cut was asked for."""
        controller, target = self.controller, self._target
        match action:
            case (Command() as command) | Crash(command=command):
                target.execute(controller, command)
            case Press(switch=switch, hold_ms=hold_ms):
                debounce_ms = self._variant.firmware.debounce_ms
                bounce_ms = -(-self._variant.scenario.document.board.switches[switch].bounce_us // 1000)
                self.presses = controller.elapse(debounce_ms)
                target.press(switch, hold_ms)
                self.presses += controller.elapse(hold_ms + bounce_ms + debounce_ms)
                self._count_operations()
            case Button(command=command):
                # As on the model, each button is pressed twice, and what is said first never arrives.
                self.held_back.append(self.remote.press(command))
                self.flying = request = self.remote.press(command)
                self.presses = self.insist(request, answered=True)
                self.accepted.append(request)
                self.flying = None
            case steps.Idle(ms=ms):
                self.presses = controller.elapse(ms)
                self._count_operations()
            case steps.Swap() | steps.PutBack():
                self._hands.append(action)
            case steps.Snapshot(device=device):
                self.snapshots[device] = keep(target.link, (target.disk_contents(device),))

    def insist(self, request: Request, *, answered: bool) -> int:
        """The remote says this, until it is answered; returns how often the device did something.

        Raises Violation if it is ``answered`` otherwise than it must be.
        """
        line = self._variant.firmware.remote
        assert line is not None, "a remote that is pressed has a line"
        self.presses, said, answers = 0, self.remote.frame(request), list[Answer]()
        for _ in range(ANSWER_MS):
            answers += self.remote.hear(self._target.radio(line, said))
            if answers and answered:
                break
            said = b""
            self.presses += self.controller.elapse(1 if answered else ANSWER_MS)
            if not answered:
                answers += self.remote.hear(self._target.radio(line, b""))
                break
        self._count_operations()
        check_answers(
            f"request {request.counter} of the remote", answers, (Answer(*request, Outcome.DONE),) if answered else ()
        )
        return self.presses

    def lose_power(self, action: steps.PowerCycle | Crash) -> bool:
        """Switch off as the action says; whether a Crash's command had come to its end before."""
        target = self._target
        if not isinstance(action, Crash):
            target.power_off()
            return True
        target.cut(action.operations, seed=action.seed)
        try:
            self.do(action)
        except PowerLost:
            return False
        target.cut_never()
        target.power_off(seed=action.seed)
        return True

    def again(self, actions: Sequence[Action]) -> None:
        """What has been done before with the same outcome: nobody looks."""
        for action in actions:
            if isinstance(action, Command | Press | Button | steps.Idle | steps.Swap | steps.PutBack):
                self.do(action)

    def _count_operations(self) -> None:
        self._target.count_operations(self.controller, self.presses)
