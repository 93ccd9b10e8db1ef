"""The firmware's end of the board link: host commands over a serial line, and a monitor for what lies on the bus.

After power-on nothing is booted: the monitor reads and writes the bus, so that a bench can look at what a power cut
has left, or put something there, before the controller touches it.  BOOT then constructs the controller, as a power-on
does, and from there on host commands are served.

The line is not trusted.  What is no frame, or is garbled, is dropped, and the other end asks again: a request that
comes twice with the same sequence number is answered twice and executed once.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from deltabench.firmware_model.commands import WRITES, Command
from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.configuration import MOST_BYTES, Configuration, decode
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.errors import ConfigurationError, FirmwareError
from deltabench.firmware_model.layout import MEDIA
from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.messages import (
    ANSWER_BIT,
    BOOT_ANSWER,
    BUFFER_REQUEST,
    COMMAND_ANSWER,
    COMMAND_REQUEST,
    DIGEST_ENTRY,
    DIGEST_REQUEST,
    DUMP_REQUEST,
    HEAD,
    HELLO_ANSWER,
    LOAD_REQUEST,
    MOST_BODY,
    MOST_PAYLOAD,
    PROTOCOL_VERSION,
    PUT_REQUEST,
    Message,
    Result,
    digest,
)
from deltabench.firmware_model.link.once import Answers
from deltabench.hwsim.board import Board
from deltabench.hwsim.devboard.bus import Bus, BusError
from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, Disk
from deltabench.hwsim.medium import MediaRuleError, UncorrectableError

T = TypeVar("T")
BUFFER_BYTES: Final = 1 << 20
"""The transfer buffer: a command of more sectors is refused."""
MOST_BLOCK_BYTES: Final = 1 << 16


class _Refusal(Exception):
    """Ends a request with a result other than done, and a text."""

    def __init__(self, result: Result, text: str = "") -> None:
        super().__init__(text)
        self.result = result


class LinkService:
    """Serves one power session.  ``leave`` is called to go back to the system bootloader."""

    def __init__(self, board: Board, bus: Bus, configuration_address: int, leave: Callable[[], None]) -> None:
        self._board = board
        self._bus = bus
        self._configuration_address = configuration_address
        self._leave = leave
        self._receiver = FrameReceiver(MOST_BODY)
        self._buffer = bytearray()
        self._controller: DeltaController | None = None
        self._first_operation = 0
        handlers: dict[int, Callable[[bytes], bytes]] = {
            Message.HELLO: self._hello,
            Message.DUMP: self._dump,
            Message.DIGEST: self._digest,
            Message.LOAD: self._load,
            Message.SPOIL: self._spoil,
            Message.FORMAT: self._format,
            Message.BOOT: self._boot,
            Message.COMMAND: self._command,
            Message.PUT: self._put,
            Message.GET: self._get,
            Message.LEAVE: self._left,
        }
        self._answers = Answers(handlers)

    def feed(self, data: bytes) -> bytes:
        """What has arrived; returns what is to be sent.  Whatever arrives, it raises nothing of its own."""
        return b"".join(
            encode_frame(self._answers.answer(body, self._tried))
            for body in self._receiver.feed(data)
            if _is_request(body)
        )

    def tick(self) -> bool:
        """A millisecond has passed; whether a switch gave a command."""
        return self._controller is not None and self._controller.tick()

    def _tried(self, work: Callable[[], bytes]) -> tuple[Result, bytes]:
        try:
            return Result.DONE, work()
        except struct.error:
            return Result.WRONG_PAYLOAD, b""
        except _Refusal as refusal:
            return refusal.result, str(refusal).encode()[:MOST_PAYLOAD]
        except (BusError, MediaRuleError, UncorrectableError) as error:
            return Result.MEDIUM_ERROR, str(error).encode()[:MOST_PAYLOAD]

    def _hello(self, payload: bytes) -> bytes:
        _empty(payload)
        block = self._bus.read(self._configuration_address, MOST_BYTES)
        return HELLO_ANSWER.pack(
            PROTOCOL_VERSION, self._controller is not None, 0, MOST_PAYLOAD, BUFFER_BYTES, zlib.crc32(block)
        )

    def _dump(self, payload: bytes) -> bytes:
        address, length = DUMP_REQUEST.unpack(payload)
        if length > MOST_PAYLOAD:
            raise _Refusal(Result.WRONG_PAYLOAD, f"{length} bytes do not fit a message; at most {MOST_PAYLOAD}")
        return self._bus.read(address, length)

    def _digest(self, payload: bytes) -> bytes:
        address, size, count = DIGEST_REQUEST.unpack(payload)
        if not 0 < size <= MOST_BLOCK_BYTES or count * DIGEST_ENTRY.size > MOST_PAYLOAD:
            raise _Refusal(Result.WRONG_PAYLOAD, f"{count} blocks of {size} bytes are too many or too large")
        return b"".join(self._digest_of(address + number * size, size) for number in range(count))

    def _digest_of(self, address: int, size: int) -> bytes:
        try:
            return DIGEST_ENTRY.pack(1, digest(self._bus.read(address, size)))
        except UncorrectableError:
            return DIGEST_ENTRY.pack(0, b"")

    def _load(self, payload: bytes) -> bytes:
        self._only_before_boot()
        (address,) = LOAD_REQUEST.unpack_from(payload)
        self._bus.store(address, payload[LOAD_REQUEST.size :])
        return b""

    def _spoil(self, payload: bytes) -> bytes:
        self._only_before_boot()
        (address,) = LOAD_REQUEST.unpack(payload)
        window = self._bus.window_at(address)
        if window is None or not isinstance(window.device, Disk) or (address - window.address) % SECTOR_BYTES:
            raise _Refusal(Result.WRONG_PAYLOAD, f"no sector of a disk begins at 0x{address:08X}")
        window.device.write((address - window.address) // SECTOR_BYTES, [UNCORRECTABLE], fua=True)
        return b""

    def _format(self, payload: bytes) -> bytes:
        _empty(payload)
        self._only_before_boot()
        _run("the initialisation", self._new_controller().initialise)
        for medium in self._board.media.values():
            if isinstance(medium, Disk):
                medium.flush()
        return b""

    def _boot(self, payload: bytes) -> bytes:
        _empty(payload)
        self._only_before_boot()
        controller = self._new_controller()
        self._first_operation = self._board.rail.operations
        _run("the boot", controller.boot)
        self._controller = controller
        return BOOT_ANSWER.pack(self._board.rail.operations - self._first_operation)

    def _command(self, payload: bytes) -> bytes:
        opcode, lba, count = COMMAND_REQUEST.unpack_from(payload)
        controller = self._controller
        if controller is None:
            raise _Refusal(Result.NOT_NOW, "the controller is not booted")
        if count * SECTOR_BYTES > BUFFER_BYTES:
            raise _Refusal(Result.WRONG_PAYLOAD, f"{count} sectors do not fit the transfer buffer")
        data = payload[COMMAND_REQUEST.size :]
        if opcode in WRITES and count and not data:
            data = bytes(self._buffer[: count * SECTOR_BYTES])
        sectors = [data[at : at + SECTOR_BYTES] for at in range(0, len(data), SECTOR_BYTES)]
        command = Command(opcode, lba, count, sectors)
        response = _run(str(command), lambda: controller.execute(command))
        self._buffer = bytearray(b"".join(response.data))
        inline = bytes(self._buffer) if len(self._buffer) <= MOST_PAYLOAD - COMMAND_ANSWER.size else b""
        operations = self._board.rail.operations - self._first_operation
        return (
            COMMAND_ANSWER.pack(response.status, response.error, response.lba, len(response.data), operations) + inline
        )

    def _put(self, payload: bytes) -> bytes:
        (offset,) = PUT_REQUEST.unpack_from(payload)
        data = payload[PUT_REQUEST.size :]
        end = offset + len(data)
        if end > BUFFER_BYTES:
            raise _Refusal(Result.WRONG_PAYLOAD, f"the transfer buffer has {BUFFER_BYTES} bytes")
        self._buffer.extend(bytes(max(0, end - len(self._buffer))))
        self._buffer[offset:end] = data
        return b""

    def _get(self, payload: bytes) -> bytes:
        offset, length = BUFFER_REQUEST.unpack(payload)
        if length > MOST_PAYLOAD or offset + length > len(self._buffer):
            raise _Refusal(Result.WRONG_PAYLOAD, f"the transfer buffer holds {len(self._buffer)} bytes")
        return bytes(self._buffer[offset : offset + length])

    def _left(self, payload: bytes) -> bytes:
        _empty(payload)
        self._leave()
        return b""

    def _only_before_boot(self) -> None:
        if self._controller is not None:
            raise _Refusal(Result.NOT_NOW, "the controller is booted; switch the power off and on first")

    def _new_controller(self) -> DeltaController:
        try:
            configuration = decode(self._bus.read(self._configuration_address, MOST_BYTES))
            self._check_devices(configuration)
        except FirmwareError as error:
            raise _Refusal(Result.NO_CONFIGURATION, str(error)) from error
        try:
            return DeltaController(self._board, configuration.firmware)
        except FirmwareError as error:
            raise _Refusal(Result.NO_CONFIGURATION, str(error)) from error
        except (Exception, SystemExit) as error:
            raise _stopped("the start of the controller", error) from error

    def _check_devices(self, configuration: Configuration) -> None:
        """The block must speak of the parts that are here; raises ConfigurationError for the first that is not."""
        windows = {window.name: window for window in self._bus.windows}
        for device in configuration.devices:
            window = windows.get(device.name)
            if window is None:
                raise ConfigurationError(f"the configuration names {device.name}, and the board has no such part")
            if not isinstance(window.device, MEDIA[StoreKind(device.kind)]):
                raise ConfigurationError(f"{device.name} is of another kind than the configuration says")
            if (window.address, window.size_bytes) != (device.address, device.size_bytes):
                raise ConfigurationError(
                    f"{device.name} is at 0x{window.address:08X} with {window.size_bytes} bytes, and the configuration "
                    f"says 0x{device.address:08X} with {device.size_bytes}"
                )


def _run(what: str, work: Callable[[], T]) -> T:
    """Let the controller work: what it raises would make a real one hang, and whoever asked is told."""
    try:
        return work()
    except (Exception, SystemExit) as error:
        raise _stopped(what, error) from error


def _stopped(what: str, error: BaseException) -> _Refusal:
    return _Refusal(Result.STOPPED, f"{what}: {type(error).__name__}: {error}")


def _is_request(body: bytes) -> bool:
    """Whether somebody asks for something; what only looks like an answer is an echo."""
    return len(body) >= HEAD.size and not body[0] & ANSWER_BIT


def _empty(payload: bytes) -> None:
    if payload:
        raise struct.error("nothing is expected behind the head")
