"""Device labels: swapped, foreign and stale disks are refused at boot, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Error
from deltabench.firmware_model.config import CacheMode, StoreKind
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk, TornSector

READY, MAPS_LOST, REFUSED = 0, 1, 2
UNITS = 20
NewBoard = Callable[..., Board]
every_scheme_with_labels = pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "plain"])


def cells_of(device: Any, name: str) -> list[object]:
    disk = device.board.media[name]
    assert isinstance(disk, Disk)
    return list(device.board.cells.values[disk.first : disk.first + disk.size])


def put_cells(device: Any, name: str, contents: list[object]) -> None:
    """Put another disk in place of this one: one that holds ``contents``."""
    disk = device.board.media[name]
    for index, value in enumerate(contents, disk.first):
        if device.board.cells.values[index] != value:
            device.board.cells.put(index, value)


def two_disks(new_device: Any, new_board: NewBoard, **settings: Any) -> Any:
    settings = {"store": StoreKind.NVRAM, "units": UNITS, **settings}
    device = new_device(new_board(disks=2, disk_sectors=60), **settings)
    device.write(0, "a", "b", "c")
    device.save()
    device.write(1, "d")
    return device


def refuses_all(device: Any) -> str:
    """Every command that touches data ends with ABRT; returns the reason that STATUS gives."""
    before = device.board.cells.digest
    for command in (
        commands.read(0, 1),
        commands.read(0, UNITS),
        commands.write(0, [device.sector("x")]),
        commands.write(0, [device.sector("x")], fua=True),
        commands.SAVE,
        commands.RESTORE,
    ):
        response = device.execute(command)
        assert (response.ok, response.error, response.data) == (False, Error.ABRT, ()), str(command)
    assert device.execute(commands.IDENTIFY).ok
    assert device.board.cells.digest == before
    status = device.status()
    assert status.state == REFUSED
    return str(status.reason)


@pytest.mark.parametrize("store", [StoreKind.NVRAM, StoreKind.NOR])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_swapped_disks_are_refused(new_device: Any, new_board: NewBoard, scheme: str, store: StoreKind) -> None:
    device = two_disks(new_device, new_board, scheme=scheme, store=store)
    one, other = cells_of(device, "disk0"), cells_of(device, "disk1")
    put_cells(device, "disk0", other)
    put_cells(device, "disk1", one)
    device.power_cycle()
    assert refuses_all(device) == "disk0 is device 1 of its volume, in the place of device 0"
    put_cells(device, "disk0", one)
    put_cells(device, "disk1", other)
    device.power_cycle()
    assert device.read(0, 3) == ["a", "d", "c"], "put back, all is well"


def test_swapped_disks_are_refused_where_the_maps_lie_on_one_of_them(new_device: Any, new_board: NewBoard) -> None:
    device = two_disks(new_device, new_board, store=StoreKind.DISK)
    one, other = cells_of(device, "disk0"), cells_of(device, "disk1")
    put_cells(device, "disk0", other)
    put_cells(device, "disk1", one)
    device.power_cycle()
    assert "the map store has lost the volume's identity" in refuses_all(device)


@pytest.mark.parametrize("name", ["disk0", "disk1"])
def test_a_disk_of_another_volume_is_refused(new_device: Any, new_board: NewBoard, name: str) -> None:
    device = two_disks(new_device, new_board, volume_id="MINE")
    other = two_disks(new_device, new_board, volume_id="OTHERS")
    put_cells(device, name, cells_of(other, name))
    device.power_cycle()
    mine, theirs = b"MINE\0\0".hex(), b"OTHERS".hex()
    assert refuses_all(device) == f"{name} belongs to volume {theirs}, this controller's is {mine}"


@every_scheme_with_labels
@pytest.mark.parametrize("name", ["disk0", "disk1"])
@pytest.mark.parametrize("commands_given", [1, 3])
def test_a_disk_that_was_away_while_data_was_written_is_refused(
    new_device: Any, new_board: NewBoard, scheme: str, name: str, commands_given: int
) -> None:
    device = two_disks(new_device, new_board, scheme=scheme)
    version = device.status().system_version
    stale = cells_of(device, name)
    for _ in range(commands_given):
        device.save()
    device.write(2, "e")
    put_cells(device, name, stale)
    device.power_cycle()
    found = f"its label is of system version {version}, the maps expect {version + commands_given}"
    assert refuses_all(device) == f"{name} is stale: {found}"


def test_a_disk_from_the_future_is_refused(new_device: Any, new_board: NewBoard) -> None:
    device = two_disks(new_device, new_board)
    mark = len(device.board.cells.journal)
    device.save()
    device.write(2, "e")
    device.save()
    device.write(2, "f")
    future = cells_of(device, "disk1")
    device.board.cells.rollback(mark)
    put_cells(device, "disk1", future)
    device.power_cycle()
    assert "disk1 is stale: its label is of system version 3, the maps expect 1" in refuses_all(device)


def test_a_disk_that_was_away_while_nothing_was_written_to_it_is_welcome(new_device: Any, new_board: NewBoard) -> None:
    device = two_disks(new_device, new_board)
    away = cells_of(device, "disk1")
    device.save()
    device.save()
    put_cells(device, "disk1", away)
    device.power_cycle()
    assert device.read(0, 3) == ["a", "d", "c"]


@pytest.mark.parametrize("contents", ["blank", "unreadable"])
def test_a_disk_without_a_readable_label_is_refused(new_device: Any, new_board: NewBoard, contents: str) -> None:
    device = two_disks(new_device, new_board)
    put_cells(device, "disk1", [bytes(512) if contents == "blank" else UNCORRECTABLE] * 2)
    device.power_cycle()
    assert refuses_all(device) == "disk1 carries no readable label"


@pytest.mark.parametrize("store", StoreKind)
def test_a_device_that_was_never_initialised_is_refused(new_device: Any, new_board: NewBoard, store: StoreKind) -> None:
    device = new_device(units=UNITS, store=store)
    device.board = new_board()
    device.power_cycle()
    blank = "nand0 has no checkpoint" if store is StoreKind.NAND else "the map store has lost the volume's identity"
    assert refuses_all(device).startswith(blank)


def test_the_label_is_not_touched_by_saves_and_written_once_before_the_next_data(
    new_device: Any, new_board: NewBoard
) -> None:
    device = two_disks(new_device, new_board)
    assert not [text for text in device.operations(device.save) if "disk" in text]
    first = device.operations(lambda: device.write(5, "x"))
    assert [text.split()[0] for text in first] == ["disk0", "disk1", "nvram0", "disk1", "nvram0"]
    assert [text.split(" 0x")[1] for text in first[:2]] == ["1+1", "1+1"]
    again = device.operations(lambda: device.write(6, "x"))
    assert [text.split()[0] for text in again] == ["disk1", "nvram0"]


@every_scheme_with_labels
@pytest.mark.parametrize("store", StoreKind)
@pytest.mark.parametrize("then", ["save", "restore"])
def test_a_cut_while_labels_are_brought_up_to_date_never_makes_a_device_refuse_its_own_disks(
    new_device: Any, new_board: NewBoard, scheme: str, store: StoreKind, then: str
) -> None:
    board = new_board(disks=2, disk_sectors=100, torn_sector=TornSector.UNCORRECTABLE)
    device = new_device(board, scheme=scheme, store=store, units=UNITS)
    device.write(0, "a")
    device.save()

    def check(what: str) -> None:
        for _ in range(2):
            getattr(device, then)()
            device.power_cycle()
            assert device.status().state == READY, f"{what}; then a {then} and a power cycle: {device.status().reason}"
        device.write(3, "probe")
        device.power_cycle()
        assert device.read(0, 4) == ["a", device.read(1, 1)[0], "", "probe"], what

    assert device.cut_everywhere(lambda: device.write(1, "b"), check) > 5


def test_labels_that_a_cut_left_uneven_stay_so_while_map_entries_are_lost(
    new_device: Any, new_board: NewBoard, cut_everywhere: Callable[..., int]
) -> None:
    device = two_disks(new_device, new_board)
    device.save()
    cut_short = device.controller

    def boot(policy: str) -> int:
        device.lose_atom(3)
        digest = int(device.board.cells.digest)
        device.power_cycle(policy)
        return digest

    def check(digest: int, what: str) -> None:
        assert device.status().state == MAPS_LOST, what
        assert device.board.cells.digest == digest, what
        device.controller = cut_short

    assert cut_everywhere(device.board, lambda: device.write(5, "x"), boot, check) > 5


def test_write_back_brings_labels_up_to_date_when_the_cache_is_written_out(
    new_device: Any, new_board: NewBoard
) -> None:
    device = two_disks(new_device, new_board, cache=CacheMode.WRITE_BACK)
    device.save()
    stale = cells_of(device, "disk1")
    device.write(2, "e")
    assert cells_of(device, "disk1") == stale
    device.flush()
    put_cells(device, "disk1", stale)
    device.power_cycle()
    assert "disk1 is stale" in refuses_all(device)
