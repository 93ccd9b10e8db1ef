"""DiskSim's two plain-text traces: `ascii` and `validate`.

Source: DiskSim 4.0 reference manual (CMU-PDL-08-101), "Input traces", and its `disksim_iotrace.c`.

`ascii`: `arrival_ms devno blkno sectors flags`. Flags are hexadecimal (the source scans them with
%x); bit 0 set is a read, clear a write; the other bits only say how urgent the host finds it.
`validate`: `R|W action lba sectors service_us interarrival_us`, as recorded on a real drive for
its model to be checked against. The action (Hit, Miss …) is what the drive's cache did. A request
comes `interarrival_us` after the one before it ended, which is `service_us` after it came.

Neither has content or flushes. Blocks are sectors of 512 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from deltabench.scenarios.traces.request import Kind, Request
from deltabench.scenarios.traces.text import Line

_DECIMAL = r"[0-9]{1,15}(?:\.[0-9]{0,12})?"
_ASCII_LINE = re.compile(
    rf"\s*(?P<ms>{_DECIMAL})\s+(?P<device>[0-9]{{1,9}})\s+(?P<lba>[0-9]{{1,19}})"
    r"\s+(?P<count>[0-9]{1,19})\s+(?:0[xX])?(?P<flags>[0-9a-fA-F]{1,8})\s*"
)
_VALIDATE_LINE = re.compile(
    r"\s*(?P<kind>[RW])\s+[A-Za-z]+\s+(?P<lba>[0-9]{1,19})\s+(?P<count>[0-9]{1,19})"
    rf"\s+(?P<service>{_DECIMAL})\s+(?P<interarrival>{_DECIMAL})\s*"
)
_READ_FLAG = 0x1


def read_disksim(lines: Iterable[Line]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests of a DiskSim ASCII trace; raises TraceError at a second device."""
    device = None
    for line in lines:
        match = _ASCII_LINE.fullmatch(line.text)
        if match is None or int(match["count"]) == 0:
            raise line.error(
                "expected 'arrival_ms devno blkno sectors flags', with sectors from 1 "
                "and hexadecimal flags (bit 0: read)"
            )
        device = device or match["device"]
        if match["device"] != device:
            raise line.error(f"a second device, {match['device']}, after {device}; cut the trace to one device")
        kind: Kind = "read" if int(match["flags"], 16) & _READ_FLAG else "write"
        yield (
            line,
            Request(
                kind,
                int(match["lba"]),
                int(match["count"]),
                None,
                time_us=round(float(match["ms"]) * 1000),
            ),
        )


class Measured(NamedTuple):
    """A request as a real drive served it: it took `service_ns`, and the next came `pause_ns` after it was done."""

    kind: Kind
    lba: int
    sectors: int
    service_ns: int
    pause_ns: int


def read_disksim_validate(lines: Iterable[Line]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests of a DiskSim `validate` trace."""
    time_ns = 0
    for line, measured in read_measured(lines):
        kind, lba, sectors, service_ns, pause_ns = measured
        yield line, Request(kind, lba, sectors, None, time_us=round(time_ns / 1000))
        time_ns += service_ns + pause_ns


def read_measured(lines: Iterable[Line]) -> Iterator[tuple[Line, Measured]]:
    """Yield the requests of a DiskSim `validate` trace with the times that were measured."""
    for line in lines:
        match = _VALIDATE_LINE.fullmatch(line.text)
        if match is None or int(match["count"]) == 0:
            raise line.error("expected 'R|W Hit|Miss lba sectors service_us interarrival_us', with sectors from 1")
        service_ns, pause_ns = (round(float(match[name]) * 1000) for name in ("service", "interarrival"))
        kind: Kind = "read" if match["kind"] == "R" else "write"
        yield line, Measured(kind, int(match["lba"]), int(match["count"]), service_ns, pause_ns)
