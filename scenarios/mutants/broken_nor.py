"""Mistakes in the atom store on NOR flash: its log, and what a boot makes of it. See also broken_compaction.py."""

from __future__ import annotations

from typing import ClassVar

from deltabench.firmware_model.atoms.nor import OPEN, PROVEN, NorAtoms
from deltabench.firmware_model.formats import NOR_RECORD, intact
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.mutants.broken_part import broken


class GoesOnWithLog(NorAtoms):
    """Base of mistakes: a boot does not compact; it goes on with the log that it finds, from slot ``_end`` on."""

    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def _replay(self, image: bytes) -> int:
        good = super()._replay(image)
        self._used = self._end(image, good)
        self._opened = image[OPEN] == 0
        return good

    def _end(self, image: bytes, good: int) -> int:
        return good

    def _compact(self) -> None:
        if not self._booting:
            super()._compact()

    def _record(self, image: bytes, slot: int) -> bytes:
        at = self._geometry.slots[slot]
        return image[at : at + self.atom_bytes + 6]

    def _is_blank(self, image: bytes, slot: int) -> bool:
        return not self._record(image, slot).strip(b"\xff")


@broken("_store")
class ReuseTorn(GoesOnWithLog):
    """After a boot the log goes on in the place of a record that fails its check: "bad CRC" is taken for "free"."""


@broken("_store")
class StopAtTorn(GoesOnWithLog):
    """After a boot the log goes on behind the torn record, at which every later replay stops."""

    def _end(self, image: bytes, good: int) -> int:
        slots = len(self._geometry.slots)
        return next((slot for slot in range(good, slots) if self._is_blank(image, slot)), slots)


@broken("_store")
class FreeByType(GoesOnWithLog):
    """The log goes on at the first record whose first field is blank; records that fail their check are skipped."""

    def _replay(self, image: bytes) -> int:
        self._opened = image[OPEN] == 0
        slots = len(self._geometry.slots)
        self._used = next((slot for slot in range(slots) if self._record(image, slot)[:2] == b"\xff\xff"), slots)
        for slot in range(self._used):
            record = self._record(image, slot)
            if intact(record, self._generation):
                self.atoms[NOR_RECORD.unpack(record)[0]] = record[2:-4]
        return self._used


@broken("_store")
class TrustsLastRecord(GoesOnWithLog):
    """The log goes on behind a last record that reads well, though nothing proves that it will at the next boot."""

    def _replay(self, image: bytes) -> int:
        good = super()._replay(image)
        self._booting = all(self._is_blank(image, slot) for slot in range(good, len(self._geometry.slots)))
        return good


@broken("_store")
class ServesBeforeDurable(NorAtoms):
    """A boot leaves its compaction to the first write, and serves reads before that."""

    _booting = _due = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def write(self, index: int, data: bytes) -> None:
        if self._due:
            self._due = False
            self._compact()
        super().write(index, data)

    def _compact(self) -> None:
        if self._booting:
            self._due = True
        else:
            super()._compact()


@broken("_store")
class NoRecordCrc(NorAtoms):
    """A record counts if there is an atom of its number; its CRC is not looked at."""

    def _replay(self, image: bytes) -> int:
        for number, at in enumerate(self._geometry.slots):
            (atom,) = NOR_RECORD.unpack(image, at)
            if atom >= self.count:
                return number
            self.atoms[atom] = image[at + 2 : at + 2 + self.atom_bytes]
        return len(self._geometry.slots)


@broken("_store")
class IgnoresOpen(NorAtoms):
    """There is no mark ``open``: a boot that finds no good record goes on with the log."""

    def _mark(self, offset: int) -> None:
        if offset != OPEN:
            super()._mark(offset)


@broken("_store")
class OpensLate(NorAtoms):
    """``open`` is programmed behind the first record, and a cut in between leaves a log that looks untouched."""

    def write(self, index: int, data: bytes) -> None:
        opened, self._opened = self._opened, True
        super().write(index, data)
        if not opened and self._used:
            self._mark(OPEN)


@broken("_store")
class OpensEarly(NorAtoms):
    """``open`` is programmed as soon as there is a checkpoint."""

    def _program_checkpoint(self, image: bytes) -> None:
        super()._program_checkpoint(image)
        self._mark(OPEN)
        self._opened = True


@broken("_store")
class ReplayMissesLast(NorAtoms):
    """Replay is off by one: it never comes to the last slot of the log."""

    def _replay(self, image: bytes) -> int:
        last = self._geometry.slots[-1]
        return super()._replay(image[:last] + b"\xff" * (len(image) - last))


@broken("_store")
class OneRecordIsNone(NorAtoms):
    """A log of one record is taken for an empty one: replay counts from 1, and stops before its count."""

    def _replay(self, image: bytes) -> int:
        before = list(self.atoms)
        good = super()._replay(image)
        if good == 1:
            self.atoms = before
        return good


class InBoot(NorAtoms):
    """Base of mistakes: ``_booting`` tells a boot's renewal of a checkpoint from the compaction behind it."""

    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def _compact(self) -> None:
        self._booting = False
        super()._compact()


@broken("_store")
class ReliesOnUnproven(InBoot):
    """A boot that does not find ``proven`` relies on the checkpoint as it is."""

    def _program_checkpoint(self, image: bytes) -> None:
        if not self._booting:
            super()._program_checkpoint(image)


@broken("_store")
class ProvesUnread(InBoot):
    """A boot that does not find ``proven`` programs it, and has not programmed the checkpoint anew."""

    def _program_checkpoint(self, image: bytes) -> None:
        super()._program_checkpoint(b"" if self._booting else image)


@broken("_store")
class ErasesHalfBorn(NorAtoms):
    """A boot that does not find ``proven`` erases the area; if that is cut, it may yet come alive."""

    def _checked(self, image: bytes) -> int:
        return super()._checked(image) if image[PROVEN] == 0 else 0


@broken("_store")
class IgnoresOther(NorAtoms):
    """A boot does not care what is in the other area; at the next boot that may be whole and newer."""

    def _checked(self, image: bytes) -> int:
        generation = super()._checked(image)
        self._seen = [*getattr(self, "_seen", []), generation][-2:]
        return generation

    def _compact(self) -> None:
        if len(getattr(self, "_seen", [])) == 2 and not self._used and not self._opened and not self._in_doubt():
            return
        super()._compact()

    def _in_doubt(self) -> bool:
        image = self._nor.read(self._bases[self._area], self._geometry.used_bytes)
        return image[OPEN] != 0xFF or bool(super()._replay(image))


@broken("_store")
class NeverSatisfied(NorAtoms):
    """A boot compacts until it finds nothing in doubt, and opens the log each time."""

    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        while self._opened:
            super().boot()
        self._booting = False

    def _compact(self) -> None:
        super()._compact()
        if self._booting:
            self._mark(OPEN)
            self._opened = True


@broken("_store")
class OutlivesPower(NorAtoms):
    """What the first boot has read is kept in a global, where later boots find it."""

    known: ClassVar[dict[NorFlash, dict[str, object]]] = {}

    def boot(self) -> None:
        if self._nor not in self.known:
            super().boot()
            names = ("atoms", "_area", "_generation", "_used", "_opened")
            self.known[self._nor] = {name: getattr(self, name) for name in names}
        for name, value in self.known[self._nor].items():
            setattr(self, name, value)


@broken("_store")
class ReadsTwice(NorAtoms):
    """A boot reads the log twice: once to check it, and once more to take it over."""

    def _replay(self, image: bytes) -> int:
        good = super()._replay(image)
        again = self._nor.read(self._bases[self._area], self._geometry.used_bytes)
        for at in self._geometry.slots[:good]:
            (atom,) = NOR_RECORD.unpack(again, at)
            if atom < self.count:
                self.atoms[atom] = again[at + 2 : at + 2 + self.atom_bytes]
        return good
