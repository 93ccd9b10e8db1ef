"""MSR Cambridge block traces: `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime`.

Source: README of the traces at SNIA IOTTA (iotta.snia.org, trace set 388) for Narayanan, Donnelly
and Rowstron, "Write Off-Loading", FAST 2008. Timestamp and ResponseTime are Windows file times
(ticks of 100 ns), Type is Read or Write, Offset and Size are in bytes from the start of the disk.
Bytes that are not whole sectors widen to the sectors that they touch. A line of column names may
come first. No content, no flushes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from deltabench.scenarios.traces.request import SECTOR_BYTES, Kind, Request
from deltabench.scenarios.traces.text import Line

_COLUMNS = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime"
_LINE = re.compile(
    r"(?P<ticks>[0-9]{1,20}),(?P<disk>[^,]*,[0-9]{1,9}),(?P<kind>Read|Write),"
    r"(?P<offset>[0-9]{1,19}),(?P<size>[0-9]{1,19}),[0-9]{1,20}\s*",
    re.IGNORECASE,
)
_TICKS_PER_US = 10


def read_msr(lines: Iterable[Line]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests of an MSR Cambridge trace; raises TraceError at a second disk."""
    disk = None
    for line in lines:
        if line.number == 1 and line.text.strip().lower() == _COLUMNS.lower():
            continue
        match = _LINE.fullmatch(line.text)
        if match is None or int(match["size"]) == 0:
            raise line.error(f"expected '{_COLUMNS}', with Type Read or Write and a Size from 1 byte")
        disk = disk or match["disk"]
        if match["disk"] != disk:
            raise line.error(f"a second disk, {match['disk']}, after {disk}; cut the trace to one")
        offset = int(match["offset"])
        lba = offset // SECTOR_BYTES
        end = -(-(offset + int(match["size"])) // SECTOR_BYTES)
        kind: Kind = "read" if match["kind"].lower() == "read" else "write"
        time_us = int(match["ticks"]) // _TICKS_PER_US
        yield line, Request(kind, lba, end - lba, None, time_us=time_us)
