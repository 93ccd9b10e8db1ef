"""Mistakes in the atom store on NOR flash: a checkpoint that forgets something.

They show only where the log fills up while what is forgotten matters, as in the middle of a save.
"""

from __future__ import annotations

from collections.abc import Iterator

from deltabench.firmware_model.atoms.nor import NorAtoms
from deltabench.firmware_model.formats import CONTROL, HISTORY_SYSTEM, IDENTITY, SYSTEM
from deltabench.firmware_model.schemes.flagged import SWITCHING
from deltabench.scenarios.mutants.broken_part import broken

IDENTITY_ATOM = 0
SYSTEM_ATOM = 1
"""Of each scheme: ``flagged`` calls it control."""
FIRST_BLOCK = 2
FLAGGED_BLOCKS = 3
"""VSM blocks, and DDM blocks, of 64 units in atoms of 10 bytes."""


class Forgets(NorAtoms):
    """Base of mistakes: a checkpoint has ``_forgotten`` in the place of some atoms."""

    def _compact(self) -> None:
        kept = list(self.atoms)
        for atom, image in self._forgotten():
            self.atoms[atom] = image.ljust(self.atom_bytes, b"\0")
        super()._compact()
        self.atoms = kept

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        raise NotImplementedError


@broken("_store")
class CkptDropsFlag(Forgets):
    """A checkpoint forgets the save flag of ``flagged``."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield SYSTEM_ATOM, b"\0" + self.read(SYSTEM_ATOM)[1:]


@broken("_store")
class CkptDropsProgress(Forgets):
    """A checkpoint forgets how far a save has come."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        control = self.read(SYSTEM_ATOM)
        if control[0] == SWITCHING:
            yield SYSTEM_ATOM, control[:1] + b"\0\0" + control[3:]


@broken("_store")
class CkptDropsTarget(Forgets):
    """A checkpoint forgets what the VSM block that is being switched is to hold."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        control = self.read(SYSTEM_ATOM)
        if control[0] == SWITCHING:
            yield SYSTEM_ATOM, control[: CONTROL.fixed_bytes]


@broken("_store")
class CkptDropsVsm(Forgets):
    """A checkpoint forgets the last VSM block."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield FIRST_BLOCK + FLAGGED_BLOCKS - 1, b""


@broken("_store")
class CkptDropsDdm(Forgets):
    """A checkpoint forgets the first DDM block."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield FIRST_BLOCK + FLAGGED_BLOCKS, b""


@broken("_store")
class CkptDropsIdentity(Forgets):
    """A checkpoint forgets which volume the labels must name."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield IDENTITY_ATOM, b""


@broken("_store")
class CkptDropsLabelVersion(Forgets):
    """A checkpoint forgets which system version the labels must have."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        volume_id, _ = IDENTITY.unpack(self.read(IDENTITY_ATOM))
        yield IDENTITY_ATOM, IDENTITY.pack(volume_id, 0)


@broken("_store")
class CkptDropsVersion(Forgets):
    """A checkpoint forgets the last save: its system version is one too low."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        system = self.read(SYSTEM_ATOM)
        version, flag = SYSTEM.unpack(system)
        yield SYSTEM_ATOM, SYSTEM.pack(max(version - 1, 0), flag)


@broken("_store")
class CkptDropsRestoreFlag(Forgets):
    """A checkpoint forgets that a restore has begun."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        version, _ = SYSTEM.unpack(self.read(SYSTEM_ATOM))
        yield SYSTEM_ATOM, SYSTEM.pack(version, 0)


@broken("_store")
class CkptDropsEntries(Forgets):
    """A checkpoint forgets the last entry block."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield self.count - 1, b""


@broken("_store")
class CkptDropsUnitVersions(Forgets):
    """A checkpoint keeps the map bits of units, and forgets their versions."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        for block in range(FIRST_BLOCK, self.count):
            yield block, self.read(block)[:2]


@broken("_store")
class CkptDropsHistory(Forgets):
    """A checkpoint keeps the system version, and forgets which commands made it."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield SYSTEM_ATOM, self.read(SYSTEM_ATOM)[: HISTORY_SYSTEM.fixed_bytes]


@broken("_store")
class CkptDropsRemote(Forgets):
    """A checkpoint forgets what the remote's last request was."""

    def _forgotten(self) -> Iterator[tuple[int, bytes]]:
        yield self.count - 1, b""
