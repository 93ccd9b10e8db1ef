"""The firmware's end of the link, on a board whose chip has a configuration block in its flash."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Opcode, Status
from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.configuration import DeviceEntry, encode
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.messages import (
    ANSWER_HEAD,
    BOOT_ANSWER,
    BUFFER_REQUEST,
    COMMAND_ANSWER,
    COMMAND_REQUEST,
    DIGEST_ENTRY,
    DIGEST_REQUEST,
    DUMP_REQUEST,
    HELLO_ANSWER,
    LOAD_REQUEST,
    MOST_BODY,
    MOST_PAYLOAD,
    PUT_REQUEST,
    Message,
    Result,
    digest,
    request,
)
from deltabench.firmware_model.link.service import BUFFER_BYTES, LinkService
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.bus import Bus
from deltabench.hwsim.devboard.spec import CONFIGURATION, load_board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk

FILE = load_board()
PLACE = FILE.regions[CONFIGURATION].address
SPEC = BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=256), "nor0": DeviceSpec(part="AT25SF041")})
DISK, NOR = 0xA000_0000, 0x9000_0000
CONFIG = FirmwareConfig(store=StoreKind.NOR, units=64)


class Host:
    """The other end, which asks one thing after the other."""

    def __init__(self, service: LinkService) -> None:
        self.service = service
        self.sequence = 0
        self._receiver = FrameReceiver(MOST_BODY)

    def ask(self, message: int, payload: bytes = b"") -> tuple[Result, bytes]:
        self.sequence += 1
        return self.again(message, payload)

    def again(self, message: int, payload: bytes = b"") -> tuple[Result, bytes]:
        """With the sequence number of the request before."""
        (body,) = self._receiver.feed(self.service.feed(encode_frame(request(message, self.sequence, payload))))
        kind, sequence, result = ANSWER_HEAD.unpack_from(body)
        assert (kind, sequence) == (message | 0x80, self.sequence)
        return Result(result), body[ANSWER_HEAD.size :]

    def done(self, message: int, payload: bytes = b"") -> bytes:
        result, answer = self.ask(message, payload)
        assert result is Result.DONE, (result, answer)
        return answer


class Setting:
    """A board with a firmware configured into it, and what went on."""

    def __init__(self, *, configured: bool = True) -> None:
        self.board = Board(SPEC)
        self.bus = Bus(FILE, self.board, SPEC)
        self.left = 0
        self.block = self.configuration(disk_sectors=256)
        if configured:
            self.bus.write(PLACE, self.block)
        self.host = self.power_on()

    def configuration(self, disk_sectors: int) -> bytes:
        devices = (
            DeviceEntry("disk0", StoreKind.DISK, DISK, disk_sectors * 512, 512),
            DeviceEntry("nor0", StoreKind.NOR, NOR, 1 << 19, 256, 4096),
        )
        return encode(CONFIG, DeltaController(self.board, CONFIG).layout, devices)

    def power_on(self) -> Host:
        self.board.lose_power()
        return Host(LinkService(self.board, self.bus, PLACE, self.leave))

    def leave(self) -> None:
        self.left += 1


@pytest.fixture
def setting() -> Setting:
    return Setting()


@pytest.fixture
def host(setting: Setting) -> Host:
    """A device that is formatted and booted."""
    setting.host.done(Message.FORMAT)
    host = setting.power_on()
    host.done(Message.BOOT)
    return host


def command(opcode: int, lba: int = 0, count: int = 0) -> bytes:
    return COMMAND_REQUEST.pack(opcode, lba, count)


def test_hello_says_who_is_there_and_whether_the_controller_is_booted(setting: Setting) -> None:
    setting.host.done(Message.FORMAT)
    host = setting.power_on()
    version, booted, _, most, buffer, _ = HELLO_ANSWER.unpack(host.done(Message.HELLO))
    assert (version, booted, most, buffer) == (1, 0, MOST_PAYLOAD, BUFFER_BYTES)
    host.done(Message.BOOT)
    assert HELLO_ANSWER.unpack(host.done(Message.HELLO))[1] == 1


def test_host_commands_are_executed_and_their_media_operations_counted(host: Host) -> None:
    data = b"a" * 512 + b"b" * 512
    answer = COMMAND_ANSWER.unpack(host.done(Message.COMMAND, command(Opcode.WRITE_DMA_EXT, 3, 2) + data))
    assert answer[:4] == (Status.DRDY, 0, 0, 0)
    assert answer[4] > 0
    read = host.done(Message.COMMAND, command(Opcode.READ_DMA_EXT, 3, 2))
    assert read[COMMAND_ANSWER.size :] == data
    saved = COMMAND_ANSWER.unpack(host.done(Message.COMMAND, command(Opcode.SAVE)))
    assert saved[4] > answer[4]


def test_transfers_too_long_for_a_message_go_through_the_buffer(host: Host) -> None:
    data = bytes(range(256)) * 2 * 64
    for at in range(0, len(data), 10_000):
        host.done(Message.PUT, PUT_REQUEST.pack(at) + data[at : at + 10_000])
    host.done(Message.COMMAND, command(Opcode.WRITE_DMA_EXT, 0, 64))
    head = COMMAND_ANSWER.unpack(host.done(Message.COMMAND, command(Opcode.READ_DMA_EXT, 0, 64)))
    assert head[3] == 64
    pieces = [host.done(Message.GET, BUFFER_REQUEST.pack(at, 8192)) for at in range(0, len(data), 8192)]
    assert b"".join(pieces) == data


def test_a_request_that_comes_twice_is_answered_twice_and_executed_once(host: Host) -> None:
    first = host.ask(Message.COMMAND, command(Opcode.SAVE))
    assert host.again(Message.COMMAND, command(Opcode.SAVE)) == first
    assert host.ask(Message.COMMAND, command(Opcode.SAVE)) != first
    status = host.done(Message.COMMAND, command(Opcode.STATUS))[COMMAND_ANSWER.size :]
    assert int.from_bytes(status[8:12], "little") == 2


def test_the_monitor_reads_and_writes_what_lies_on_the_bus(setting: Setting) -> None:
    host = setting.host
    host.done(Message.LOAD, LOAD_REQUEST.pack(NOR + 0x1000) + b"some bytes")
    host.done(Message.LOAD, LOAD_REQUEST.pack(NOR + 0x1000) + b"SOME")
    assert host.done(Message.DUMP, DUMP_REQUEST.pack(NOR + 0x1000, 10)) == b"SOME bytes"
    entries = host.done(Message.DIGEST, DIGEST_REQUEST.pack(NOR + 0x1000, 5, 2))
    assert list(DIGEST_ENTRY.iter_unpack(entries)) == [(1, digest(b"SOME ")), (1, digest(b"bytes"))]


def test_a_sector_without_data_is_said_to_be_unreadable(setting: Setting) -> None:
    host = setting.host
    host.done(Message.SPOIL, LOAD_REQUEST.pack(DISK + 3 * 512))
    disk = setting.board.media["disk0"]
    assert isinstance(disk, Disk)
    assert disk.cells.values[disk.first + 3] == UNCORRECTABLE
    assert host.ask(Message.DUMP, DUMP_REQUEST.pack(DISK + 3 * 512, 1))[0] is Result.MEDIUM_ERROR
    entries = host.done(Message.DIGEST, DIGEST_REQUEST.pack(DISK + 2 * 512, 512, 2))
    assert [readable for readable, _ in DIGEST_ENTRY.iter_unpack(entries)] == [1, 0]


@pytest.mark.parametrize("message", [Message.FORMAT, Message.BOOT, Message.LOAD, Message.SPOIL])
def test_nothing_is_changed_under_a_booted_controller(host: Host, message: Message) -> None:
    assert host.ask(message, b"" if message in (Message.FORMAT, Message.BOOT) else bytes(4))[0] is Result.NOT_NOW


@pytest.mark.parametrize(
    ("message", "payload", "wanted"),
    [
        (Message.COMMAND, command(Opcode.SAVE), Result.NOT_NOW),
        (Message.HELLO, b"x", Result.WRONG_PAYLOAD),
        (Message.DUMP, b"short", Result.WRONG_PAYLOAD),
        (Message.DUMP, DUMP_REQUEST.pack(NOR, MOST_PAYLOAD + 1), Result.WRONG_PAYLOAD),
        (Message.DUMP, DUMP_REQUEST.pack(0x4000_0000, 4), Result.MEDIUM_ERROR),
        (Message.LOAD, LOAD_REQUEST.pack(0x4000_0000) + b"x", Result.MEDIUM_ERROR),
        (Message.SPOIL, LOAD_REQUEST.pack(NOR), Result.WRONG_PAYLOAD),
        (Message.SPOIL, LOAD_REQUEST.pack(DISK + 1), Result.WRONG_PAYLOAD),
        (Message.DIGEST, DIGEST_REQUEST.pack(NOR, 0, 1), Result.WRONG_PAYLOAD),
        (Message.DIGEST, DIGEST_REQUEST.pack(NOR, 1, 1 << 20), Result.WRONG_PAYLOAD),
        (Message.PUT, PUT_REQUEST.pack(BUFFER_BYTES) + b"x", Result.WRONG_PAYLOAD),
        (Message.GET, BUFFER_REQUEST.pack(0, 1), Result.WRONG_PAYLOAD),
        (Message.FIT, b"{}", Result.UNKNOWN_MESSAGE),
        (0x3F, b"", Result.UNKNOWN_MESSAGE),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_result_for_it(
    setting: Setting, message: int, payload: bytes, wanted: Result
) -> None:
    assert setting.host.ask(message, payload)[0] is wanted


def test_without_a_sound_configuration_nothing_boots_and_one_can_be_loaded() -> None:
    setting = Setting(configured=False)
    result, why = setting.host.ask(Message.BOOT)
    assert result is Result.NO_CONFIGURATION
    assert b"no configuration block begins here" in why
    setting.host.done(Message.LOAD, LOAD_REQUEST.pack(PLACE) + setting.block)
    setting.host.done(Message.FORMAT)
    assert BOOT_ANSWER.unpack(setting.power_on().done(Message.BOOT)) == (0,)


def test_a_configuration_for_other_parts_is_refused_with_both_places() -> None:
    setting = Setting(configured=False)
    setting.host.done(Message.LOAD, LOAD_REQUEST.pack(PLACE) + setting.configuration(disk_sectors=512))
    result, why = setting.host.ask(Message.BOOT)
    assert result is Result.NO_CONFIGURATION
    assert b"131072 bytes" in why
    assert b"262144" in why


def test_leaving_gives_the_line_back_to_the_bootloader(setting: Setting) -> None:
    setting.host.done(Message.LEAVE)
    assert setting.left == 1


def test_an_echo_of_an_answer_is_not_taken_for_a_request(setting: Setting) -> None:
    body = ANSWER_HEAD.pack(Message.BOOT | 0x80, 1, 0)
    assert setting.host.service.feed(encode_frame(body) * 3) == b""


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.tuples(st.integers(0, 0x7F), st.binary(max_size=40)).map(lambda m: encode_frame(request(m[0], 7, m[1]))),
            st.tuples(st.sampled_from(list(Message)), st.lists(st.integers(0, 300), max_size=4)).map(
                lambda m: encode_frame(request(m[0], 8, struct.pack(f"<{len(m[1])}I", *m[1])))
            ),
        ),
        max_size=30,
    )
)
def test_whatever_comes_over_the_line_the_service_goes_on_serving(pieces: list[bytes]) -> None:
    setting = Setting()
    for piece in pieces:
        setting.host.service.feed(piece)
    setting.host.service.feed(b"\0")
    setting.host.sequence = 1000
    assert setting.host.ask(Message.HELLO)[0] is Result.DONE


def test_what_a_controller_does_wrong_is_told_and_not_fatal(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(self: DeltaController, command: commands.Command) -> commands.Response:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(DeltaController, "execute", stops)
    result, why = host.ask(Message.COMMAND, command(Opcode.SAVE))
    assert (result, why) == (Result.STOPPED, b"SAVE: ZeroDivisionError: by nought")
    assert host.ask(Message.HELLO)[0] is Result.DONE
