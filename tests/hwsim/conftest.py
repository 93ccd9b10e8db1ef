"""A rail with media on it, as small as a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from deltabench.hwsim.aging import Aging
from deltabench.hwsim.clock import Clock
from deltabench.hwsim.disk import Disk, TornSector
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Operation, Outcome
from deltabench.hwsim.nand import Failing, Faults, NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import DiskPart, DiskZone, NandPart, NorPart, NvramPart, Pairing, load_part
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail


class Bench:
    """Cells, rail and adversary, and what a test does to them."""

    def __init__(self) -> None:
        self.cells = Cells()
        self.rail = PowerRail()
        self.adversary = Adversary()
        self.clock = Clock()

    def nand(
        self,
        *,
        sectors: int = 1,
        pages: int = 8,
        blocks: int = 3,
        codeword_sectors: int = 1,
        partial_programs: int = 1,
        ecc_bits: int = 4,
        pairing: Pairing = "none",
        bad_blocks: tuple[int, ...] = (),
        failing: tuple[Failing, ...] = (),
        cycles: int | None = None,
        detail: Detail = Detail.EVERY,
    ) -> NandFlash:
        """A NAND flash of ``blocks`` blocks of ``pages`` pages of ``sectors`` sectors and 16 spare bytes."""
        part = load_part("generic-nand")
        assert isinstance(part, NandPart)
        codewords = sectors // codeword_sectors
        part = msgspec.structs.replace(
            part,
            page_bytes=sectors * 512,
            spare_bytes=2 + 16 + codewords * -(-14 * ecc_bits // 8),
            pages_per_block=pages,
            blocks=blocks,
            codeword_bytes=codeword_sectors * 512,
            partial_programs=partial_programs,
            ecc_bits=ecc_bits,
            pairing=pairing,
            bits_per_cell=1 if pairing == "none" else 2,
        )
        aging = None if cycles is None else Aging(part, self.cells, self.clock, cycles)
        faults = Faults(frozenset(bad_blocks), failing, aging)
        return NandFlash("nand0", part, self.cells, self.rail, self.adversary, detail, faults)

    def nor(self, *, pages: int = 4, sectors: int = 2, page_bytes: int = 32, detail: Detail = Detail.EVERY) -> NorFlash:
        """A NOR flash of ``sectors`` erase sectors of ``pages`` pages."""
        part = NorPart(
            name="small NOR",
            size_bytes=sectors * pages * page_bytes,
            page_bytes=page_bytes,
            sector_bytes=pages * page_bytes,
            page_program_typ_us=1,
            page_program_max_us=1,
            sector_erase_typ_us=1,
            sector_erase_max_us=1,
            clock_hz=1,
            endurance_cycles=1,
            retention_years=1,
            jedec_id=0,
        )
        return NorFlash("nor0", part, self.cells, self.rail, self.adversary, detail)

    def nvram(self, *, size_bytes: int = 256, word_bytes: int = 4) -> Nvram:
        part = NvramPart(name="small NVRAM", size_bytes=size_bytes, word_bytes=word_bytes, write_word_ns=1)
        return Nvram("nvram0", part, self.cells, self.rail)

    def disk(self, *, sectors: int = 64, torn_sector: TornSector = TornSector.OLD_OR_NEW) -> Disk:
        zone = DiskZone(
            first_cylinder=0,
            last_cylinder=0,
            sectors_per_track=64,
            track_skew_sectors=0,
            cylinder_skew_sectors=0,
            spare_sectors=0,
        )
        part = DiskPart(
            name="small disk",
            sectors=64,
            sector_bytes=512,
            rpm=7_200,
            cylinders=1,
            surfaces=1,
            spare_range_cylinders=1,
            zones=(zone,),
            cache_segments=1,
            cache_segment_sectors=64,
            write_cache=True,
            write_segments=1,
            read_ahead_sectors=0,
            seek_curve=(),
            head_switch_us=0,
            track_settle_us=0,
            write_settle_us=0,
            read_hit_overhead_us=0,
            read_miss_overhead_us=0,
            write_overhead_us=0,
            cylinder_overhead_us=0,
            zone_overhead_us=0,
            bus_sector_ns=1,
        )
        return Disk("disk0", part, self.cells, self.rail, torn_sector, sectors)

    def outcomes(self, act: Callable[[], None]) -> list[Outcome]:
        """What a cut inside the one operation of ``act`` may leave; ``act`` itself is undone."""
        heard: list[list[Outcome]] = []
        mark = len(self.cells.journal)
        with self.listening(lambda operation: heard.append(operation.outcomes())):
            act()
        self.cells.rollback(mark)
        (outcomes,) = heard
        return outcomes

    @contextmanager
    def listening(self, listener: Callable[[Operation], None]) -> Iterator[None]:
        before, self.rail.listeners = self.rail.listeners, (listener,)
        try:
            yield
        finally:
            self.rail.listeners = before

    def leave(self, outcome: Outcome) -> None:
        """Power was lost inside an operation, and this is what it left."""
        for index, value in outcome.changes:
            self.cells.put(index, value)

    @contextmanager
    def left(self, outcome: Outcome) -> Iterator[None]:
        """As ``leave``, undone at the end."""
        mark = len(self.cells.journal)
        self.leave(outcome)
        yield
        self.cells.rollback(mark)


@pytest.fixture(scope="session")
def new_bench() -> type[Bench]:
    """Makes benches: for tests whose body runs more than once."""
    return Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
