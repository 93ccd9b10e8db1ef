"""Broken twins of our firmware: each makes one mistake, and the bench must catch each under its standard settings.

Some mistakes do no harm in this firmware, because something else stands in for what is left out.  They are here in a
form that does:

* Records need not be bound to a generation, because an area is erased before it is used: NoSeqSalt is careless of that.
* A boot may leave ``proven`` unset, because each boot then programs the checkpoint anew: ProvesUnread sets ``proven``.
* One slot for an atom does where a sector is old or new as a whole: OverwritesSectorInForce meets drives that tear it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec, SwitchSpec
from deltabench.hwsim.disk import TornSector
from deltabench.scenarios.scenario import (
    By,
    Document,
    Flush,
    Hostile,
    Idle,
    Mix,
    Power,
    PowerCycle,
    PutBack,
    Radio,
    Random,
    Restore,
    Save,
    Scenario,
    Snapshot,
    Step,
    Swap,
    Variant,
    Write,
)
from deltabench.scenarios.session import Session

HERE = Path(__file__)
"""The modules of broken classes lie beside this file, where a scenario file would have its guests."""
SCHEMES = "broken_schemes"


def random_commands(count: int) -> Random:
    return Random(
        commands=count, most_sectors=3, mix=Mix(write=60, fua=10, read=8, flush=6, save=9, restore=7, crash=5)
    )


STANDARD: tuple[Step, ...] = (random_commands(40), PowerCycle(), random_commands(40))
WRAP: tuple[Step, ...] = (Write(lba=0), *(Save() for _ in range(257)), Write(lba=100))
"""A unit is left alone while the versions of eight bits come round."""
RING: tuple[Step, ...] = (Write(lba=0), Save(), *(Restore() for _ in range(33)), Write(lba=100))
"""A unit is left alone while the command history, of 32 commands, comes round."""
REWRITE: tuple[Step, ...] = (Write(lba=3), Write(lba=3, fua=True), Flush(), Write(lba=4))
STALE: tuple[Step, ...] = (
    Write(lba=1), Save(), Write(lba=2), Snapshot(device="disk1"), Save(), Write(lba=1), PutBack(device="disk1"),
    PowerCycle(refused=True),
)  # fmt: skip
SWAPPED: tuple[Step, ...] = (Write(lba=1), Swap(devices=("disk0", "disk1")), PowerCycle(refused=True))
PRESSES: tuple[Step, ...] = (
    Write(lba=1), Save(by=By.SWITCH), Write(lba=1), Restore(by=By.SWITCH), Write(lba=2),
)  # fmt: skip
REMOTE: tuple[Step, ...] = (
    Write(lba=1), Save(by=By.REMOTE), Write(lba=1), Restore(by=By.REMOTE), Write(lba=2, count=3),
    *(Radio(frame=frame) for frame in Hostile), Save(by=By.REMOTE), Write(lba=2), Save(), Write(lba=1), PowerCycle(),
    Write(lba=3), Restore(by=By.REMOTE),
)  # fmt: skip
HALF_CACHED: tuple[Step, ...] = (Write(lba=1, fua=True), Write(lba=5), Save(by=By.REMOTE))
HELD: tuple[Step, ...] = (Write(lba=1), Save(), Write(lba=1), PowerCycle(), Idle(ms=50))


class Settings(NamedTuple):
    """What a mutant is explored under: the standard, but for what it needs to do harm."""

    scheme: str = "flagged"
    store: StoreKind = StoreKind.NOR
    cache: CacheMode = CacheMode.WRITE_THROUGH
    steps: tuple[Step, ...] = STANDARD
    depth: int = 1
    torn_sector: TornSector = TornSector.OLD_OR_NEW
    stuck: str | None = None
    remote: str | None = None


NOR = Settings()
NVRAM = Settings(store=StoreKind.NVRAM)
DISK_STORE = Settings(store=StoreKind.DISK)
WRITE_BACK = Settings(cache=CacheMode.WRITE_BACK)
VERSIONED = Settings(scheme="versioned")
HISTORY = Settings(scheme="history")
RADIO = Settings(steps=REMOTE, remote="radio")

MUTANTS = {
    "broken_nor:ReuseTorn": NOR,
    "broken_nor:StopAtTorn": NOR,
    "broken_nor:FreeByType": NOR,
    "broken_nor:TrustsLastRecord": NOR,
    "broken_nor:ServesBeforeDurable": NOR,
    "broken_nor:NoRecordCrc": NOR,
    "broken_nor:IgnoresOpen": NOR,
    "broken_nor:ReliesOnUnproven": NOR,
    "broken_nor:ProvesUnread": NOR,
    "broken_nor:ErasesHalfBorn": NOR._replace(steps=(random_commands(20),), depth=2),
    "broken_nor:IgnoresOther": NOR._replace(steps=(random_commands(8),), depth=2),
    "broken_nor:NeverSatisfied": NOR,
    "broken_nor:ReadsTwice": NOR,
    "broken_nor:OutlivesPower": NOR,
    "broken_compaction:NoImageCrc": NOR,
    "broken_compaction:CkptDropsFlag": NOR,
    "broken_compaction:CkptDropsProgress": NOR,
    "broken_compaction:CkptDropsRecord": NOR,
    "broken_compaction:SingleCopy": NOR,
    "broken_compaction:SkipEraseHeader": NOR,
    "broken_compaction:SkipErase": NOR,
    "broken_compaction:SkipEraseBlank": NOR,
    "broken_compaction:ReuseSeq": NOR,
    "broken_compaction:ProvenWithCheckpoint": NOR,
    "broken_compaction:NoSeqSalt": NOR,
    "broken_twin:OverwritesCopyInForce": NVRAM,
    "broken_twin:OverwritesSectorInForce": DISK_STORE._replace(torn_sector=TornSector.UNCORRECTABLE),
    "broken_twin:NoSlotCrc": NVRAM,
    "broken_twin:SequenceStands": NVRAM,
    "broken_twin:CachesSlots": DISK_STORE,
    "broken_twin:OverwritesGoodSlot": NVRAM,
    "broken_twin:OverwritesGoodSector": DISK_STORE._replace(torn_sector=TornSector.UNCORRECTABLE),
    "broken_schemes:NoFlag": NOR,
    "broken_schemes:NoStatus": NOR,
    "broken_schemes:NoTarget": NOR,
    "broken_schemes:RedoesOneBlock": NOR,
    "broken_schemes:ClearBeforeFlag": NOR,
    "broken_schemes:VolSwap": NOR,
    "broken_schemes:RamOnlyRecover": NOR,
    "broken_schemes:RestoreWithoutFlag": VERSIONED,
    "broken_schemes:DropsMissedSave": VERSIONED,
    "broken_schemes:StampsWholeBlock": VERSIONED,
    "broken_schemes:NoScrub": VERSIONED._replace(store=StoreKind.DISK, steps=WRAP),
    "broken_schemes:LastMissed": HISTORY,
    "broken_schemes:NoHistoryScrub": HISTORY._replace(steps=RING),
    "broken_schemes:LateHistoryScrub": HISTORY._replace(steps=RING),
    "broken_schemes:HistoryInTwoSteps": HISTORY,
    "broken_redirect:DdmFirst": NOR,
    "broken_redirect:ForgetsTheRest": NOR,
    "broken_redirect:CopiesTooLittle": NOR,
    "broken_redirect:CopiesFromSecondary": NOR,
    "broken_redirect:WritesInPlace": NOR,
    "broken_redirect:NoFlush": WRITE_BACK,
    "broken_redirect:FlushesOneDisk": WRITE_BACK,
    "broken_redirect:FlushesLate": WRITE_BACK,
    "broken_redirect:LabelsStand": NOR._replace(steps=STALE),
    "broken_redirect:LabelsUnread": NOR._replace(steps=SWAPPED),
    "broken_redirect:IdentityFirst": NOR,
    "broken_redirect:LabelsLeftAhead": NOR,
    "broken_controller:AcknowledgesEarly": NOR,
    "broken_controller:IgnoresFua": WRITE_BACK,
    "broken_controller:FuaLeavesCache": WRITE_BACK._replace(steps=REWRITE),
    "broken_controller:IgnoresFlush": WRITE_BACK,
    "broken_controller:SaveForgetsCache": WRITE_BACK,
    "broken_controller:RestoreKeepsCache": WRITE_BACK,
    "broken_controller:NoDebouncer": NOR._replace(steps=PRESSES),
    "broken_controller:ReleaseCounts": NOR._replace(steps=PRESSES),
    "broken_controller:HeldCounts": NOR._replace(steps=HELD, stuck="closed"),
    "broken_remote:CountsLate": RADIO,
    "broken_remote:AnswersEarly": RADIO,
    "broken_remote:FlushesBehindCommit": RADIO._replace(cache=CacheMode.WRITE_BACK, steps=HALF_CACHED),
    "broken_remote:CountsInRam": RADIO,
    "broken_remote:DoneInRam": RADIO,
    "broken_remote:ForgetsPending": RADIO,
    "broken_remote:FinishesInRam": RADIO,
    "broken_remote:TrustsAnyTag": RADIO,
    "broken_remote:ComparesPrefix": RADIO,
    "broken_remote:ComparesWhatIsThere": RADIO,
    "broken_remote:TagsTheCounterOnly": RADIO,
    "broken_remote:TakesAnswersForRequests": RADIO,
    "broken_remote:EqualIsNew": RADIO,
    "broken_remote:OtherIsNew": RADIO,
    "broken_remote:NearlyNewIsNew": RADIO,
    "broken_remote:AnswersReplays": RADIO,
    "broken_remote:CountsNoReplays": RADIO,
    "broken_remote:SilentToDuplicates": RADIO,
    "broken_remote:HoardsBytes": RADIO,
    "broken_remote:DeafAfterOverrun": RADIO,
    "broken_remote:DeafAfterNoise": RADIO,
    "broken_remote:CkptDropsRemote": RADIO,
}
"""``module:Class`` -> what it is explored under.  The class's docstring says what its mistake is."""


def session(settings: Settings, mutant: str | None = None) -> Session:
    """A run of the unbroken firmware, or of the controller or scheme ``mutant``."""
    broken_scheme = mutant is not None and mutant.startswith(SCHEMES)
    disk = DeviceSpec(part="generic-disk", sectors=512, torn_sector=settings.torn_sector)
    board = BoardSpec(
        devices={
            "disk0": disk,
            "disk1": disk,
            "nor0": DeviceSpec(part="W25Q64JV"),
            "fram0": DeviceSpec(part="FM25V10"),
        },
        switches={"save": SwitchSpec(stuck=settings.stuck), "restore": SwitchSpec()},
        uarts=() if settings.remote is None else (settings.remote,),
    )
    firmware = FirmwareConfig(
        scheme=mutant if broken_scheme else settings.scheme,
        store=settings.store,
        units=64,
        sectors_per_unit=2,
        cache=settings.cache,
        cache_sectors=8,
        log_records=7,
        remote=settings.remote,
    )
    document = Document(
        title="a broken twin",
        board=board,
        steps=settings.steps,
        controller=None if broken_scheme else mutant,
        firmware=firmware,
        power=Power(depth=settings.depth),
    )
    return Session(Variant(Scenario("mutants", HERE, "", document), firmware))


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_twin_is_caught(mutant: str) -> None:
    hunt = session(MUTANTS[mutant], mutant)
    explorer = hunt.explorer
    hunt.run(lambda _: not explorer.findings)
    module, _, name = mutant.partition(":")
    mistake = vars(sys.modules[module])[name].__doc__
    assert explorer.findings, f"{name} survives {explorer.generated} crash states. Its mistake: {mistake}"
    finding = explorer.findings[0]
    stopped = re.search(r"the firmware stopped in .*: (NameError|AttributeError|TypeError)", finding.detail)
    assert stopped is None, f"{name} is broken in another way than it says: {finding.detail}"
    print(f"\n{name}, after {explorer.generated} crash states of {hunt.commands} commands: {mistake}")
    print(f"    {finding.rule.value}: {finding.doing}; cut at {finding.cut}; {finding.detail}")


@pytest.mark.parametrize("settings", sorted(set(MUTANTS.values()), key=list(MUTANTS.values()).index))
def test_our_firmware_holds_under_the_same_settings(settings: Settings) -> None:
    control = session(settings)
    assert control.run()
    assert control.explorer.findings == []
