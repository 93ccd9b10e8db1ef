"""Push-buttons on pins, bounces and all (figures 3A and 3B).

A mechanical contact does not close once: it bounces. J. Ganssle measured 18 switches ("A Guide to
Debouncing", 2004): 16 of them bounced for 1,557 µs on average and 6,200 µs at most; of the others,
one took up to 11.3 ms to close and one 157 ms to open. Here a contact bounces for up to a stated
time after each edge, as a train of transitions at instants drawn from a seed. Its level is a
function of simulated time alone, so it needs no undoing when simulated time goes back.

The firmware samples a ``Pin``, say once a millisecond, and debounces it for itself. To see one
press as one, it has to wait for a level that stays for longer than the contact may bounce.
"""

from __future__ import annotations

from bisect import bisect_right
from random import Random
from typing import Final, NamedTuple

from deltabench.hwsim.clock import NS_PER_US, Clock
from deltabench.hwsim.errors import HardwareError

DEFAULT_BOUNCE_US: Final = 5_000
STUCK: Final = ("open", "closed")
MOST_BOUNCES: Final = 8
"""Times that a contact goes back and forth after one edge, at most."""


class SwitchError(HardwareError):
    """A switch that cannot be, or a press that cannot be made."""


class Press(NamedTuple):
    """One press: when it begins, when the contact is at rest again, and when its level changes.

    ``edges_ns`` is in rising order: the contact closes at the first and changes at each later one.
    """

    at_ns: int
    settled_ns: int
    edges_ns: tuple[int, ...]


class Pin:
    """An input of the controller: what its firmware can see of a switch."""

    __slots__ = ("_clock", "_switch")

    def __init__(self, clock: Clock, switch: Switch) -> None:
        self._clock = clock
        self._switch = switch

    def level(self) -> bool:
        """True if the contact is closed at this instant, whatever it was a moment ago."""
        return self._switch.level(self._clock.now_ns)


class Switch:
    """A push-button with a contact that is open unless pressed, or stuck.

    ``bounce_us`` is how long the contact bounces, at most, after each edge; 0 is a perfect contact.
    ``stuck`` is "open" or "closed" for a contact that no press moves. ``seed`` chooses the bounces.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        bounce_us: int = DEFAULT_BOUNCE_US,
        stuck: str | None = None,
        seed: int = 1,
    ) -> None:
        """Raises SwitchError if ``bounce_us`` is negative or ``stuck`` is not one of ``STUCK``."""
        if bounce_us < 0:
            raise SwitchError(f"bounce_us is {bounce_us}: 0 us (no bounce) or more is allowed")
        if stuck is not None and stuck not in STUCK:
            raise SwitchError(f"stuck is {stuck!r}: {' or '.join(STUCK)} is allowed")
        self.bounce_us = bounce_us
        self.stuck = stuck
        self.seed = seed
        self.pin = Pin(clock, self)
        self._presses: list[Press] = []

    @property
    def presses(self) -> tuple[Press, ...]:
        """All presses made, past and to come, in the order of time."""
        return tuple(self._presses)

    def press(self, at_ns: int, hold_ns: int, bounce_us: int | None = None) -> Press:
        """Press the button at simulated instant ``at_ns`` and let go ``hold_ns`` later.

        ``bounce_us`` overrides the switch's own for this press. Raises SwitchError for an instant
        before the start, a hold of no length, or a press that begins before another has settled.
        """
        bounce_us = self.bounce_us if bounce_us is None else bounce_us
        if at_ns < 0 or hold_ns < 1 or bounce_us < 0:
            raise SwitchError(
                f"a press at {at_ns} ns, held for {hold_ns} ns, with {bounce_us} us of bounce:"
                " at 0 ns or later, held for 1 ns or more, and 0 us or more of bounce are allowed"
            )
        released_ns = at_ns + hold_ns
        window_ns = bounce_us * NS_PER_US
        # The instant is part of the seed, so that the order in which presses are made is not.
        random = Random(f"{self.seed}/{at_ns}")
        edges_ns = (
            *_bounces(random, at_ns, min(window_ns, hold_ns)),
            *_bounces(random, released_ns, window_ns),
        )
        press = Press(at_ns, released_ns + window_ns, edges_ns)
        for other in self._presses:
            if press.at_ns < other.settled_ns and other.at_ns < press.settled_ns:
                raise SwitchError(
                    f"a press from {press.at_ns} to {press.settled_ns} ns, bounces included, runs"
                    f" into the one from {other.at_ns} to {other.settled_ns} ns:"
                    " a contact settles before it is pressed again"
                )
        self._presses.append(press)
        self._presses.sort()
        return press

    def level(self, now_ns: int) -> bool:
        """True if the contact is closed at ``now_ns``."""
        if self.stuck is not None:
            return self.stuck == "closed"
        for press in reversed(self._presses):
            if press.at_ns <= now_ns:
                return bisect_right(press.edges_ns, now_ns) % 2 == 1
        return False


def _bounces(random: Random, edge_ns: int, window_ns: int) -> tuple[int, ...]:
    """The instants of an edge at ``edge_ns`` and of its bounces: an odd number, so that it stays.

    All lie before ``edge_ns + window_ns``, in rising order, at most one a nanosecond.
    """
    # Only random() is promised to give the same numbers in every version of Python.
    drawn = {edge_ns + int(random.random() * window_ns) for _ in range(2 * MOST_BOUNCES)}
    later = sorted(drawn - {edge_ns})
    kept = 2 * int(random.random() * (len(later) // 2 + 1))
    return (edge_ns, *later[:kept])
