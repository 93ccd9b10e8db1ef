"""What can go wrong between an image and the flash that it is to be in."""

from __future__ import annotations

from typing import Literal

Stage = Literal["command", "address", "data"]


class FlashError(Exception):
    """Flashing cannot go on: says what happened, and what to do next."""


class PortError(FlashError, OSError):
    """A port that cannot be opened, or that went away."""


class NoAnswerError(FlashError):
    """Nothing came back, or nothing that makes sense."""


class RestartedError(FlashError):
    """The chip has started anew in between, inside nobody knows which operation, or has done what nobody asked for."""


class RefusedError(FlashError):
    """The bootloader answered NACK, at which ``stage`` of a command."""

    def __init__(self, stage: Stage, step: str) -> None:
        super().__init__(f"the bootloader refuses {step} (NACK)")
        self.stage = stage


class VerifyError(FlashError):
    """The board does not hold what was written to it, and acknowledged."""
