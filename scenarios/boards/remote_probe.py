"""What must hold of the remote after a cut, on a board: nothing is done twice, nothing is lost, and it goes on.

As on the model (scenarios/remote_probe.py), but that a board cannot go back: the save point is not asked for before,
so that a new SAVE comes first, and makes one that is known.
"""

from __future__ import annotations

from deltabench.firmware_model.commands import RESTORE, SAVE
from deltabench.firmware_model.link.remote_frames import Kind, Request
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.boards.workout import PowerCycled, Workout
from deltabench.scenarios.oracle import Candidate, Image, Rule, Violation, expect


class RemoteProbe:
    """One use of a device that has recovered, by its host and by the remote of ``workout``."""

    def __init__(self, target: BoardTarget, workout: Workout, power_cycled: PowerCycled) -> None:
        self._target = target
        self._workout = workout
        self._power_cycled = power_cycled

    def check(self, image: Image, left: list[Candidate], lba: int) -> None:
        """``left``: what the live ``image`` leaves possible; ``lba`` is a place to write to.  Raises Violation."""
        workout, live = self._workout, list(image)
        flying = workout.flying
        if flying is not None and any(candidate.name != "after" for candidate in left):
            workout.insist(flying, answered=True)
            if flying.kind == Kind.RESTORE:
                live = list(left[0].saved)
            self._expect(live, "after the remote was heard saying again what it was cut in")
        self._write(live, lba, b"a write between two requests")
        last = flying or (workout.accepted[-1] if workout.accepted else None)
        if last is not None:
            self._unmoved(last, answered=True)
            self._expect(live, "after the remote said again what was done")
        self._power_cycle()
        if last is not None:
            self._unmoved(last, answered=True)
        accepted = workout.accepted
        old = (*accepted[:1], *accepted[-2:], *workout.held_back[-1:])
        for request in dict.fromkeys(request for request in old if request != last):
            self._unmoved(request, answered=False)
        self._expect(live, "after power was off and requests came that had been accepted before")
        self._check_new(live, lba)

    def _check_new(self, live: Image, lba: int) -> None:
        workout, saved = self._workout, list(live)
        save = workout.remote.press(SAVE)
        workout.insist(save, answered=True)
        self._write(live, lba, b"a write behind a new request")
        self._power_cycle()
        self._unmoved(save, answered=True)
        self._expect(live, "after a new SAVE by the remote, a write and a power cycle")
        restore = workout.remote.press(RESTORE)
        workout.insist(restore, answered=True)
        self._expect(saved, "after a new RESTORE by the remote")
        self._write(saved, lba, b"a write behind one more request")
        self._power_cycle()
        self._unmoved(restore, answered=True)
        self._unmoved(save, answered=False)
        self._expect(saved, "after power was off and new requests came once more")

    def _power_cycle(self) -> None:
        self._workout.controller = self._power_cycled()

    def _write(self, live: Image, lba: int, text: bytes) -> None:
        live[lba] = self._target.write_probe(self._workout.controller, lba, text, fua=True)

    def _unmoved(self, request: Request, *, answered: bool) -> None:
        """A request that must not be done, because it has been."""
        if self._workout.insist(request, answered=answered):
            raise Violation(Rule.STABILITY, f"request {request.counter} of the remote is done once more")

    def _expect(self, wanted: Image, when: str) -> None:
        expect(self._target.read_all(self._workout.controller), wanted, Rule.STABILITY, when)
