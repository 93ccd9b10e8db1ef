"""The catalogue: each mutant once, with the rule that it breaks and what it is explored under.

The class says in its docstring what the mistake is; docs/mutants.md has the rules.  A scheme's mistakes are explored on
each store, a store's with each scheme, all others with each scheme on each store, unless their row says why not.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from deltabench.firmware_model.config import StoreKind
from deltabench.scenarios.mutants import broken_controller as controller
from deltabench.scenarios.mutants import broken_flagged as flagged
from deltabench.scenarios.mutants import broken_labels as labels
from deltabench.scenarios.mutants import broken_redirect as redirect
from deltabench.scenarios.mutants import broken_remote as remote
from deltabench.scenarios.mutants import broken_versions as versions
from deltabench.scenarios.mutants import rules, settings
from deltabench.scenarios.mutants.flash_catalogue import FLASH_MUTANTS
from deltabench.scenarios.mutants.mutant import Mutant
from deltabench.scenarios.mutants.store_catalogue import STORE_MUTANTS

_flagged = partial(Mutant, part="map scheme flagged", breaks=rules.WHOLE, schemes=("flagged",))
_versioned = partial(Mutant, part="map scheme versioned", breaks=rules.WHOLE, schemes=("versioned",))
_history = partial(Mutant, part="map scheme history", breaks=rules.WHOLE, schemes=("history",))
_path = partial(Mutant, part="data and maps", breaks=rules.DATA_FIRST)
_label = partial(
    Mutant, part="device labels", breaks=rules.LABELS, under=settings.HANDS, needs="somebody's hands on the disks"
)
_cache = partial(
    Mutant, part="write cache and commands", breaks=rules.ACKNOWLEDGED, under=settings.WRITE_BACK, needs="a write cache"
)
_switch = partial(
    Mutant, part="switches", breaks=rules.COMMANDS, under=settings.SWITCHES, needs="somebody who presses them"
)
_remote = partial(
    Mutant,
    part="remote",
    breaks=rules.REMOTE,
    under=settings.REMOTE,
    schemes=("flagged",),
    stores=(StoreKind.NOR,),
    needs="a remote; what it is told has one atom, which is alike in all schemes and stores",
)

SCHEME_MUTANTS: Final = (
    _flagged(flagged.PlainMaps),
    _flagged(flagged.NoFlag),
    _flagged(flagged.FlagAfterSwitch),
    _flagged(flagged.FlagsNextBlock),
    _flagged(flagged.NoStatus),
    _flagged(flagged.NoTarget),
    _flagged(flagged.ProgressOneBehind),
    _flagged(flagged.ProgressOneAhead),
    _flagged(flagged.RedoesOneBlock),
    _flagged(flagged.SkipsRedo),
    _flagged(flagged.UndoesClearing),
    _flagged(flagged.ClearingEarly),
    _flagged(
        flagged.NeverClearing,
        breaks="",
        equivalent="What the last VSM block is to hold is in the control atom: a boot that finds it named writes the "
        "same again, finds no block behind it that is to change, and clears DDM.",
    ),
    _flagged(flagged.RestoreUnflagged),
    _flagged(flagged.RestoreFlagLate),
    _flagged(flagged.ClearBeforeFlag),
    _flagged(flagged.ClearsFlagLate),
    _flagged(flagged.VolSwap),
    _flagged(flagged.RamOnlyRecover),
    _flagged(flagged.VersionStands, breaks=rules.LABELS, under=settings.HANDS, needs="a stale device"),
    _flagged(flagged.OnlyFirstMapBlock, breaks=rules.ACKNOWLEDGED),
    _versioned(versions.RestoreWithoutFlag),
    _versioned(versions.RestoreFlagBehindFirst),
    _versioned(versions.RestoreFlagCleared),
    _versioned(versions.RestoreFlagStays),
    _versioned(versions.RestoreFlagClearedLate),
    _versioned(versions.FinishesRestoreInRam),
    _versioned(versions.IgnoresRestoreFlag),
    _versioned(versions.SaveInRam, breaks=rules.ACKNOWLEDGED),
    _versioned(versions.DropsMissedSave),
    _versioned(versions.FlipsPerMissedSave),
    _versioned(versions.StampsWholeBlock),
    _versioned(versions.StampsNothing),
    _versioned(versions.StampsNextVersion),
    _versioned(versions.StampFirst),
    _versioned(
        versions.NoScrub, breaks=rules.VERSIONS, under=settings.WRAP, needs="so many versions that they come round"
    ),
    _versioned(
        versions.ScrubTooSeldom,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
    _versioned(
        versions.ScrubMissesLastBlock,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
    _history(versions.LastMissed),
    _history(versions.HistoryOffByOne),
    _history(versions.HistoryInTwoSteps),
    _history(versions.RestoreInRam, breaks=rules.ACKNOWLEDGED),
    _history(
        versions.NoHistoryScrub,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
    _history(
        versions.LateHistoryScrub,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
    _history(
        versions.ScrubBehindCommand,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
    _history(
        versions.HistoryBitStays,
        breaks=rules.VERSIONS,
        under=settings.WRAP,
        needs="so many versions that they come round",
    ),
)

CONTROLLER_MUTANTS: Final = (
    _path(redirect.DdmFirst),
    _path(redirect.ForgetsTheRest),
    _path(redirect.CopiesTooLittle),
    _path(redirect.CopiesBehindMap),
    _path(redirect.CopiesEachTime),
    _path(redirect.CopiesFirstUnit),
    _path(redirect.CopiesFromSecondary),
    _path(redirect.WritesInPlace, breaks=rules.SAVE_POINT),
    _path(redirect.MarksFirstUnit, breaks=rules.ACKNOWLEDGED),
    _path(redirect.NeverMarks, breaks=rules.ACKNOWLEDGED),
    _path(redirect.NoFlush),
    _path(redirect.FlushesOneDisk),
    _path(redirect.FlushesLate),
    _label(labels.LabelsStand),
    _label(labels.LabelsUnread),
    _label(
        labels.PlaceUnread,
        stores=(StoreKind.NVRAM, StoreKind.NOR),
        needs="somebody's hands on the disks, and maps elsewhere: on disk they are swapped, too, and not found",
    ),
    _label(labels.VersionUnread),
    _label(labels.OlderWillDo),
    _label(labels.BlankIsWelcome),
    _label(labels.IdentityFirst, under=settings.STANDARD, needs=""),
    _label(labels.LabelsLeftAhead, under=settings.STANDARD, needs=""),
    _label(controller.ServesRefused),
    _cache(controller.AcknowledgesEarly, under=settings.STANDARD, needs=""),
    _cache(controller.IgnoresFua),
    _cache(controller.FuaLeavesCache),
    _cache(controller.IgnoresFlush),
    _cache(controller.FlushesHalf),
    _cache(controller.FullCacheForgets),
    _cache(controller.ReadsPastCache),
    _cache(controller.SaveForgetsCache),
    _cache(controller.SavesBeforeFlush),
    _cache(controller.RestoreKeepsCache),
    _cache(controller.CacheOutlivesRestore),
    _cache(
        controller.SavesTwice,
        breaks="",
        under=settings.STANDARD,
        needs="",
        equivalent="After the first save DDM is 0, and a save with DDM = 0 changes neither image; a cut between the "
        "two leaves the first one done, as it may. Only the system version counts one more.",
    ),
    _cache(controller.SavesOnBoot, breaks=rules.WHOLE, under=settings.STANDARD, needs=""),
    _cache(controller.RestoresOnBoot, breaks=rules.WHOLE, under=settings.STANDARD, needs=""),
    _switch(controller.NoDebouncer),
    _switch(controller.ReleaseCounts),
    _switch(controller.SwapsSwitches),
    _switch(controller.HeldCounts, under=settings.HELD, needs="a switch that is stuck closed"),
    _remote(remote.CountsLate),
    _remote(remote.DoneBeforeCommand),
    _remote(remote.AnswersEarly),
    _remote(remote.FlushesBehindCommit),
    _remote(remote.CountsInRam),
    _remote(remote.DoneInRam),
    _remote(remote.ForgetsPending),
    _remote(remote.FinishesInRam),
    _remote(remote.TrustsAnyTag),
    _remote(remote.ComparesPrefix),
    _remote(remote.ComparesWhatIsThere),
    _remote(remote.TagsTheCounterOnly),
    _remote(remote.TakesAnswersForRequests),
    _remote(remote.EqualIsNew),
    _remote(remote.OtherIsNew),
    _remote(remote.NearlyNewIsNew),
    _remote(remote.AnswersReplays),
    _remote(remote.CountsNoReplays),
    _remote(remote.SilentToDuplicates),
    _remote(remote.HoardsBytes),
    _remote(remote.DeafAfterOverrun),
    _remote(remote.DeafAfterNoise),
)

MUTANTS: Final = (*SCHEME_MUTANTS, *STORE_MUTANTS, *CONTROLLER_MUTANTS, *FLASH_MUTANTS)
