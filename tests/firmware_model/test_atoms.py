"""The three atom stores: atomic, durable, and honest about what is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import pytest

from deltabench.firmware_model.atoms.disk import DiskAtoms
from deltabench.firmware_model.atoms.nor import NorAtoms
from deltabench.firmware_model.atoms.nvram import NvramAtoms
from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.atoms.twin import slot_bytes
from deltabench.firmware_model.errors import AtomLostError
from deltabench.firmware_model.formats import NOR_AREA, NOR_RECORD, TWIN_SLOT, crc32
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk, TornSector
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram

COUNT, ATOM_BYTES, LOG_RECORDS = 4, 10, 3
KINDS = ("nvram", "disk", "nor")
FIRST_LBA = 7
NewBoard = Callable[..., Board]
CutEverywhere = Callable[..., int]
PowerLost = Callable[..., AbstractContextManager[None]]


def atom(number: int) -> bytes:
    return f"atom {number}".encode().ljust(ATOM_BYTES, b".")


OTHERS = [atom(1), atom(2), atom(3)]


def store_on(board: Board, kind: str, *, log_records: int = LOG_RECORDS) -> AtomStore:
    """A store as a power-on makes it: it knows the medium and nothing of its past."""
    if kind == "nvram":
        nvram = board.media["nvram0"]
        assert isinstance(nvram, Nvram)
        return NvramAtoms(nvram, 0x24, COUNT, ATOM_BYTES)
    if kind == "disk":
        disk = board.media["disk0"]
        assert isinstance(disk, Disk)
        return DiskAtoms(disk, FIRST_LBA, COUNT, ATOM_BYTES)
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    return NorAtoms(nor, 0x2000, COUNT, ATOM_BYTES, log_records)


def booted(board: Board, kind: str, policy: str = "o") -> AtomStore:
    board.lose_power()
    board.adversary.power_on(policy)
    store = store_on(board, kind)
    store.boot()
    return store


def formatted(new_board: NewBoard, kind: str, **settings: Any) -> tuple[Board, AtomStore]:
    board = new_board(**settings)
    store_on(board, kind).format([atom(i) for i in range(COUNT)])
    return board, booted(board, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_formatted_store_holds_what_it_was_given(new_board: NewBoard, kind: str) -> None:
    _, store = formatted(new_board, kind)
    assert [store.read(i) for i in range(COUNT)] == [atom(i) for i in range(COUNT)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_write_is_read_back_at_once_and_after_each_boot(new_board: NewBoard, kind: str) -> None:
    board, store = formatted(new_board, kind)
    wanted = [atom(i) for i in range(COUNT)]
    for number in range(40):
        index = number * 3 % COUNT
        wanted[index] = atom(100 + number)
        store.write(index, wanted[index])
        assert store.atoms == wanted
        if number % 7 in (0, 1, 5):
            store = booted(board, kind)
            assert store.atoms == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_formatting_leaves_nothing_of_an_earlier_life(new_board: NewBoard, kind: str) -> None:
    board, store = formatted(new_board, kind)
    for number in range(12):
        store.write(number % COUNT, atom(50 + number))
    store_on(board, kind).format([atom(i) for i in range(COUNT)])
    for _ in range(2):
        assert booted(board, kind).atoms == [atom(i) for i in range(COUNT)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_keeps_to_its_region(new_board: NewBoard, kind: str) -> None:
    board, store = formatted(new_board, kind)
    for number in range(12):
        store.write(number % COUNT, atom(50 + number))
    nvram, disk, nor = (board.media[name] for name in ("nvram0", "disk0", "nor0"))
    assert isinstance(nvram, Nvram)
    assert isinstance(disk, Disk)
    assert isinstance(nor, NorFlash)
    size = NvramAtoms.bytes_needed(COUNT, ATOM_BYTES)
    assert not any(nvram.read(0, 0x24) + nvram.read(0x24 + size, 200))
    assert not any(map(any, disk.read(0, FIRST_LBA) + disk.read(FIRST_LBA + 2 * COUNT, 20)))
    size = NorAtoms.bytes_needed(nor, COUNT, ATOM_BYTES, LOG_RECORDS)
    assert set(nor.read(0, 0x2000) + nor.read(0x2000 + size, 0x2000)) == {0xFF}


@pytest.mark.parametrize("torn_sector", [TornSector.OLD_OR_NEW, TornSector.UNCORRECTABLE])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_anywhere_in_a_write_leaves_the_atom_old_or_new_and_the_store_usable(
    new_board: NewBoard, cut_everywhere: CutEverywhere, power_lost: PowerLost, kind: str, torn_sector: TornSector
) -> None:
    board, store = formatted(new_board, kind, torn_sector=torn_sector)
    wanted = [atom(i) for i in range(COUNT)]
    total = 0

    def boot(policy: str) -> AtomStore:
        return booted(board, kind, policy)

    for number in range(2 * LOG_RECORDS + 3):
        index, data = number % COUNT, atom(100 + number)

        def check(after: AtomStore, what: str, index: int = index, data: bytes = data) -> None:
            found = list(after.atoms)
            assert found[index] in (wanted[index], data), what
            assert [*found[:index], data, *found[index + 1 :]] == [*wanted[:index], data, *wanted[index + 1 :]], what
            for policy in "on":
                with power_lost(board):
                    assert booted(board, kind, policy).atoms == found, f"{what}; then booted again, with {policy}"
            probe = (index + 1) % COUNT
            after.write(probe, atom(7))
            found[probe] = atom(7)
            for policy in "on":
                with power_lost(board):
                    again = booted(board, kind, policy).atoms
                    assert again == found, f"{what}; then written to, and booted again, with {policy}"

        total += cut_everywhere(board, lambda i=index, d=data: store.write(i, d), boot, check)
        wanted[index] = data
    assert total > {"nvram": 40, "disk": 16, "nor": 150}[kind]
    assert booted(board, kind).atoms == wanted


def test_a_cut_anywhere_in_the_recovery_of_a_cut_nor_store_loses_nothing(
    new_board: NewBoard, cut_everywhere: CutEverywhere
) -> None:
    board, store = formatted(new_board, "nor")
    old, new, nested = atom(0), b"", 0

    def boot(policy: str) -> AtomStore:
        return booted(board, "nor", policy)

    def boot_and_cut_again(policy: str) -> AtomStore:
        nonlocal nested
        stores: list[AtomStore] = []
        nested += cut_everywhere(board, lambda: stores.append(boot(policy)), boot, check)
        return stores[0]

    def check(after: AtomStore, what: str) -> None:
        assert after.atoms in ([old, *OTHERS], [new, *OTHERS]), what

    for number in range(LOG_RECORDS + 1):
        new = atom(100 + number)
        cut_everywhere(board, lambda new=new: store.write(0, new), boot_and_cut_again, check)
        old = new
    assert nested > 2_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_idle_boot_of_a_proven_store_changes_nothing(new_board: NewBoard, kind: str) -> None:
    board, store = formatted(new_board, kind)
    for used in range(5):
        board.rail.operations = 0
        booted(board, kind)
        assert board.rail.operations == 0, f"with {used} atoms written"
        store.write(used % COUNT, atom(60 + used))
        store = booted(board, kind)


def test_a_boot_of_a_nor_store_with_an_open_log_compacts_it_once(new_board: NewBoard) -> None:
    board, store = formatted(new_board, "nor")
    store.write(2, atom(99))
    board.rail.operations = 0
    store = booted(board, "nor")
    first = board.rail.operations
    assert 3 <= first <= 5, "erase, program, mark"
    assert booted(board, "nor").atoms == [atom(0), atom(1), atom(99), atom(3)]
    assert board.rail.operations == first


def test_a_nor_store_writes_one_record_an_atom_until_its_log_is_full(new_board: NewBoard) -> None:
    board, store = formatted(new_board, "nor")
    counts = []
    for number in range(2 * LOG_RECORDS + 2):
        board.rail.operations = 0
        store.write(0, atom(number))
        counts.append(board.rail.operations)
    opening, record, compaction = counts[0], counts[1], counts[LOG_RECORDS]
    assert (opening, record) == (2, 1), "the first one marks the log open"
    assert compaction >= 3
    assert counts == [opening, record, record, compaction] * 2


def test_compaction_goes_from_area_to_area_and_wears_both_alike(new_board: NewBoard) -> None:
    board, store = formatted(new_board, "nor")
    heard: list[str] = []
    board.rail.listeners = (lambda operation: heard.append(str(operation)),)
    for number in range(8 * (LOG_RECORDS + 1)):
        store.write(0, atom(number))
    erased = [text.split()[2] for text in heard if "erase" in text]
    assert len(erased) == 8
    assert sorted(set(erased)) == ["0x2000+4096", "0x3000+4096"]
    assert all(one != other for one, other in pairwise(erased))


@pytest.mark.parametrize("kind", ["nvram", "disk"])
@pytest.mark.parametrize("start", [0, 32_766, 65_533])
def test_the_newer_of_two_slots_counts_wherever_its_sequence_wraps(new_board: NewBoard, kind: str, start: int) -> None:
    board, _ = formatted(new_board, kind)
    for side, data in ((0, atom(90)), (1, atom(91))):
        body = TWIN_SLOT.pack(start + side) + data
        put_slot(board, kind, 2 * 1 + side, body + crc32(body, 1))
    store = booted(board, kind)
    assert store.read(1) == atom(91)
    for number in range(6):
        store.write(1, atom(number))
        store = booted(board, kind)
        assert store.atoms == [atom(0), atom(number), atom(2), atom(3)]


def put_slot(board: Board, kind: str, slot: int, data: bytes) -> None:
    """Write the raw bytes of a twin slot."""
    medium = board.media["nvram0" if kind == "nvram" else "disk0"]
    if isinstance(medium, Nvram):
        medium.write(0x24 + slot * slot_bytes(ATOM_BYTES), data)
    elif isinstance(medium, Disk):
        medium.write(FIRST_LBA + slot, [data.ljust(512, b"\0")], fua=True)


@pytest.mark.parametrize("kind", ["nvram", "disk"])
def test_an_atom_with_one_bad_copy_is_read_from_the_other_and_written_over_the_bad_one(
    new_board: NewBoard, kind: str
) -> None:
    for side in (0, 1):
        board, store = formatted(new_board, kind)
        store.write(2, atom(50))
        put_slot(board, kind, 2 * 2 + side, b"noise")
        store = booted(board, kind)
        assert store.read(2) in (atom(2), atom(50))
        store.write(2, atom(51))
        assert booted(board, kind).atoms == [atom(0), atom(1), atom(51), atom(3)]


@pytest.mark.parametrize("kind", ["nvram", "disk"])
def test_an_atom_without_a_good_copy_is_lost_and_the_others_are_not(new_board: NewBoard, kind: str) -> None:
    board, _ = formatted(new_board, kind)
    for side in (0, 1):
        put_slot(board, kind, 2 * 2 + side, b"noise")
    store = booted(board, kind)
    assert store.atoms == [atom(0), atom(1), None, atom(3)]
    with pytest.raises(AtomLostError, match="no good copy of atom 2"):
        store.read(2)


@pytest.mark.parametrize("kind", ["nvram", "disk"])
def test_a_copy_of_another_atom_is_no_good_copy(new_board: NewBoard, kind: str) -> None:
    board, _ = formatted(new_board, kind)
    body = TWIN_SLOT.pack(5) + atom(90)
    for side in (0, 1):
        put_slot(board, kind, 2 * 2 + side, body + crc32(body, 3))
    assert booted(board, kind).atoms[2] is None


def test_uncorrectable_sectors_lose_the_atoms_whose_both_copies_they_are(new_board: NewBoard) -> None:
    board, store = formatted(new_board, "disk")
    store.write(3, atom(93))
    disk = board.media["disk0"]
    assert isinstance(disk, Disk)
    for slot in (0, 1, 5, 7):
        board.cells.put(disk.first + FIRST_LBA + slot, UNCORRECTABLE)
    assert booted(board, "disk").atoms == [None, atom(1), atom(2), atom(93)]


@pytest.mark.parametrize("at", [0, 5, NOR_AREA.offset("crc"), NOR_AREA.offset("crc") + 3, NOR_AREA.fixed_bytes + 15])
def test_a_nor_store_without_a_good_area_has_lost_everything(new_board: NewBoard, at: int) -> None:
    board, _ = formatted(new_board, "nor")
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    for base in (0x2000, 0x3000):
        index = nor.first + (base + at) // nor.page_bytes
        page = bytearray(nor.read(base, nor.page_bytes))
        page[at] ^= 0xFF
        board.cells.put(index, bytes(page))
    store = booted(board, "nor")
    assert store.atoms == [None] * COUNT
    with pytest.raises(AtomLostError, match="no good copy of atom 0"):
        store.read(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_medium_that_was_never_formatted_has_no_atoms(new_board: NewBoard, kind: str) -> None:
    board = new_board()
    assert booted(board, kind).atoms == [None] * COUNT
    assert board.rail.operations == 0


def test_an_area_of_another_shape_is_not_taken_for_this_store(new_board: NewBoard) -> None:
    board, _ = formatted(new_board, "nor")
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    for count, atom_bytes in ((COUNT + 1, ATOM_BYTES), (COUNT, ATOM_BYTES + 1)):
        other = NorAtoms(nor, 0x2000, count, atom_bytes, LOG_RECORDS)
        other.boot()
        assert other.atoms == [None] * count


def test_a_record_whose_first_byte_is_that_of_a_blank_one_is_not_the_end_of_the_log(new_board: NewBoard) -> None:
    nor = new_board().media["nor0"]
    assert isinstance(nor, NorFlash)
    NorAtoms(nor, 0, 300, ATOM_BYTES, LOG_RECORDS).format([atom(i) for i in range(300)])
    store = NorAtoms(nor, 0, 300, ATOM_BYTES, LOG_RECORDS)
    store.boot()
    for index in (7, 0xFF, 8):
        store.write(index, atom(1000 + index))
    again = NorAtoms(nor, 0, 300, ATOM_BYTES, LOG_RECORDS)
    again.boot()
    assert {i: found for i, found in enumerate(again.atoms) if found != atom(i)} == {
        index: atom(1000 + index) for index in (7, 0xFF, 8)
    }


def test_no_record_of_a_nor_log_crosses_a_page(new_board: NewBoard) -> None:
    board = new_board()
    store = store_on(board, "nor", log_records=40)
    store.format([atom(i) for i in range(COUNT)])
    store.boot()
    for number in range(40):
        store.write(number % COUNT, atom(number))
    again = store_on(board, "nor", log_records=40)
    again.boot()
    assert again.atoms == [atom(36 + i) for i in range(COUNT)]


@pytest.mark.parametrize("number", [COUNT, 0xFFFF])
def test_a_good_record_of_an_atom_that_there_is_not_is_as_one_that_fails_its_check(
    new_board: NewBoard, number: int
) -> None:
    board, store = formatted(new_board, "nor")
    assert isinstance(store, NorAtoms)
    store.write(0, atom(9))
    body = NOR_RECORD.pack(number) + atom(7)
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    place = store._bases[store._area] + store._geometry.slots[1]
    nor.program(place, body + crc32(body, store._generation))
    assert [booted(board, "nor").read(index) for index in range(COUNT)] == [atom(9), *OTHERS]
