"""Numbers of a command line: decimal, or with 0x, 0o or 0b in front."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

ADDRESSES = 1 << 32


def read_number(text: str) -> int | None:
    """The number that a text says, or None."""
    try:
        return int(text, 0)
    except ValueError:
        return None


class Address(click.ParamType[int]):
    """An address of a board's bus."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = value if isinstance(value, int) else read_number(value)
        if number is None or not 0 <= number < ADDRESSES:
            self.fail(f"{value!r} is no address; allowed: 0 to 0xFFFFFFFF, in decimal or with 0x", param, ctx)
        return number


class Range(NamedTuple):
    """``length`` bytes from ``address`` on."""

    address: int
    length: int


class AddressRange(click.ParamType[Range]):
    """``ADDRESS:LENGTH``."""

    name = "address:length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Range:
        if isinstance(value, Range):
            return value
        address, _, length = (read_number(part) if part != ":" else part for part in str(value).partition(":"))
        if not isinstance(address, int) or not isinstance(length, int):
            self.fail(f"{value!r} is no range; an example: 0x08000000:0x4000", param, ctx)
        if not (address >= 0 and 0 < length <= ADDRESSES - address):
            self.fail(f"{value!r}: the addresses are 0 to 0xFFFFFFFF, and a range has a byte at least", param, ctx)
        return Range(address, length)
