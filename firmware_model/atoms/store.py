"""What the schemes ask of a medium: an array of atoms.

Torn, unstable and half-erased cells are this level's affair.  A scheme relies on two things only: ``write`` leaves the
atom old or new, whatever happens, and once it has returned the atom is new for good.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from deltabench.firmware_model.errors import AtomLostError
from deltabench.hwsim.core import IDLE_CORE, Core


class AtomStore(ABC):
    """``count`` atoms of ``atom_bytes`` bytes.  Media are read once, by ``boot``; ``read`` answers from RAM.

    ``core`` is the processor that the work costs cycles of.
    """

    def __init__(self, count: int, atom_bytes: int, core: Core = IDLE_CORE) -> None:
        self.count = count
        self.atom_bytes = atom_bytes
        self.core = core
        self.atoms: list[bytes | None] = []

    @abstractmethod
    def format(self, atoms: Sequence[bytes]) -> None:
        """Factory initialisation, with power assured."""

    @abstractmethod
    def boot(self) -> None:
        """Read the medium and make durable what was decided about anything a cut left in doubt (rule 5)."""

    @abstractmethod
    def write(self, index: int, data: bytes) -> None:
        """Replace atom ``index``, atomically and durably."""

    def read(self, index: int) -> bytes:
        """Atom ``index``; raises AtomLostError if no copy of it passed its check."""
        atom = self.atoms[index]
        if atom is None:
            raise AtomLostError(f"no good copy of atom {index}")
        return atom

    def padded(self, data: bytes) -> bytes:
        """``data`` filled up with zero bytes to an atom."""
        assert len(data) <= self.atom_bytes, "a structure must fit its atom"
        return data.ljust(self.atom_bytes, b"\0")
