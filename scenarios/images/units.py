"""Sets of storage units as a person writes them: ``0-3,7`` or ``all``."""

from __future__ import annotations

import re

from deltabench.firmware_model.schemes.scheme import unit_span
from deltabench.scenarios.images.errors import ImageError


def parse_units(text: str, units: int, option: str) -> int:
    """The set as an integer, bit u for unit u; raises ImageError that names ``option``."""
    if text == "all":
        return unit_span(0, units)
    found = 0
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})(?:-([0-9]{1,9}))?\s*", part)
        if match is None:
            raise ImageError(f"{option} {text!r}: {part!r} is no unit; write numbers and ranges, as 0-3,7, or all")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < units:
            raise ImageError(f"{option} {text!r}: {part!r} is not within the units, which are 0 to {units - 1}")
        found |= unit_span(first, last + 1)
    return found


def shown_units(units: int) -> str:
    """The set as ``parse_units`` reads it; ``none`` if it is empty."""
    parts = []
    first = 0
    while units >> first:
        rest = units >> first
        first += (rest & -rest).bit_length() - 1
        rest = ~(units >> first)
        length = (rest & -rest).bit_length() - 1
        parts.append(str(first) if length == 1 else f"{first}-{first + length - 1}")
        first += length
    return ",".join(parts) or "none"
