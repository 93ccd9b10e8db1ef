"""The system bootloader of an STM32 on its serial line, device side (ST AN3155, USART protocol used in the bootloader).

Bytes in, bytes out; it knows no ports and no time.  Whatever is wrong is answered with NACK, and the next command is
waited for.  There is no time-out: a command that was broken off waits for its rest, so that a client which has lost the
thread sends bytes until a NACK comes; the longest command bounds how many.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Final, NamedTuple

from deltabench.hwsim.devboard.bus import Bus, Ram
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts import McuPart

SYNC: Final = 0x7F
ACK: Final = b"\x79"
NACK: Final = b"\x1f"
GET, GET_VERSION, GET_ID = 0x00, 0x01, 0x02
READ, GO, WRITE = 0x11, 0x21, 0x31
ERASE, EXTENDED_ERASE = 0x43, 0x44
WRITE_PROTECT, WRITE_UNPROTECT = 0x63, 0x73
READOUT_PROTECT, READOUT_UNPROTECT = 0x82, 0x92
GLOBAL_ERASE: Final = 0xFF
MASS_ERASE: Final = 0xFFFF
FIRST_SPECIAL_ERASE: Final = 0xFFF0
"""Counts of an Extended Erase from here on stand for something else: all, a bank, or nothing yet."""
MOST_PAGES: Final = 512
"""What one Extended Erase may list; AN3155 leaves the limit to the chip."""
WHILE_READOUT_PROTECTED: Final = (GET, GET_VERSION, GET_ID, READOUT_UNPROTECT)

Handling = Generator[int, bytes, None]
"""Takes so many bytes from the line each time it yields, and answers."""
Bytes = Generator[int, bytes, bytes]
"""Likewise, and returns what it took."""


class Event(NamedTuple):
    """What the chip does, for a log: in words, and to how many bytes from where."""

    what: str
    address: int | None = None
    size_bytes: int = 0

    def __str__(self) -> str:
        if self.address is None:
            return self.what
        size = f" + {self.size_bytes:#x}" if self.size_bytes else ""
        return f"{self.what} 0x{self.address:08X}{size}"


Told = Callable[[Event], None]


def untold(_event: Event) -> None:
    """A log that nobody keeps."""


class Departure(NamedTuple):
    """The bootloader gives up the line: the chip goes on at ``address``, or resets if that is None."""

    address: int | None


@dataclass
class OptionBytes:
    """What protects the flash, in cells of its own; a power cut inside their change is not simulated."""

    readout_protected: bool = False
    write_protected: set[int] = field(default_factory=set)
    """Sectors of the chip's own flash, by page number."""


class Bootloader:
    """One time of power in the bootloader of ``chip``; once ``departure`` is set it takes no more bytes.

    ``unread`` is what waits for the rest of it, and at departure what had arrived behind the last command.
    """

    def __init__(self, chip: McuPart, bus: Bus, options: OptionBytes | None = None, told: Told = untold) -> None:
        self.departure: Departure | None = None
        self.unread = b""
        self._chip = chip
        self._bus = bus
        self._options = options or OptionBytes()
        self._told = told
        self._answer = bytearray()
        self._commands: dict[int, Callable[[], Handling | None]] = {
            GET: self._get,
            GET_VERSION: self._get_version,
            GET_ID: self._get_id,
            READ: self._read,
            GO: self._go,
            WRITE: self._write,
            chip.erase_opcode: self._erase if chip.erase_opcode == ERASE else self._extended_erase,
            WRITE_PROTECT: self._write_protect,
            WRITE_UNPROTECT: self._write_unprotect,
            READOUT_PROTECT: self._readout_protect,
            READOUT_UNPROTECT: self._readout_unprotect,
        }
        self._session = self._serve()
        self._wanted = next(self._session)

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived, in pieces of any length; returns what is sent back.  Raises nothing."""
        arrived, at = self.unread + data, 0
        while self.departure is None and len(arrived) - at >= self._wanted:
            piece = arrived[at : at + self._wanted]
            at += self._wanted
            self._wanted = self._session.send(piece)
        self.unread = arrived[at:]
        answer, self._answer = bytes(self._answer), bytearray()
        return answer

    def _serve(self) -> Handling:
        """From the byte by which the baud rate is found; what comes before it is noise."""
        while (yield 1) != bytes([SYNC]):
            pass
        self._told(Event("synchronised"))
        self._send(ACK)
        while True:
            # Another SYNC is the first half of a command here, as it is in real parts: two of them give one NACK.
            opcode, complement = yield 2
            handle = self._commands.get(opcode)
            denied = self._options.readout_protected and opcode not in WHILE_READOUT_PROTECTED
            if opcode ^ complement != 0xFF or handle is None or denied:
                self._send(NACK)
                continue
            self._send(ACK)
            try:
                handling = handle()
                if handling is not None:
                    yield from handling
            except (_RefusedError, HardwareError):
                self._send(NACK)

    def _get(self) -> None:
        self._send(bytes([len(self._commands), self._chip.bootloader_version, *sorted(self._commands)]), ACK)

    def _get_version(self) -> None:
        """The two bytes behind the version have no meaning any more, and are zero."""
        self._send(bytes([self._chip.bootloader_version, 0, 0]), ACK)

    def _get_id(self) -> None:
        self._send(b"\x01", self._chip.product_id.to_bytes(2, "big"), ACK)

    def _read(self) -> Handling:
        address = yield from self._address()
        self._send(ACK)
        count, complement = yield 2
        if count ^ complement != 0xFF:
            raise _RefusedError
        data = self._bus.read(address, count + 1)
        self._told(Event("read", address, len(data)))
        self._send(ACK, data)

    def _go(self) -> Handling:
        address = yield from self._address()
        window = self._bus.window_at(address)
        if window is None or not (isinstance(window.device, Ram) or address in self._flash):
            raise _RefusedError
        self._send(ACK)
        self._depart(Event("go to", address), address)

    def _write(self) -> Handling:
        address = yield from self._address()
        self._send(ACK)
        count = yield 1
        data = yield from self._checked(count, count[0] + 1)
        self._told(Event("write", address, len(data)))
        self._program(address, data)
        self._send(ACK)

    def _program(self, address: int, data: bytes) -> None:
        """What lies in a protected sector stays as it is, and the client is not told so."""
        if not self._options.write_protected:
            self._bus.write(address, data)
            return
        # Sectors begin at multiples of what a command may carry, so that it reaches into two of them at most.
        edge = -address % self._chip.PROGRAM_BYTES
        protected = [self._bus.blocks[page] for page in self._options.write_protected]
        for start, piece in ((address, data[:edge]), (address + edge, data[edge:])):
            if not any(block.address <= start < block.address + block.size_bytes for block in protected):
                self._bus.write(start, piece)

    def _erase(self) -> Handling:
        """Up to bootloader version 2: page numbers of one byte."""
        count = yield 1
        if count[0] == GLOBAL_ERASE:
            if (yield 1) != b"\x00":
                raise _RefusedError
            self._erase_chip()
        else:
            self._erase_pages(list((yield from self._checked(count, count[0] + 1))))
        self._send(ACK)

    def _extended_erase(self) -> Handling:
        """From bootloader version 3 on: page numbers of two bytes.  Of a chip of one bank no bank can be erased."""
        count = yield 2
        pages = int.from_bytes(count, "big")
        if pages >= FIRST_SPECIAL_ERASE:
            yield from self._checked(count, 0)
            if pages != MASS_ERASE:
                raise _RefusedError
            self._erase_chip()
        elif pages >= MOST_PAGES:
            raise _RefusedError
        else:
            listed = yield from self._checked(count, 2 * (pages + 1))
            self._erase_pages([int.from_bytes(listed[at : at + 2], "big") for at in range(0, len(listed), 2)])
        self._send(ACK)

    def _erase_chip(self) -> None:
        """The chip's own flash: of the parts in its sockets a bootloader that erases everything knows nothing.

        Nothing is erased while a sector is protected (RM0090 3.6.3).
        """
        self._told(Event("mass erase"))
        if not self._options.write_protected:
            for page in self._own_pages():
                self._bus.erase(page)

    def _erase_pages(self, pages: list[int]) -> None:
        if not self._bus.blocks.keys() >= set(pages):
            raise _RefusedError
        for page in pages:
            block = self._bus.blocks[page]
            self._told(Event("erase", block.address, block.size_bytes))
            if page not in self._options.write_protected:
                self._bus.erase(page)

    def _write_protect(self) -> Handling:
        count = yield 1
        sectors = set((yield from self._checked(count, count[0] + 1)))
        if not sectors <= set(self._own_pages()):
            raise _RefusedError
        self._options.write_protected |= sectors
        self._send(ACK)
        self._depart(Event("write protection set; reset"))

    def _write_unprotect(self) -> None:
        self._options.write_protected.clear()
        self._send(ACK)
        self._depart(Event("write protection removed; reset"))

    def _readout_protect(self) -> None:
        self._options.readout_protected = True
        self._send(ACK)
        self._depart(Event("readout protection set; reset"))

    def _readout_unprotect(self) -> None:
        """What was protected is erased, and only then can be read."""
        self._options.write_protected.clear()
        self._erase_chip()
        self._options.readout_protected = False
        self._send(ACK)
        self._depart(Event("readout protection removed; reset"))

    @property
    def _flash(self) -> range:
        return range(self._chip.flash_address, self._chip.flash_address + self._chip.flash_bytes)

    def _own_pages(self) -> list[int]:
        return [page for page, block in self._bus.blocks.items() if block.address in self._flash]

    def _address(self) -> Generator[int, bytes, int]:
        """Four bytes and their XOR, of an address at which there is something."""
        address = int.from_bytes((yield from self._checked(b"", 4)), "big")
        if self._bus.window_at(address) is None:
            raise _RefusedError
        return address

    def _checked(self, before: bytes, count: int) -> Bytes:
        """``count`` bytes, behind which the XOR of them and of what came ``before`` has to come."""
        *data, check = yield count + 1
        if reduce(xor, data, reduce(xor, before, 0)) != check:
            raise _RefusedError
        return bytes(data)

    def _send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._answer += piece

    def _depart(self, event: Event, address: int | None = None) -> None:
        self._told(event)
        self.departure = Departure(address)


class _RefusedError(Exception):
    """A command that is answered with NACK."""
