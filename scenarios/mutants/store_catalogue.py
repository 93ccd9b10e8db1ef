"""The part of the catalogue that is about atom stores."""

from __future__ import annotations

from functools import partial
from typing import Final

from deltabench.firmware_model.config import StoreKind
from deltabench.scenarios.mutants import broken_checkpoint as checkpoint
from deltabench.scenarios.mutants import broken_compaction as compaction
from deltabench.scenarios.mutants import broken_nor as nor
from deltabench.scenarios.mutants import broken_twin as twin
from deltabench.scenarios.mutants import rules, settings
from deltabench.scenarios.mutants.mutant import Mutant

_log = partial(Mutant, part="NOR map store: log", breaks=rules.SUSPECT, stores=(StoreKind.NOR,))
_area = partial(Mutant, part="NOR map store: areas", breaks=rules.SECOND_COPY, stores=(StoreKind.NOR,))
_drops = partial(Mutant, part="NOR map store: checkpoints", breaks=rules.SECOND_COPY, stores=(StoreKind.NOR,))
_twin = partial(
    Mutant, part="NVRAM and disk map stores", breaks=rules.SECOND_COPY, stores=(StoreKind.NVRAM, StoreKind.DISK)
)

TEARS: Final = "on disk, drives that leave a torn sector uncorrectable: one that is old or new needs no second copy"

STORE_MUTANTS: Final = (
    _log(nor.ReuseTorn),
    _log(nor.StopAtTorn),
    _log(nor.FreeByType),
    _log(nor.TrustsLastRecord),
    _log(nor.ServesBeforeDurable),
    _log(nor.NoRecordCrc, breaks=rules.SECOND_COPY),
    _log(nor.IgnoresOpen),
    _log(nor.OpensLate),
    _log(
        nor.OpensEarly,
        breaks="",
        equivalent="``open`` makes a boot compact, and nothing else; a compaction may be cut anywhere. It wears more.",
    ),
    _log(nor.ReplayMissesLast, breaks=rules.SECOND_COPY),
    _log(nor.OneRecordIsNone, breaks=rules.SECOND_COPY),
    _log(nor.ReliesOnUnproven),
    _log(nor.ProvesUnread),
    _log(nor.ErasesHalfBorn, under=settings.TWO_CUTS, needs="a cut in a recovery, and one more boot"),
    _log(nor.IgnoresOther, under=settings.TWO_CUTS, needs="a cut in a recovery, and one more boot"),
    _log(nor.NeverSatisfied, breaks=rules.BOUNDED),
    _log(nor.ReadsTwice),
    _log(nor.OutlivesPower),
    _area(compaction.NoImageCrc),
    _area(compaction.SingleCopy),
    _area(compaction.ErasesBothAreas),
    _area(
        compaction.ErasesPredecessor,
        breaks="",
        under=settings.TWO_CUTS,
        needs="cuts in a row, which its argument is about",
        equivalent="The checkpoint's program has returned before the erase begins, so that it is stable; the mark only "
        "tells the next boot so, which otherwise programs it anew. A boot that finds no predecessor compacts.",
    ),
    _area(
        compaction.HeaderBeforeCheckpoint,
        breaks="",
        equivalent="The CRC in the header is of the checkpoint, too, so that a header alone is no area; and ``proven`` "
        "comes when both programs have returned.",
    ),
    _area(compaction.FirstAreaWins),
    _area(compaction.SkipEraseHeader, breaks=rules.SUSPECT),
    _area(compaction.SkipErase, breaks=rules.SUSPECT),
    _area(compaction.SkipEraseBlank, breaks=rules.SUSPECT),
    _area(compaction.ReuseSeq),
    _area(compaction.ProvenWithCheckpoint, breaks=rules.SUSPECT),
    _area(
        compaction.NeverProves,
        breaks="",
        equivalent="A boot that does not find ``proven`` programs the checkpoint anew before it relies on it, each "
        "time: the same bits, so that nothing can change by it. Boots wear more.",
    ),
    _area(compaction.NoSeqSalt),
    _area(compaction.CkptDropsRecord),
    _drops(checkpoint.CkptDropsFlag, schemes=("flagged",)),
    _drops(checkpoint.CkptDropsProgress, schemes=("flagged",)),
    _drops(checkpoint.CkptDropsTarget, schemes=("flagged",)),
    _drops(checkpoint.CkptDropsVsm, schemes=("flagged",)),
    _drops(checkpoint.CkptDropsDdm, schemes=("flagged",)),
    _drops(checkpoint.CkptDropsIdentity),
    _drops(checkpoint.CkptDropsLabelVersion),
    _drops(checkpoint.CkptDropsVersion, schemes=("versioned",)),
    _drops(checkpoint.CkptDropsRestoreFlag, schemes=("versioned",)),
    _drops(checkpoint.CkptDropsEntries, schemes=("versioned", "history")),
    _drops(checkpoint.CkptDropsUnitVersions, schemes=("versioned", "history")),
    _drops(checkpoint.CkptDropsHistory, schemes=("history",)),
    _drops(checkpoint.CkptDropsRemote, under=settings.REMOTE, schemes=("flagged",), needs="a remote"),
    _twin(twin.OverwritesCopyInForce, under=settings.TORN_SECTORS, needs=TEARS),
    _twin(twin.OneSlot, under=settings.TORN_SECTORS, needs=TEARS),
    _twin(
        twin.NoSlotCrc,
        stores=(StoreKind.NVRAM,),
        needs="copies that stop at a word: of a disk's sector power loss leaves the old, the new, or an error, so that "
        "there its CRC is for other faults",
    ),
    _twin(twin.SequenceStands),
    _twin(twin.SequenceOfOneByte, under=settings.WRAP, needs="an atom that is written 256 times"),
    _twin(twin.OlderSlotCounts),
    _twin(twin.SequenceUnread),
    _twin(twin.CachesSlots, stores=(StoreKind.DISK,)),
    _twin(twin.OverwritesGoodSlot, under=settings.TORN_SECTORS, needs=TEARS),
)
