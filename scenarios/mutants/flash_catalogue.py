"""The part of the catalogue that is about the translation layer over NAND flash."""

from __future__ import annotations

from functools import partial
from typing import Final

from deltabench.firmware_model.config import StoreKind
from deltabench.scenarios.mutants import broken_mount as mount
from deltabench.scenarios.mutants import broken_translation as layer
from deltabench.scenarios.mutants import flash_settings as settings
from deltabench.scenarios.mutants import rules
from deltabench.scenarios.mutants.mutant import Mutant

SMALL: Final = "NAND flash, so small and full that its garbage is collected"
TWICE: Final = "NAND flash, and cuts in a row"
FAILS: Final = "blocks that fail"
FLIPS: Final = "bits that flip"
_flash = partial(Mutant, stores=(StoreKind.NAND,), under=settings.FLASH, needs=SMALL)
_mount = partial(_flash, part="NAND translation layer: mount", breaks=rules.SUSPECT)
_twice = partial(_mount, under=settings.FLASH_TWO_CUTS, needs=TWICE, schemes=("flagged",))
_log = partial(_flash, part="NAND translation layer: log", breaks=rules.SUSPECT)
_checkpoint = partial(_flash, part="NAND translation layer: checkpoints", breaks=rules.SECOND_COPY)
_collect = partial(_flash, part="NAND translation layer: garbage collection", breaks=rules.SECOND_COPY)
_bad = partial(
    _flash,
    part="NAND translation layer: bad blocks and bits",
    breaks=rules.HONEST,
    under=settings.PROGRAM_FAILS,
    needs=FAILS,
)

FLASH_MUTANTS: Final = (
    _mount(mount.ComparesSequencesPlainly, breaks=rules.SECOND_COPY),
    _mount(mount.TrustsTornTail),
    _mount(mount.TrustsReadableTail),
    _mount(mount.DropsTail, breaks=rules.ACKNOWLEDGED),
    _mount(mount.RereadsTail),
    _mount(mount.IgnoresLog, breaks=rules.ACKNOWLEDGED),
    _mount(mount.ReplaysNewestFirst, breaks=rules.ACKNOWLEDGED),
    _mount(
        mount.ReplaysByPlace,
        breaks=rules.ACKNOWLEDGED,
        under=settings.LONG_LOG,
        needs="a log of so many blocks that their order is not that of their numbers",
    ),
    _mount(mount.ReplaysHalfBlocks, breaks=rules.ACKNOWLEDGED),
    _mount(mount.GoesOnQuietly),
    _mount(mount.ServesBeforeFirm),
    _mount(
        mount.SparesUnchecked,
        breaks="",
        equivalent="The spare bytes are a codeword of their own: power loss leaves them blank, whole or beyond "
        "correction, and the ECC says which. Their CRC is for faults beyond that, as a codeword miscorrected.",
    ),
    _mount(mount.OldestCheckpointCounts, breaks=rules.SECOND_COPY),
    _twice(mount.OneCopySettles),
    _log(layer.AcknowledgesBeforeProgram, breaks=rules.ACKNOWLEDGED),
    _log(layer.TrustsBlankBlock),
    _log(layer.TrustsBlankHeader),
    _log(layer.BlockSequenceStands),
    _log(layer.PairedPagesIgnored, under=settings.MLC, needs="MLC NAND flash, whose pages share cells"),
    _log(
        layer.PartialWriteForgetsRest,
        breaks=rules.ACKNOWLEDGED,
        under=settings.LARGE_PAGES,
        needs="pages of several sectors",
    ),
    _checkpoint(layer.MapsBeforeData, breaks=rules.DATA_FIRST),
    _checkpoint(layer.CheckpointStale),
    _checkpoint(layer.CheckpointDropsLastBlock),
    _checkpoint(
        layer.ReleasesCheckpointEarly,
        schemes=("flagged",),
        needs="so many atoms written between two boots that a checkpoint is due, which only `flagged` writes here",
    ),
    _collect(layer.ErasesBeforeCopies),
    _collect(layer.CollectsAllButOne, breaks=rules.ACKNOWLEDGED),
    _collect(
        layer.TakesMostWorn,
        breaks="",
        equivalent="Which of the free blocks is taken changes nothing that a host could read; it wears them unevenly, "
        "which `deltabench measure` and `endure` show.",
    ),
    _bad(layer.IgnoresProgramStatus),
    _bad(layer.IgnoresEraseStatus, under=settings.ERASE_FAILS),
    _bad(layer.FailedBlockStaysFree, under=settings.ERASE_FAILS),
    _bad(layer.LeavesFailedBlock, breaks=rules.ACKNOWLEDGED),
    _bad(layer.CheckpointDropsBadBlocks, under=settings.ERASE_FAILS),
    _bad(mount.ForgetsBadBlocks, under=settings.ERASE_FAILS),
    _bad(layer.NeverReadOnly, under=settings.WORN_OUT, needs="more blocks that fail than there are to spare"),
    _bad(
        layer.CopiesErrorsAway,
        under=settings.LARGE_FLIPPED,
        needs="bits that flip in a page of several sectors",
    ),
    _bad(layer.SaysNothingOfPageBefore, under=settings.FLIPPED, needs=FLIPS),
    _bad(mount.PassesOverHoles, under=settings.FLIPPED, needs=FLIPS),
    _bad(
        layer.PartialWriteHealsPage,
        under=settings.LARGE_FLIPPED,
        needs="bits that flip in a page of several sectors",
    ),
    _bad(layer.NeverScrubs, under=settings.AGED, needs="flash that is years old"),
)
