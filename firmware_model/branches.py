"""The branches of a boot: the one table of them, by what they belong to.

The firmware says at each which way it goes (``core.takes``); the bench counts which ways its crash states have led to,
and names those that none did.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.hwsim.core import Branch

NO_AREA: Final = Branch("no area", "no NOR area passes its check")
PROVEN: Final = Branch("proven", "the newest NOR area is proven")
UNPROVEN: Final = Branch("unproven", "the newest NOR area is not proven: its checkpoint is programmed once more")
REPLAYED: Final = Branch("log replayed", "there are records in the log: it is compacted")
OPENED: Final = Branch("log opened", "the log was opened and has no good record: it is compacted")
HALF_BORN: Final = Branch("half-born area", "the other NOR area is not the predecessor: it is compacted into")
QUIET: Final = Branch("nothing in doubt", "the NOR store writes nothing")
NO_CHECKPOINT: Final = Branch("no checkpoint", "no checkpoint of a translation layer counts")
CHECKPOINT_ALONE: Final = Branch("checkpoint alone", "nothing was written after the checkpoint: nothing is written now")
UNSETTLED: Final = Branch("checkpoint unsettled", "the checkpoint might not count next time: it is written anew")
TAIL_WHOLE: Final = Branch("tail whole", "the last page of the log is whole: it is written once more, and a checkpoint")
TAIL_TORN: Final = Branch("tail torn", "the last page of the log is torn, or no data: a checkpoint is written")
ATOMS_GOOD: Final = Branch("atoms good", "every atom on NAND flash passes its check")
ATOM_LOST: Final = Branch("atom lost", "an atom on NAND flash cannot be read, or fails its check")
BOTH_SLOTS: Final = Branch("both slots good", "every atom has two good slots")
ONE_SLOT: Final = Branch("one slot good", "an atom has only one good slot")
NO_SLOT: Final = Branch("no slot good", "an atom has no good slot: it is lost")
IDLE: Final = Branch("flag idle", "no save or restore was cut")
SWITCHING: Final = Branch("flag switching", "a save was cut while VSM was switched")
CLEARING: Final = Branch("flag clearing", "a save or restore was cut while DDM was cleared")
CAUGHT_UP: Final = Branch("missed commands", "a unit has missed a save or restore")
MAPS_LOST: Final = Branch("maps lost", "map entries have no good copy: read-only")
LABELS_LEVEL: Final = Branch("labels level", "every label is as the identity says")
LABEL_AHEAD: Final = Branch("label ahead", "an update of labels was cut: it is finished")
REFUSED: Final = Branch("device refused", "a label is missing, of another volume or place, or stale")
REMOTE_DONE: Final = Branch("remote idle", "the last command of the remote is done")
REMOTE_PENDING: Final = Branch("remote pending", "a command of the remote was accepted, and is done now")
REMOTE_LOST: Final = Branch("remote lost", "what the remote was promised has no good copy")

OF_STORE: Final[Mapping[StoreKind, tuple[Branch, ...]]] = MappingProxyType(
    {
        StoreKind.NOR: (NO_AREA, PROVEN, UNPROVEN, REPLAYED, OPENED, HALF_BORN, QUIET),
        StoreKind.NVRAM: (BOTH_SLOTS, ONE_SLOT, NO_SLOT),
        StoreKind.DISK: (BOTH_SLOTS, ONE_SLOT, NO_SLOT),
        StoreKind.NAND: (ATOMS_GOOD, ATOM_LOST),
    }
)
OF_SCHEME: Final[Mapping[str, tuple[Branch, ...]]] = MappingProxyType(
    {
        "plain": (),
        "flagged": (IDLE, SWITCHING, CLEARING),
        "versioned": (IDLE, CLEARING, CAUGHT_UP),
        "history": (IDLE, CAUGHT_UP),
    }
)
OF_LABELS: Final = (LABELS_LEVEL, LABEL_AHEAD, REFUSED)
OF_REMOTE: Final = (REMOTE_DONE, REMOTE_PENDING, REMOTE_LOST)
FLAGS: Final = (IDLE, SWITCHING, CLEARING)
"""What the save flag says."""


def branches_of(config: FirmwareConfig) -> tuple[Branch, ...]:
    """All that a boot of this firmware has; of a scheme of somebody's own, those of the store and the labels."""
    remote = OF_REMOTE if config.remote is not None else ()
    return (*OF_STORE[config.store], *OF_SCHEME.get(config.scheme, ()), MAPS_LOST, *OF_LABELS, *remote)
