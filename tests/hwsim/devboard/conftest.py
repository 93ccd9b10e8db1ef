"""What a client of the bootloader sends, packed as AN3155 says."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest

from deltabench.hwsim.board import BoardSpec, DeviceSpec


class Host:
    """Commands as bytes, whole or in the pieces between which an ACK is waited for."""

    SYNC = b"\x7f"

    @staticmethod
    def command(opcode: int) -> bytes:
        return bytes([opcode, opcode ^ 0xFF])

    @staticmethod
    def checked(data: bytes) -> bytes:
        return data + bytes([reduce(xor, data, 0)])

    def address(self, address: int) -> bytes:
        return self.checked(address.to_bytes(4, "big"))

    def read(self, address: int, count: int) -> bytes:
        return self.command(0x11) + self.address(address) + self.command(count - 1)

    def write(self, address: int, data: bytes) -> bytes:
        return self.command(0x31) + self.address(address) + self.checked(bytes([len(data) - 1]) + data)

    def go(self, address: int) -> bytes:
        return self.command(0x21) + self.address(address)

    def erase(self, *pages: int) -> bytes:
        return self.command(0x43) + self.checked(bytes([len(pages) - 1, *pages]))

    def extended_erase(self, *pages: int) -> bytes:
        numbers = (len(pages) - 1, *pages)
        return self.command(0x44) + self.checked(b"".join(number.to_bytes(2, "big") for number in numbers))


@pytest.fixture(scope="session")
def host() -> Host:
    return Host()


@pytest.fixture(scope="session")
def devices() -> BoardSpec:
    """One of each kind."""
    return BoardSpec(
        devices={
            "disk0": DeviceSpec(part="generic-disk", sectors=64),
            "nor0": DeviceSpec(part="AT25SF041"),
            "fram0": DeviceSpec(part="FM25V10"),
        }
    )
