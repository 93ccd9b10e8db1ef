"""The recorded workload, end to end: what lies on the volume after it is what the programs made."""

import contextlib
import lzma
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from deltabench.scenarios.recordings import RECORDINGS
from deltabench.scenarios.recordings.record import TRANSACTIONS, marks, sql
from deltabench.scenarios.traces import SECTOR_BYTES, Request

RECORDING = RECORDINGS["mke2fs-sqlite"]

Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    return RECORDING.requests()


def volume_after(requests: Sequence[Request]) -> bytearray:
    volume = bytearray(RECORDING.volume_sectors * SECTOR_BYTES)
    for request in requests:
        if request.kind == "write":
            assert request.data is not None
            start = request.lba * SECTOR_BYTES
            volume[start : start + request.count * SECTOR_BYTES] = b"".join(request.data)
    return volume


def part(volume: bytearray, name: str) -> bytes:
    start = RECORDING.files[name]
    later = [lba for lba in RECORDING.files.values() if lba > start]
    stop = min(later, default=RECORDING.volume_sectors)
    return bytes(volume[start * SECTOR_BYTES : stop * SECTOR_BYTES])


def rows(connection: sqlite3.Connection) -> list[Rows]:
    """Return all rows of the three tables."""
    tables = ("sensor", "reading", "event")
    return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def rows_after_transactions(count: int) -> list[Rows]:
    """Return the rows that SQLite has after the first `count` transactions, without any trace."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("\n".join(islice(sql(), 1 + count)))
        return rows(connection)


def rows_on_volume(folder: Path, volume: bytearray, *, with_journal: bool) -> list[Rows]:
    """Open the database on `volume`, with its journal or alone; check it and return its rows."""
    (folder / "log.db").write_bytes(part(volume, "log.db"))
    (folder / "log.db-journal").unlink(missing_ok=True)
    if with_journal:
        (folder / "log.db-journal").write_bytes(part(volume, "log.db-journal"))
    with contextlib.closing(sqlite3.connect(folder / "log.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return rows(connection)


def test_the_recording_is_of_the_size_that_the_demo_needs(requests: list[Request]) -> None:
    kinds = Counter(request.kind for request in requests)
    assert 1500 <= kinds["write"] <= 3500
    assert 750 <= kinds["flush"] <= 1250
    assert RECORDING.volume_sectors <= 2048
    assert RECORDING.path.stat().st_size < 250_000
    assert all(request.data for request in requests if request.kind == "write")


def test_after_the_recording_the_database_is_whole_and_has_its_rows(requests: list[Request], tmp_path: Path) -> None:
    found = rows_on_volume(tmp_path, volume_after(requests), with_journal=False)
    assert found == rows_after_transactions(TRANSACTIONS)
    assert [len(table) for table in found] == [4, 612, 24]


def test_after_the_recording_the_image_is_an_ext2_file_system(requests: list[Request]) -> None:
    image = part(volume_after(requests), "disk.img")
    superblock = image[1024:2048]
    assert superblock[0x38:0x3A] == b"\x53\xef"
    assert int.from_bytes(superblock[4:8], "little") * 1024 == len(image)
    assert superblock[0x78:0x88].rstrip(b"\0") == b"deltabench"
    assert b"lost+found" in image


def test_at_each_mark_what_it_names_is_done(requests: list[Request], tmp_path: Path) -> None:
    assert marks(requests) == RECORDING.marks
    formatted = volume_after(requests[: RECORDING.marks["formatted"]])
    assert part(formatted, "disk.img") == part(volume_after(requests), "disk.img")
    assert not any(part(formatted, "log.db"))
    for mark, transactions in (("tables", 1), ("half", TRANSACTIONS // 2)):
        volume = volume_after(requests[: RECORDING.marks[mark]])
        found = rows_on_volume(tmp_path, volume, with_journal=False)
        assert found == rows_after_transactions(transactions)


def test_cut_anywhere_in_a_transaction_sqlite_rolls_back_from_its_journal(
    requests: list[Request], tmp_path: Path
) -> None:
    half = RECORDING.marks["half"]
    states = [rows_after_transactions(TRANSACTIONS // 2 + more) for more in range(4)]
    seen = []
    for cut in range(half, half + 40):
        volume = volume_after(requests[:cut])
        seen.append(states.index(rows_on_volume(tmp_path, volume, with_journal=True)))
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] >= 1


def test_the_recording_names_nothing_of_the_machine_that_made_it() -> None:
    with lzma.open(RECORDING.path, "rt", encoding="ascii") as trace:
        text = trace.read()
    names = {bytes.fromhex(n.replace("\\x", "")) for n in re.findall(r'AT_FDCWD, "([^"]*)"', text)}
    assert names == {name.encode() for name in RECORDING.files}
    assert set(re.findall(r"(?m)^([0-9]+) 100000000[01]\.[0-9]{6} ", text)) == {"1", "2"}
    assert len(text.splitlines()) == len(re.findall(r"(?m)^[12] 10000000", text))
