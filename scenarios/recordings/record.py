"""Record `mke2fs-sqlite.strace.xz` again: `python scenarios/recordings/record.py`.

Needs Linux with strace, e2fsprogs and sqlite3 (the Debian packages of these names). It makes an
ext2 image with mke2fs, then runs SQLite transactions of a small sensor log on a database with a
rollback journal, both under strace; keeps the calls on the three files, without the machine's own
paths, process numbers and date; and prints what the trace comes to. The SQL is the same each time;
SQLite's journal nonces, and with them the content of some sectors, are not.
"""

from __future__ import annotations

import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from deltabench.scenarios.recordings import RECORDINGS
from deltabench.scenarios.traces import Request

NAME = "mke2fs-sqlite"
IMAGE, DATABASE, JOURNAL = "disk.img", "log.db", "log.db-journal"
IMAGE_KIB = 512
TRANSACTIONS = 250

# With ? in front: calls that not every architecture has.
CALLS = (
    "?open,openat,?creat,close,dup,?dup2,dup3,lseek,read,readv,pread64,preadv,write,writev,pwrite64,pwritev,pwritev2,"
    "fsync,fdatasync,ftruncate,truncate,fallocate,?unlink,unlinkat,?rename,?renameat,renameat2,mmap"
)
# A fixed UUID, hash seed and clock, and no defaults of the machine, give the same image each time.
MKE2FS = (
    "mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", "-I", "256", "-N", "64", "-m", "0",
    "-O", "none,ext_attr,resize_inode,dir_index,filetype,sparse_super,large_file",
    "-L", "deltabench", "-U", "00000000-0000-4000-8000-000000000001",
    "-E", "nodiscard,hash_seed=00000000-0000-4000-8000-000000000002",
)  # fmt: skip
SQLITE = ("sqlite3", "-batch", "-bail", "-init", "/dev/null")

SCHEMA = """
PRAGMA page_size = 1024;
PRAGMA journal_mode = PERSIST;
PRAGMA synchronous = FULL;
BEGIN;
CREATE TABLE sensor (id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT, offset REAL);
CREATE TABLE reading (at INTEGER PRIMARY KEY, sensor INTEGER REFERENCES sensor, value REAL);
CREATE TABLE event (at INTEGER PRIMARY KEY, severity INTEGER NOT NULL, message TEXT);
CREATE INDEX event_by_severity ON event (severity, at);
COMMIT;
"""
SENSORS = (("boiler inlet", "°C"), ("boiler outlet", "°C"), ("pressure", "kPa"), ("flow", "l/min"))
MESSAGES = (
    "controller started after a power failure, clock set from the network",
    "pressure above its limit of 640 kPa for more than 30 s, pump throttled",
    "pressure back within its limits, pump back at full speed",
    "valve 2 does not answer on the field bus, third attempt, giving up until the next poll",
)


def sql() -> Iterator[str]:
    """Yield the schema and then one transaction each time."""
    rng = random.Random(6_948_039)
    yield SCHEMA
    rows = ", ".join(f"({i}, '{name}', '{u}', 0.0)" for i, (name, u) in enumerate(SENSORS, 1))
    yield f"BEGIN; INSERT INTO sensor VALUES {rows}; COMMIT;"
    at = 1_000_000
    for number in range(2, TRANSACTIONS + 1):
        statements = []
        for _ in range(rng.randint(1, 6)):
            at += rng.randint(1, 50)
            sensor = rng.randint(1, len(SENSORS))
            statements.append(f"INSERT INTO reading VALUES ({at}, {sensor}, {rng.gauss(60, 9):.2f});")
        if rng.random() < 0.12:
            severity, message = rng.randint(1, 5), rng.choice(MESSAGES)
            statements.append(f"INSERT INTO event VALUES ({at}, {severity}, '{message}');")
        if number % 25 == 0:
            statements.append(f"DELETE FROM reading WHERE at < {at - 16000};")
        if number % 40 == 0:
            statements.append(f"UPDATE sensor SET offset = offset + 0.25 WHERE id = {number % 4 + 1};")
        if number % 60 == 0:
            statements.append(f"DELETE FROM event WHERE severity < 3 AND at < {at - 4000};")
        yield f"BEGIN; {' '.join(statements)} COMMIT;"


def strace(command: tuple[str, ...], file: str, text: str, folder: Path) -> list[str]:
    """Run `command` on `file`, with `text` as input; return its calls on the three files."""
    trace = folder / "trace"
    options = ["-f", "-o", str(trace), "-xx", "-s", "1048576", "-ttt", "-e", f"trace={CALLS}"]
    for name in (IMAGE, DATABASE, JOURNAL):
        options += ["-P", str(folder / name)]
    environment = {**os.environ, "E2FSPROGS_FAKE_TIME": "1000000000"}
    subprocess.run(
        ["strace", *options, *command, str(folder / file)],
        input=text.encode(), cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return trace.read_text("ascii").splitlines()


def sanitised(lines: list[str], folder: Path, pid: int, start_us: int) -> Iterator[str]:
    """Yield `lines` with relative paths, process number `pid` and a clock from `start_us`."""
    prefix = "".join(f"\\x{byte:02x}" for byte in os.fsencode(f"{folder}/"))
    first_us = None
    for line in lines:
        match = re.fullmatch(r"[0-9]+ +([0-9]+)\.([0-9]{6}) (.*)", line)
        assert match is not None, line
        now_us = int(match[1] + match[2])
        first_us = now_us if first_us is None else first_us
        at_us = start_us + now_us - first_us
        call = match[3].replace(prefix, "")
        yield f"{pid} {at_us // 1_000_000}.{at_us % 1_000_000:06} {call}"


def marks(requests: Sequence[Request]) -> dict[str, int]:
    """Return after how many requests mke2fs, the tables and half of the transactions are done.

    A transaction is done when the journal's header, its first sector, is zeroed and flushed.
    """
    files = RECORDINGS[NAME].files
    committed = [
        number + 2
        for number, request in enumerate(requests)
        if request.data is not None
        and request.lba == files[JOURNAL]
        and not any(request.data[0][:8])
        and requests[number + 1].kind == "flush"
    ]
    half = committed[-1 - TRANSACTIONS // 2]
    tables = committed[-TRANSACTIONS]
    formatted = next(n for n, request in enumerate(requests) if request.lba >= files[DATABASE])
    return {"formatted": formatted, "tables": tables, "half": half}


def main() -> None:
    """Record, write the packed trace beside this file, and print what it comes to."""
    for tool in ("strace", "mke2fs", "sqlite3"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed; on Debian: apt install strace e2fsprogs sqlite3")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / IMAGE).write_bytes(bytes(IMAGE_KIB * 1024))
        lines = list(sanitised(strace(MKE2FS, IMAGE, "", folder), folder, 1, 1_000_000_000_000_000))
        work = strace(SQLITE, DATABASE, "\n".join(sql()), folder)
        lines += sanitised(work, folder, 2, 1_000_000_001_000_000)
    recording = RECORDINGS[NAME]
    text = "\n".join(lines) + "\n"
    recording.path.write_bytes(lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME))
    requests = recording.requests()
    print(f"{recording.path.name}: {recording.path.stat().st_size} bytes, {len(lines)} calls")
    print(f"requests: {dict(Counter(request.kind for request in requests))}")
    print(f"marks for RECORDINGS[{NAME!r}]: {marks(requests)}")


if __name__ == "__main__":
    main()
