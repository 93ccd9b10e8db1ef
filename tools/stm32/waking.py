"""Sends a running application back into the bootloader, by the message of the board link that asks for it."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.link.messages import Message
from deltabench.scenarios.boards.link import Link, LinkError, PowerLost
from deltabench.tools.stm32.transport import Transport

ANSWER_S: Final = 0.5
ATTEMPTS: Final = 2


def leave_application(line: Transport) -> bool:
    """Whether an application answered, and has left the line to the bootloader."""
    try:
        Link(line, timeout_s=ANSWER_S, attempts=ATTEMPTS).ask(Message.LEAVE)
    except (LinkError, PowerLost):
        return False
    return True
