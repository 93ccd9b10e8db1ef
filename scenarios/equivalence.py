"""Which media states need to be cut only once: states that differ in nothing that could ever matter again.

With any number of cuts, counters grow with each recovery, and what a cut tore is torn again; told apart byte by byte,
media could be in endlessly many states.  Two states are taken for one if they are equal but for

* the numbers of generations and sequences, of which only the distance to the newest counts; and
* what stands in a structure that fails its check, however it is read: it is never used, and is erased or written whole
  before anything relies on it.

docs/exploration.md argues why that is sound, and the explorer checks it as it goes: whatever is run of one class must
do the same media operations.  What is where comes from the layout, and how it looks from the tables of formats.py; of
the firmware nothing is asked.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from deltabench.firmware_model.atoms.nor import geometry
from deltabench.firmware_model.atoms.twin import slot_bytes
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.formats import LABEL, NOR_AREA, RESIDUE, TWIN_SLOT
from deltabench.firmware_model.layout import LABEL_SECTORS, Layout
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.instability import Adversary, Unstable
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Variant

BLANK: Final = "blank"
FAILS: Final = "fails its check"
MAGIC: Final = b"DBA1"
PROVEN: Final = NOR_AREA.offset("proven")
OPEN: Final = NOR_AREA.offset("open")
CRC_AT: Final = NOR_AREA.offset("crc")
CHECKPOINT: Final = NOR_AREA.fixed_bytes
SEQUENCE_BYTES: Final = TWIN_SLOT.fixed_bytes
CRC_BYTES: Final = 4
POLICIES: Final = "onm"
"""The readings of unstable cells within one read; those that change between reads begin like one of these."""


class Area(NamedTuple):
    """What an area of a NOR map store that passes its check comes to, as one reading has it.

    ``unused``: its log was not opened, and is blank; one that was is never gone on with, however far it has come.
    """

    generation: int
    atoms: tuple[bytes, ...]
    proven: bool
    unused: bool


class Readings(NamedTuple):
    """What an area comes to under each reading; ``unstable`` if there are several, ``weak`` if it is weakly erased."""

    parts: tuple[Any, ...]
    unstable: bool
    weak: bool

    @property
    def areas(self) -> list[Area]:
        """The readings that pass their check."""
        return [part for part in self.parts if isinstance(part, Area)]

    def is_newest(self, generation: int) -> bool:
        """Whether it passes its check, with this generation, however it is read."""
        return all(isinstance(part, Area) and part.generation == generation for part in self.parts)


class Equivalence:
    """Classes of the states of one ``board`` with one firmware laid out on it."""

    def __init__(self, board: Board, config: FirmwareConfig, layout: Layout, atoms: int) -> None:
        self._cells = board.cells
        self._atom_bytes = config.atom_bytes
        self._count = atoms
        maps = board.media[layout.maps.device]
        self._stretches: list[tuple[int, int]] = []
        self._offset = 0
        self._nor: NorFlash | None = None
        if isinstance(maps, NorFlash):
            self._nor = maps
            shape = geometry(atoms, config.atom_bytes, config.log_records, maps.page_bytes, maps.sector_bytes)
            self._slots, self._used = shape.slots, shape.used_bytes
            pages = shape.sectors * maps.sector_bytes // maps.page_bytes
            first = maps.first + layout.maps.first // maps.page_bytes
            self._stretches = [(first, first + pages), (first + pages, first + 2 * pages)]
        elif isinstance(maps, Disk):
            first = maps.first + layout.maps.first
            self._stretches = [(first, first + layout.maps.length)]
        else:
            assert isinstance(maps, Nvram), "a store lies on one of the three media"
            rows, self._offset = divmod(layout.maps.first, Nvram.ROW_BYTES)
            end = -(-(layout.maps.first + layout.maps.length) // Nvram.ROW_BYTES)
            self._stretches = [(maps.first + rows, maps.first + end)]
        disks = [disk for name in layout.disks if isinstance(disk := board.media[name], Disk)]
        self._labels = [(disk.first, disk.first + LABEL_SECTORS) for disk in disks]
        self._twin_sectors = {
            (disk.name, sector): slot_bytes(LABEL.fixed_bytes) for disk in disks for sector in range(LABEL_SECTORS)
        }
        """The size of the slot in each sector that holds one."""
        if isinstance(maps, Disk):
            end = layout.maps.first + layout.maps.length
            size = slot_bytes(config.atom_bytes)
            self._twin_sectors |= {(maps.name, sector): size for sector in range(layout.maps.first, end)}
        self._known: dict[tuple[Any, ...], Any] = {}
        self._hashes: dict[tuple[Any, ...], int] = {}

    def key(self) -> Hashable:
        """The class of the state that the media are in now."""
        values, rest = self._cells.values, self._cells.digest
        classes: list[Any] = []
        for number, (first, last) in enumerate((*self._stretches, *self._labels)):
            cells = tuple(values[first:last])
            own = self._hashes.get((first, cells))
            if own is None:
                own = 0
                for index, cell in enumerate(cells, first):
                    own ^= hash((index, cell))
                self._hashes[first, cells] = own
            rest ^= own
            known = self._known.get(cells)
            if known is None:
                known = self._known[cells] = self._classified(cells, number)
            classes.append(known)
        if self._nor is not None:
            classes[:2] = _relative(classes[0], classes[1])
        return rest, tuple(classes)

    def operation(self, operation: Operation) -> Hashable:
        """What an operation is about to do, but for counters and checks in what it writes."""
        what: Hashable = getattr(operation, "data", None)
        if isinstance(what, bytes):
            if what.startswith(MAGIC):
                what = (what[8:CRC_AT], what[CHECKPOINT:])
            elif len(what) == slot_bytes(self._atom_bytes):
                what = what[:-CRC_BYTES] if self._nor is not None else what[SEQUENCE_BYTES:-CRC_BYTES]
        else:
            sectors = getattr(operation, "sectors", ())
            size = self._twin_sectors.get((operation.device, operation.address), 0)
            what = tuple(sector[SEQUENCE_BYTES : size - CRC_BYTES] if size else sector for sector in sectors)
        return operation.device, operation.kind, operation.address, operation.length, what

    def forget(self) -> None:
        """What was classified for one command is of little use to the next."""
        self._known.clear()
        self._hashes.clear()

    def _classified(self, cells: tuple[Any, ...], number: int) -> Any:
        if number >= len(self._stretches):
            return ("label", _twins([cell[: slot_bytes(LABEL.fixed_bytes)] for cell in cells], [0, 0]))
        if self._nor is not None:
            return self._areas(cells)
        size = slot_bytes(self._atom_bytes)
        if len(cells[0]) == Nvram.ROW_BYTES:
            image = b"".join(cells)[self._offset :]
            slots = [image[at : at + size] for at in range(0, 2 * self._count * size, size)]
        else:
            slots = [cell[:size] if len(cell) == SECTOR_BYTES else cell for cell in cells]
        return _twins(slots, [n >> 1 for n in range(len(slots))])

    def _areas(self, cells: tuple[Any, ...]) -> Readings:
        """An area under each reading of its unstable cells."""
        unstable = tuple(number for number, cell in enumerate(cells) if type(cell) is Unstable)
        if not unstable:
            return Readings((self._area(b"".join(cells)),), False, False)
        parts = tuple(self._area(b"".join(_read(cell, policy) for cell in cells)) for policy in POLICIES)
        weak = any(cells[number].weak for number in unstable)
        if len(set(parts)) == 1 and not isinstance(parts[0], Area):
            return Readings(parts[:1], False, weak)
        return Readings(parts, True, weak)

    def _area(self, image: bytes) -> Area | str:
        magic, generation, count, atom_bytes, crc = NOR_AREA.unpack(image)[:5]
        end = CHECKPOINT + self._count * self._atom_bytes
        sound = magic == MAGIC and (count, atom_bytes) == (self._count, self._atom_bytes)
        if not sound or zlib.crc32(image[:CRC_AT] + image[CHECKPOINT:end]) != crc:
            return BLANK if not image.strip(b"\xff") else FAILS
        size = self._atom_bytes
        atoms = [image[at : at + size] for at in range(CHECKPOINT, end, size)]
        for at in self._slots:
            record = image[at : at + size + 6]
            if zlib.crc32(record, generation) != RESIDUE:
                break
            atoms[int.from_bytes(record[:2], "little")] = record[2:-4]
        unused = image[OPEN] == 0xFF and not image[self._slots[0] : self._used].strip(b"\xff")
        return Area(generation, tuple(atoms), image[PROVEN] == 0, unused)


def equivalence_of(rig: Rig, variant: Variant) -> Equivalence | None:
    """The classes of a variant's device; None if there are none.

    A controller of somebody's own has structures that are not known; those of a translation layer are not put into
    classes, as where it writes next depends on how often each block was erased.
    """
    controller = rig.make()
    if not isinstance(controller, DeltaController) or controller.flash:
        return None
    return Equivalence(rig.board, variant.firmware, controller.layout, controller.maps.store.count)


def _relative(one: Readings, other: Readings) -> tuple[Hashable, Hashable]:
    """Both areas, with generations as what they are behind the newest of either.

    Of the older, if the newer passes its check however it is read, nothing else counts than whether it passes its own.
    """
    newest = max((area.generation for area in (*one.areas, *other.areas)), default=0)

    def shifted(readings: Readings, beside: Readings) -> Hashable:
        older = beside.is_newest(newest)
        parts = tuple(
            part
            if isinstance(part, str)
            else newest - part.generation
            if older
            else part._replace(generation=newest - part.generation)
            for part in readings.parts
        )
        if older:
            return parts if len(set(parts)) > 1 else parts[0]
        return readings._replace(parts=parts)

    return shifted(one, other), shifted(other, one)


def _twins(slots: Sequence[bytes], salts: Sequence[int]) -> tuple[Hashable, ...]:
    """For each pair of slots what they hold, and which is how much newer; what fails its check is only said to."""
    found = []
    for number in range(0, len(slots), 2):
        pair = slots[number : number + 2]
        good = [zlib.crc32(slot, salts[number]) == RESIDUE for slot in pair]
        payloads = tuple(slot[2:-4] if sound else FAILS for slot, sound in zip(pair, good, strict=True))
        distance = 0
        if all(good):
            distance = (int.from_bytes(pair[1][:2], "little") - int.from_bytes(pair[0][:2], "little")) % (1 << 16)
        found.append((payloads, distance))
    return tuple(found)


@lru_cache(maxsize=4096)
def _read(cell: bytes | Unstable, policy: str) -> bytes:
    """A page as it reads under a policy."""
    if not isinstance(cell, Unstable):
        return cell
    adversary = Adversary()
    adversary.power_on(policy)
    return adversary.read(0, cell)
