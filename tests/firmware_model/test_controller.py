"""Host commands, in ATA terms: what each answers, what it makes durable, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command, Error, Opcode, Response, Status
from deltabench.firmware_model.config import CacheMode, StoreKind
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk, TornSector

UNITS = 20
FIRST_A = 2
"""Where volume A begins on disk0 in these tests: behind the label, as the maps lie in NVRAM."""
NewBoard = Callable[..., Board]
CutEverywhere = Callable[..., int]


@pytest.fixture
def device(new_device: Any) -> Any:
    return new_device(store=StoreKind.NVRAM, units=UNITS)


@pytest.fixture
def write_back(new_device: Any) -> Any:
    device = new_device(store=StoreKind.NVRAM, units=UNITS, cache=CacheMode.WRITE_BACK)
    device.write(0, *(f"old {lba}" for lba in range(UNITS)), fua=True)
    device.save()
    return device


def breaks(device: Any, lba: int, name: str = "disk0") -> None:
    """Make a sector of a disk uncorrectable."""
    disk = device.board.media[name]
    assert isinstance(disk, Disk)
    device.board.cells.put(disk.first + lba, UNCORRECTABLE)


def test_a_command_without_error_ends_ready_and_without_the_error_bit(device: Any) -> None:
    for command in (commands.read(0, 1), commands.FLUSH, commands.SAVE, commands.RESTORE, commands.STATUS):
        response = device.execute(command)
        assert (response.status, response.error) == (Status.DRDY, Error.NONE)
        assert response.ok


def test_a_new_device_reads_as_zeros(device: Any) -> None:
    assert list(device.must(commands.read(0, UNITS)).data) == [bytes(512)] * UNITS


@pytest.mark.parametrize(
    ("lba", "count", "first_bad"),
    [(UNITS, 1, UNITS), (UNITS - 1, 2, UNITS), (0, UNITS + 1, UNITS), (1 << 40, 1, 1 << 40), (UNITS + 3, 0, UNITS + 3)],
)
def test_sectors_beyond_the_volume_are_not_found_and_nothing_of_the_command_is_done(
    device: Any, lba: int, count: int, first_bad: int
) -> None:
    before = device.board.cells.digest
    for command in (
        commands.read(lba, count),
        commands.write(lba, [device.sector("x")] * count),
        commands.write(lba, [device.sector("x")] * count, fua=True),
    ):
        response = device.execute(command)
        assert not response.ok
        assert response.status == Status.DRDY | Status.ERR
        assert (response.error, response.lba, response.data) == (Error.IDNF, first_bad, ())
    assert device.board.cells.digest == before


@pytest.mark.parametrize("opcode", [0x00, 0x08, 0x20, 0x83, 0x90, 0xC8, 0xFF])
def test_an_unknown_command_is_aborted(device: Any, opcode: int) -> None:
    before = device.board.cells.digest
    assert device.execute(Command(opcode, 0, 1, [device.sector("x")])).error == Error.ABRT
    assert device.board.cells.digest == before


@pytest.mark.parametrize("opcode", [Opcode.WRITE_DMA_EXT, Opcode.WRITE_DMA_FUA_EXT])
def test_a_write_whose_data_are_not_its_sectors_is_aborted(device: Any, opcode: Opcode) -> None:
    whole = device.sector("x")
    before = device.board.cells.digest
    for data in ((), (whole,), (whole,) * 3, (whole, b"short"), (whole, whole + b"!")):
        assert device.execute(Command(opcode, 4, 2, data)).error == Error.ABRT
    assert device.board.cells.digest == before


def test_commands_and_responses_read_as_the_standard_names_them() -> None:
    assert str(commands.write(5, [bytes(512)] * 2, fua=True)) == "WRITE DMA FUA EXT LBA 5+2"
    assert str(commands.FLUSH) == "FLUSH CACHE EXT"
    assert str(Command(0x90)) == "command 0x90"
    assert str(Response()) == "ok"
    assert str(commands.failed(Error.UNC, 7)) == "error UNC"


def test_an_uncorrectable_sector_ends_the_read_with_its_lba(device: Any) -> None:
    device.write(0, *"abcdefghij")
    device.save()
    for lba in (7, 4):
        breaks(device, FIRST_A + UNITS + lba)
    for first, count, found in ((0, 20, 4), (4, 1, 4), (5, 5, 7)):
        response = device.execute(commands.read(first, count))
        assert (response.error, response.lba, response.data) == (Error.UNC, found, ())
    assert device.read(0, 4) == list("abcd")
    assert device.read(5, 2) == ["f", "g"]


def test_the_lba_of_an_uncorrectable_sector_is_right_on_either_volume(device: Any) -> None:
    device.write(3, "live on B")
    breaks(device, FIRST_A + 5)
    assert device.execute(commands.read(0, UNITS)).lba == 5
    breaks(device, FIRST_A + UNITS + 3)
    assert device.execute(commands.read(0, UNITS)).lba == 3


def test_a_sector_that_was_uncorrectable_can_be_written_and_is_lost_only_to_the_save_point(device: Any) -> None:
    breaks(device, FIRST_A + 5)
    device.write(5, "new")
    assert device.read(5, 1) == ["new"]
    device.restore()
    assert device.execute(commands.read(5, 1)).error == Error.UNC
    device.write(5, "new")
    device.save()
    device.write(5, "newer")
    device.restore()
    assert device.read(5, 1) == ["new"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_identify_is_answered_in_every_state(new_device: Any, scheme: str) -> None:
    device = new_device(store=StoreKind.NVRAM, units=UNITS, scheme=scheme)
    (sector,) = device.must(commands.IDENTIFY).data
    assert len(sector) == 512


def test_status_counts_the_delta_and_says_when_the_cache_is_dirty(write_back: Any) -> None:
    device = write_back
    assert device.status() == (0, 0, 1, UNITS, 0, "")
    device.write(3, "a", "b")
    assert device.status() == (0, 1, 1, UNITS, 0, "")
    device.flush()
    assert device.status() == (0, 0, 1, UNITS, 2, "")
    device.write(3, "c", fua=True)
    assert device.status() == (0, 0, 1, UNITS, 2, "")
    device.restore()
    assert device.status() == (0, 0, 2, UNITS, 0, "")


def test_a_write_through_write_is_durable_when_it_is_acknowledged(device: Any) -> None:
    device.write(3, "a", "b")
    device.power_cycle()
    assert device.read(2, 4) == ["", "a", "b", ""]


def test_a_write_back_write_costs_no_media_operation_and_is_gone_with_the_power(write_back: Any) -> None:
    device = write_back
    assert device.operations(lambda: device.write(3, "new", "new")) == []
    assert device.read(2, 4) == ["old 2", "new", "new", "old 5"]
    device.power_cycle()
    assert device.read(2, 4) == ["old 2", "old 3", "old 4", "old 5"]


def test_what_is_cached_can_be_read_where_the_disk_below_cannot(write_back: Any) -> None:
    device = write_back
    breaks(device, FIRST_A + UNITS + 4)
    device.write(4, "new")
    assert device.read(4, 1) == ["new"]
    assert device.read(3, 3) == ["old 3", "new", "old 5"]
    device.restore()
    response = device.execute(commands.read(3, 3))
    assert (response.error, response.lba) == (Error.UNC, 4)


def test_flush_makes_every_cached_write_durable(write_back: Any) -> None:
    device = write_back
    for lba in (3, 9, 4, 3):
        device.write(lba, f"new {lba}")
    device.flush()
    assert device.operations(device.flush) == []
    device.power_cycle()
    assert [lba for lba, text in enumerate(device.read()) if text.startswith("new")] == [3, 4, 9]


def test_fua_makes_its_own_sectors_durable_and_no_others(write_back: Any) -> None:
    device = write_back
    device.write(3, "cached 3", "cached 4", "cached 5")
    device.write(4, "forced", fua=True)
    assert device.read(3, 3) == ["cached 3", "forced", "cached 5"]
    with device.cut():
        assert device.read(3, 3) == ["old 3", "forced", "old 5"]
    device.flush()
    device.power_cycle()
    assert device.read(3, 3) == ["cached 3", "forced", "cached 5"]


def test_a_full_cache_is_written_out(new_device: Any) -> None:
    device = new_device(store=StoreKind.NVRAM, units=UNITS, cache=CacheMode.WRITE_BACK, cache_sectors=4)
    device.write(0, "a", "b", "c")
    device.write(1, "d")
    assert device.operations(lambda: device.write(2, "e")) == []
    assert device.operations(lambda: device.write(9, "f"))
    assert device.status().dirty == 0
    device.power_cycle()
    assert (device.read(0, 3), device.read(9, 1)) == (["a", "d", "e"], ["f"])


def test_a_restore_discards_what_the_cache_holds(write_back: Any) -> None:
    device = write_back
    device.write(3, "given up")
    device.restore()
    assert device.read(3, 1) == ["old 3"]
    assert device.status().dirty == 0
    device.flush()
    device.power_cycle()
    assert device.read(3, 1) == ["old 3"]


def test_a_save_includes_what_the_cache_holds(write_back: Any) -> None:
    device = write_back
    device.write(3, "saved")
    device.save()
    assert device.status().dirty == 0
    device.write(3, "later")
    device.restore()
    assert device.read(3, 1) == ["saved"]
    device.power_cycle()
    assert device.read(3, 1) == ["saved"]


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "plain"])
def test_a_cut_in_a_flush_leaves_each_cached_sector_old_or_new(new_device: Any, scheme: str) -> None:
    device = new_device(store=StoreKind.NVRAM, units=UNITS, scheme=scheme, cache=CacheMode.WRITE_BACK)
    device.write(0, *(f"old {lba}" for lba in range(UNITS)), fua=True)
    device.save()
    for lba in (2, 3, 11):
        device.write(lba, "new")
    old = [f"old {lba}" for lba in range(UNITS)]
    allowed = []
    for two, three, eleven in product((False, True), repeat=3):
        image = list(old)
        for lba, done in ((2, two), (3, three), (11, eleven)):
            image[lba] = "new" if done else old[lba]
        allowed.append(image)

    def check(what: str) -> None:
        assert device.read() in allowed, what
        assert device.read_saved() == old, what

    device.cut_everywhere(device.flush, check)
    device.power_cycle()
    assert device.read() == allowed[-1]


def test_an_unreadable_sector_does_not_keep_the_rest_of_its_unit_from_being_saved(new_device: Any) -> None:
    device = new_device(store=StoreKind.NVRAM, units=4, sectors_per_unit=4, cache=CacheMode.WRITE_BACK)
    device.write(5, "part of a unit")
    breaks(device, FIRST_A + 6)
    device.save()
    response = device.execute(commands.read(4, 4))
    assert (response.error, response.lba) == (Error.UNC, 6)
    device.write(6, "healed")
    device.save()
    assert device.read(4, 4) == ["", "part of a unit", "healed", ""]


LOST = [
    pytest.param("plain", 160, 2, (80, 160), id="plain: a VSM block"),
    pytest.param("plain", 160, 4, (80, 160), id="plain: a DDM block"),
    pytest.param("flagged", 60, 2, (0, 24), id="flagged: a VSM block"),
    pytest.param("flagged", 60, 7, (48, 60), id="flagged: a DDM block"),
    pytest.param("flagged", 60, 1, (0, 60), id="flagged: the control atom"),
    pytest.param("versioned", 20, 3, (8, 16), id="versioned: an entry block"),
    pytest.param("versioned", 20, 1, (0, 20), id="versioned: the system atom"),
    pytest.param("history", 20, 4, (16, 20), id="history: an entry block"),
    pytest.param("history", 20, 1, (0, 20), id="history: the system atom"),
]


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(("scheme", "units", "atom", "lost"), LOST)
def test_with_map_entries_lost_the_others_can_still_be_read_and_nothing_be_written(
    new_device: Any, scheme: str, units: int, atom: int, lost: tuple[int, int], size: int
) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=units, sectors_per_unit=size)
    for lba in range(0, units * size, 3):
        device.write(lba, f"saved {lba}")
    device.save()
    for lba in range(0, units * size, 7):
        device.write(lba, f"live {lba}")
    image = device.read()
    device.lose_atom(atom)
    digest = device.board.cells.digest
    device.power_cycle()
    first, last = lost[0] * size, lost[1] * size
    for lba, text in enumerate(image):
        response = device.execute(commands.read(lba, 1))
        if first <= lba < last:
            assert (response.error, response.lba, response.data) == (Error.UNC, lba, ())
        else:
            assert list(response.data) == [device.sector(text)]
    whole = device.execute(commands.read(0, len(image)))
    assert (whole.error, whole.lba) == (Error.UNC, first)
    for command in (
        commands.write(0, [device.sector("x")]),
        commands.write(len(image) - 1, [device.sector("x")], fua=True),
        commands.SAVE,
        commands.RESTORE,
    ):
        assert device.execute(command).error == Error.ABRT, str(command)
    status = device.status()
    assert (status.state, status.reason) == (
        1,
        f"the map entries of {lost[1] - lost[0]} units have no good copy",
    )
    assert device.execute(commands.IDENTIFY).ok
    assert device.board.cells.digest == digest, "what is lost is not written over"


@pytest.mark.parametrize("act", ["save", "restore"])
@pytest.mark.parametrize(("scheme", "atom"), [("flagged", 6), ("versioned", 3)])
def test_a_save_or_restore_that_was_cut_is_not_finished_while_map_entries_are_lost(
    new_device: Any, cut_everywhere: CutEverywhere, scheme: str, atom: int, act: str
) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=60)
    device.write(0, *(f"{lba}" for lba in range(60)))
    cut_short = device.controller

    def boot(policy: str) -> int:
        device.lose_atom(atom)
        digest = int(device.board.cells.digest)
        device.power_cycle(policy)
        return digest

    def check(digest: int, what: str) -> None:
        assert device.status().state == 1, what
        assert device.board.cells.digest == digest, what
        device.controller = cut_short

    assert cut_everywhere(device.board, getattr(device, act), boot, check) > 0


def test_with_the_identity_lost_the_device_refuses_everything(new_device: Any) -> None:
    device = new_device(store=StoreKind.NVRAM, units=UNITS)
    device.lose_atom(0)
    device.power_cycle()
    assert device.execute(commands.read(0, 1)).error == Error.ABRT
    assert device.status()[::5] == (2, "the map store has lost the volume's identity: no good copy of atom 0")


def test_a_map_copy_lost_to_an_unreadable_sector_is_replaced_by_the_next_write(new_device: Any) -> None:
    device = new_device(store=StoreKind.DISK, units=UNITS)
    device.write(0, *"abc")
    identity, control, vsm, ddm = range(FIRST_A, FIRST_A + 8, 2)
    for older_copy in (identity, control, vsm, ddm + 1):
        with device.cut():
            breaks(device, older_copy)
            device.power_cycle()
            assert device.status().state == 0
            assert device.read(0, 3) == list("abc")
            device.save()
            device.write(1, "d")
            device.power_cycle()
            assert device.read(0, 3) == list("adc")
            assert device.read_saved()[:3] == list("abc")


def test_the_torn_last_copy_of_a_map_on_disk_leaves_the_one_before(new_device: Any, new_board: NewBoard) -> None:
    device = new_device(new_board(torn_sector=TornSector.UNCORRECTABLE), store=StoreKind.DISK, units=UNITS)
    device.write(0, *"abc")

    def check(what: str) -> None:
        assert device.status().state == 0, what
        assert device.read(0, 3) in (["a", "b", "c"], ["a", "b", "d"]), what

    device.save()
    device.cut_everywhere(lambda: device.write(2, "d"), check)


def test_the_view_shows_the_maps_bit_by_bit_through_a_save_and_a_restore(device: Any) -> None:
    def view() -> tuple[int, int, str]:
        assert device.controller.view.units == UNITS
        return device.controller.view[1:4]

    assert view() == (0b0000, 0b0000, "idle")
    device.write(0, "a", "b")
    assert view() == (0b0000, 0b0011, "idle")
    device.save()
    assert view() == (0b0011, 0b0000, "idle")
    device.write(1, "c", "d")
    assert view() == (0b0011, 0b0110, "idle")
    device.restore()
    assert view() == (0b0011, 0b0000, "idle")
    device.write(1, "e")
    device.save()
    assert view() == (0b0001, 0b0000, "idle")
    device.power_cycle()
    assert view() == (0b0001, 0b0000, "idle")
