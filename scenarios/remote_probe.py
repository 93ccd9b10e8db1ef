"""What must hold of the remote after every cut: nothing is done twice, nothing is lost, and it goes on.

* The remote that was not answered says the same again.  It is answered, and the command has then been done once: if the
  images show that it had been done before, a write in between survives.
* What was accepted before, or never arrived in its time, changes nothing, neither now nor after power was off again.
* What is new is done.
"""

from __future__ import annotations

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import RESTORE, SAVE
from deltabench.firmware_model.controller import Controller
from deltabench.firmware_model.link.remote_frames import Kind, Request
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.oracle import Image, Rule, Violation, expect
from deltabench.scenarios.radio import Radio
from deltabench.scenarios.rig import Rig


class RemoteProbe:
    """The explorer's probe of a device that listens to ``radio``."""

    def __init__(self, rig: Rig, radio: Radio) -> None:
        self._rig = rig
        self._radio = radio

    @property
    def urgent(self) -> bool:
        """Whether the remote was waiting for an answer when power was cut."""
        return self._radio.flying is not None

    def check(self, controller: Controller, image: Image, saved: Image, lba: int, *, done: bool) -> None:
        """``done``: the images show that the command in flight has been done."""
        live, saved, remote = list(image), list(saved), self._radio.remote.twin()
        flying = self._radio.flying
        if flying is not None and not done:
            self._say(controller, remote, flying, answered=True)
            if flying.kind == Kind.SAVE:
                saved = list(live)
            else:
                live = list(saved)
            self._expect(controller, live, "after the remote was heard saying again what it was cut in")
        live[lba] = self._rig.write_probe(controller, lba, b"a write between two requests", fua=True)
        last, old = self._recorded()
        if last is not None:
            self._unmoved(controller, remote, last, answered=True)
        controller = self._power_cycled()
        if last is not None:
            self._unmoved(controller, remote, last, answered=True)
        for request in old:
            self._unmoved(controller, remote, request, answered=False)
        self._expect(controller, live, "after power was off and requests came that had been accepted before")
        restore = remote.press(RESTORE)
        self._say(controller, remote, restore, answered=True)
        live = list(saved)
        self._expect(controller, live, "after a new RESTORE by the remote")
        live[lba] = self._rig.write_probe(controller, lba, b"a write before a new request", fua=True)
        save = remote.press(SAVE)
        self._say(controller, remote, save, answered=True)
        saved = list(live)
        controller = self._power_cycled()
        live[lba] = self._rig.write_probe(controller, lba, b"a write behind a new request", fua=True)
        self._unmoved(controller, remote, save, answered=True)
        self._unmoved(controller, remote, restore, answered=False)
        self._expect(controller, live, "after power was off and new requests came once more")
        self._rig.must(controller, commands.RESTORE, "after recovery")
        self._expect(controller, saved, "after a new SAVE by the remote, a power cycle and a RESTORE")

    def _recorded(self) -> tuple[Request | None, list[Request]]:
        """The last request that must have been accepted, and older ones."""
        accepted = self._radio.accepted
        last = self._radio.flying or (accepted[-1] if accepted else None)
        old = [request for request in (*accepted[:1], *accepted[-2:], *self._radio.held_back[-1:]) if request != last]
        return last, list(dict.fromkeys(old))

    def _power_cycled(self) -> Controller:
        self._rig.board.lose_power()
        return self._rig.power_on()

    def _say(self, controller: Controller, remote: Handheld, request: Request, *, answered: bool) -> None:
        self._radio.say_again(controller, remote, request, answered=answered)

    def _unmoved(self, controller: Controller, remote: Handheld, request: Request, *, answered: bool) -> None:
        """A request that must not be done, because it has been."""
        if self._radio.say_again(controller, remote, request, answered=answered):
            raise Violation(Rule.STABILITY, f"request {request.counter} of the remote is done once more")

    def _expect(self, controller: Controller, wanted: Image, when: str) -> None:
        expect(self._rig.read_all(controller), wanted, Rule.STABILITY, when)
