"""Atom store on NOR flash: a log in one of two areas, recovered by compaction.

An area is a checkpoint of all atoms, two marks and a log of records.  Appending a record writes an atom; when the
log is full, the atoms are compacted into a checkpoint in the other area.  Why a cut anywhere does no harm:

* The newest area whose checkpoint passes its check counts.  Until a compaction is through, the other area, complete and
  untouched, holds the same atoms (but for the one being written, which may be old or new).
* A checkpoint that passes its check may still be unstable, from a program that was cut, or from an erase.  ``proven``
  is programmed after it has returned; a boot that does not find it programs the same checkpoint once more, and
  ``proven``, before it relies on the area (rule 5): what is 0 is made so for good, and what is 1 was never touched.  It
  does not erase such an area, for an erase that is cut could leave it readable today and blank tomorrow.
* A record is proven by the next one.  The last has no proof, and the blank after it may be half-programmed, so a log is
  never continued after a boot: ``open``, programmed before the first record, tells the boot to compact.
* Where the other area is not the whole predecessor, something was cut there that may read otherwise at the next boot,
  and may even be whole and newer then: the boot compacts, which erases it, before anything is written that it would
  make disappear.
* The area that a boot compacts into is always erased first: that it reads blank proves nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import HALF_BORN, NO_AREA, OPENED, QUIET, REPLAYED, UNPROVEN
from deltabench.firmware_model.branches import PROVEN as PROVEN_BRANCH
from deltabench.firmware_model.formats import NOR_AREA, NOR_RECORD, crc32, intact
from deltabench.firmware_model.rom import Rom
from deltabench.firmware_model.steps import ATOM, COMPACTION, CRC
from deltabench.hwsim.core import IDLE_CORE, Core
from deltabench.hwsim.nor import NorFlash

MAGIC: Final = b"DBA1"
PROVEN: Final = NOR_AREA.offset("proven")
OPEN: Final = NOR_AREA.offset("open")
CHECKPOINT: Final = NOR_AREA.fixed_bytes
CRC_AT: Final = NOR_AREA.offset("crc")
SET: Final = b"\0"
UNSET: Final = 0xFF


@dataclass(frozen=True)
class Geometry(Rom):
    """Where things lie in an area: atoms and log slots (byte offsets), bytes that a boot reads, sectors it takes."""

    atoms: tuple[int, ...]
    slots: tuple[int, ...]
    used_bytes: int
    sectors: int


@lru_cache(maxsize=64)
def geometry(count: int, atom_bytes: int, log_records: int, page_bytes: int, sector_bytes: int) -> Geometry:
    """The layout of an area with room for at least ``log_records`` records, none across a page."""
    size = atom_bytes + 6
    page = -(-(CHECKPOINT + count * atom_bytes) // page_bytes)
    per_page = page_bytes // size
    slots = tuple((page + n // per_page) * page_bytes + n % per_page * size for n in range(log_records))
    used = slots[-1] + size
    atoms = tuple(range(CHECKPOINT, CHECKPOINT + count * atom_bytes, atom_bytes))
    return Geometry(atoms, slots, used, -(-used // sector_bytes))


class NorAtoms(AtomStore):
    """``count`` atoms in two areas from ``address`` (the start of a sector) on; takes ``bytes_needed`` bytes."""

    def __init__(
        self, nor: NorFlash, address: int, count: int, atom_bytes: int, log_records: int, core: Core = IDLE_CORE
    ) -> None:
        super().__init__(count, atom_bytes, core)
        self._nor = nor
        self._geometry = geometry(count, atom_bytes, log_records, nor.page_bytes, nor.sector_bytes)
        area_bytes = self._geometry.sectors * nor.sector_bytes
        self._bases = (address, address + area_bytes)
        self._area = 0
        self._generation = 0
        self._used = 0
        self._opened = False

    @staticmethod
    def bytes_needed(nor: NorFlash, count: int, atom_bytes: int, log_records: int) -> int:
        """Bytes of both areas together."""
        sectors = geometry(count, atom_bytes, log_records, nor.page_bytes, nor.sector_bytes).sectors
        return 2 * sectors * nor.sector_bytes

    def format(self, atoms: Sequence[bytes]) -> None:
        self.atoms = list(atoms)
        for sector in range(self._geometry.sectors):
            self._nor.erase(self._bases[0] + sector * self._nor.sector_bytes)
        self._area = 0
        # Twice, so that each area is the other's predecessor or successor from the first boot on.
        self._compact()
        self._compact()

    def boot(self) -> None:
        """Find the newest valid area and replay its log; compact it unless it is proven and nothing was in progress."""
        images = [self._nor.read(base, self._geometry.used_bytes) for base in self._bases]
        self.core.spend(CRC, 2 * self._geometry.used_bytes)
        generations = [self._checked(image) for image in images]
        self._generation = max(generations)
        takes = self.core.takes
        if not self._generation:
            takes(NO_AREA)
            self.atoms = [None] * self.count
            return
        self._area = generations.index(self._generation)
        image = images[self._area]
        self.atoms = [image[at : at + self.atom_bytes] for at in self._geometry.atoms]
        takes(UNPROVEN if image[PROVEN] != 0 else PROVEN_BRANCH)
        if image[PROVEN] != 0:
            self._program_checkpoint(image[: self._geometry.atoms[-1] + self.atom_bytes])
        in_progress = generations[1 - self._area] != self._generation - 1
        records = self._replay(image)
        if not records and image[OPEN] == UNSET and not in_progress:
            takes(QUIET)
            return
        takes(REPLAYED if records else OPENED if image[OPEN] != UNSET else HALF_BORN)
        self._compact()

    def write(self, index: int, data: bytes) -> None:
        assert len(data) == self.atom_bytes, "an atom is written whole"
        self.core.spend(ATOM, self.atom_bytes)
        self.atoms[index] = data
        if self._used == len(self._geometry.slots):
            self._compact()
            return
        if not self._opened:
            self._mark(OPEN)
            self._opened = True
        body = NOR_RECORD.pack(index) + data
        self.core.spend(CRC, len(body))
        record = body + crc32(body, self._generation)
        self._nor.program(self._bases[self._area] + self._geometry.slots[self._used], record)
        self._used += 1

    def _checked(self, image: bytes) -> int:
        """The generation of an area; 0 if it fails its check or holds something else."""
        magic, generation, count, atom_bytes, crc = NOR_AREA.unpack(image)[:5]
        if magic != MAGIC or (count, atom_bytes) != (self.count, self.atom_bytes):
            return 0
        checkpoint = image[CHECKPOINT : CHECKPOINT + count * atom_bytes]
        return int(generation) if zlib.crc32(image[:CRC_AT] + checkpoint) == crc else 0

    def _replay(self, image: bytes) -> int:
        """Take over the atoms that the log has replaced; returns the number of good records."""
        size = self.atom_bytes + 6
        blank = b"\xff" * size
        atoms, generation = self.atoms, self._generation
        for number, at in enumerate(self._geometry.slots):
            record = image[at : at + size]
            index = record[0] | record[1] << 8
            if record == blank or not intact(record, generation) or index >= len(atoms):
                # A record that fails its check is the one that the cut tore: nothing was ever put behind it.
                return number
            atoms[index] = record[2:-4]
        return len(self._geometry.slots)

    def _compact(self) -> None:
        """Write all atoms as a checkpoint into the other area, and go on there."""
        nor, target = self._nor, 1 - self._area
        base = self._bases[target]
        for sector in range(self._geometry.sectors):
            nor.erase(base + sector * nor.sector_bytes)
        self._generation += 1
        checkpoint = b"".join(atom for atom in self.atoms if atom is not None)
        self.core.spend(COMPACTION, len(checkpoint))
        self.core.spend(CRC, len(checkpoint))
        header = NOR_AREA.pack(MAGIC, self._generation, self.count, self.atom_bytes, 0, UNSET, UNSET, b"")[:CRC_AT]
        header += crc32(header + checkpoint)
        self._area = target
        self._program_checkpoint(header.ljust(CHECKPOINT, b"\xff") + checkpoint)
        self._used = 0
        self._opened = False

    def _program_checkpoint(self, image: bytes) -> None:
        """Program header and checkpoint of the area in use, and then the mark that proves them."""
        base, size = self._bases[self._area], self._nor.page_bytes
        for at in range(0, len(image), size):
            self._nor.program(base + at, image[at : at + size])
        self._mark(PROVEN)

    def _mark(self, offset: int) -> None:
        self._nor.program(self._bases[self._area] + offset, SET)
