"""Mistakes in the atom store on NOR flash: checkpoints, areas and their erasure."""

from __future__ import annotations

from typing import ClassVar, cast

from deltabench.firmware_model.atoms.nor import CHECKPOINT, MAGIC, PROVEN, SET, NorAtoms
from deltabench.firmware_model.formats import NOR_AREA
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.mutants.broken_part import broken


class Driver:
    """A NOR flash behind a driver, which does what it should."""

    def __init__(self, nor: NorFlash) -> None:
        self.nor = nor
        self.page_bytes = nor.page_bytes
        self.sector_bytes = nor.sector_bytes

    def read(self, address: int, length: int) -> bytes:
        return self.nor.read(address, length)

    def program(self, address: int, data: bytes) -> None:
        self.nor.program(address, data)

    def erase(self, address: int) -> None:
        self.nor.erase(address)


class CompactsThrough(NorAtoms):
    """Base of mistakes: compaction uses ``driver``."""

    driver: ClassVar[type[Driver]] = Driver

    def _compact(self) -> None:
        nor, self._nor = self._nor, cast(NorFlash, self.driver(self._nor))
        super()._compact()
        self._nor = nor


@broken("_store")
class NoImageCrc(NorAtoms):
    """An area counts by its magic alone; its CRC is not looked at."""

    def _checked(self, image: bytes) -> int:
        magic, generation = NOR_AREA.unpack(image)[:2]
        return int(generation) if magic == MAGIC else 0


@broken("_store")
class CkptDropsRecord(NorAtoms):
    """A write that finds the log full compacts the atoms as they were before it."""

    def write(self, index: int, data: bytes) -> None:
        if self._used == len(self._geometry.slots):
            self._compact()
            self.atoms[index] = data
        else:
            super().write(index, data)


@broken("_store")
class SingleCopy(NorAtoms):
    """Compaction erases and rewrites the area that it reads from."""

    def _compact(self) -> None:
        self._area = 1 - self._area
        super()._compact()


class LooksFirst(Driver):
    looked_at = NOR_AREA.fixed_bytes

    def erase(self, address: int) -> None:
        if self.nor.read(address, self.looked_at).strip(b"\xff"):
            self.nor.erase(address)


@broken("_store")
class SkipEraseHeader(CompactsThrough):
    """A sector is not erased if its first bytes, where an area has its header, read blank."""

    driver = LooksFirst


class LooksAtPage(LooksFirst):
    looked_at = 256


@broken("_store")
class SkipErase(CompactsThrough):
    """A sector is not erased if its first page reads blank."""

    driver = LooksAtPage


class LooksAtSector(LooksFirst):
    looked_at = 4096


@broken("_store")
class SkipEraseBlank(CompactsThrough):
    """A sector is not erased if all of it reads blank."""

    driver = LooksAtSector


@broken("_store")
class ReuseSeq(NorAtoms):
    """Compaction does not count the generation up."""

    def _compact(self) -> None:
        self._generation -= self._generation > 1
        super()._compact()


@broken("_store")
class FirstAreaWins(NorAtoms):
    """Of two good areas the first counts, whichever is newer."""

    def _checked(self, image: bytes) -> int:
        return min(super()._checked(image), 1)


class ErasesBoth(Driver):
    def erase(self, address: int) -> None:
        self.nor.erase(address)
        self.nor.erase(address ^ self.sector_bytes)


@broken("_store")
class ErasesBothAreas(CompactsThrough):
    """Compaction erases both areas first, since all atoms are in RAM."""

    driver = ErasesBoth


@broken("_store")
class ErasesPredecessor(NorAtoms):
    """Compaction ends with the erasure of the area it came from, before the new one is proven."""

    def _mark(self, offset: int) -> None:
        if offset == PROVEN:
            self._nor.erase(self._bases[1 - self._area])
        super()._mark(offset)


class HeaderFirst(Driver):
    def program(self, address: int, data: bytes) -> None:
        if data.startswith(MAGIC):
            self.nor.program(address, data[:CHECKPOINT])
            self.nor.program(address + CHECKPOINT, data[CHECKPOINT:])
        else:
            self.nor.program(address, data)


@broken("_store")
class HeaderBeforeCheckpoint(CompactsThrough):
    """The header of an area is programmed before the checkpoint that its CRC is of."""

    driver = HeaderFirst


class WithProven(Driver):
    def program(self, address: int, data: bytes) -> None:
        if data.startswith(MAGIC):
            data = data[:PROVEN] + SET + data[PROVEN + 1 :]
        self.nor.program(address, data)


@broken("_store")
class ProvenWithCheckpoint(CompactsThrough):
    """``proven`` is programmed together with the checkpoint, and not when that has returned."""

    driver = WithProven


@broken("_store")
class NeverProves(NorAtoms):
    """``proven`` is never programmed."""

    def _mark(self, offset: int) -> None:
        if offset != PROVEN:
            super()._mark(offset)


@broken("_store")
class NoSeqSalt(CompactsThrough):
    """Records are not bound to a generation; an old log is replayed that an erase, taken for done, has left."""

    driver = LooksFirst

    def write(self, index: int, data: bytes) -> None:
        if self._used == len(self._geometry.slots):
            super().write(index, data)
            return
        generation, self._generation = self._generation, 0
        super().write(index, data)
        self._generation = generation

    def _replay(self, image: bytes) -> int:
        generation, self._generation = self._generation, 0
        good = super()._replay(image)
        self._generation = generation
        return good
