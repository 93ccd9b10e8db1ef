"""The default text output of blkparse, which prints what blktrace recorded of a block device.

Source: blkparse(1), "DEFAULT OUTPUT" and "DEFAULT OUTPUT PER ACTION", and `blkparse_fmt.c` of
blktrace (git.kernel.dk/blktrace.git), where the RWBS field is made. An event line is
`major,minor cpu sequence seconds.nanoseconds pid action RWBS …`, for a request that is issued
followed by `sector + sectors [process]`.

Only action D (issued to the driver) counts: it is what the device gets, in the order in which it
gets it, after merging, splitting and the block layer's own handling of flushes. Q would give
requests before that, C the order of completion.

RWBS: F in front is a flush (before the data, if there is any), R, W or N (no data) the operation,
F after it is FUA; A, S, M and the like only advise. Discards (D) are left out and counted in one
warning: a device may ignore them. Packet commands, which name no sector, are left out too. The
totals that blkparse prints after the events end the trace. No content.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from deltabench.scenarios.traces.request import Kind, Request
from deltabench.scenarios.traces.text import Line

_EVENT = re.compile(
    r"\s*(?P<device>[0-9]{1,6},[0-9]{1,8})\s+[0-9]{1,6}\s+[0-9]{1,19}"
    r"\s+(?P<s>[0-9]{1,12})\.(?P<ns>[0-9]{9})\s+[0-9]{1,10}"
    r"\s+(?P<action>[A-Za-z]{1,2})\s+(?P<rwbs>[A-Z]{1,9})(?:\s+(?P<rest>.*))?"
)
_RWBS = re.compile(r"(?P<flush>F?)(?P<operation>[RWND])(?P<advice>[A-Z]*)")
_SECTORS = re.compile(r"(?P<lba>[0-9]{1,19}) \+ (?P<count>[0-9]{1,19})(?: .*)?")
_NO_SECTORS = re.compile(r"(?:[0-9]{1,19} )?(?:\([^)]*\) )?\[.*\]")
_TOTALS = re.compile(r"(?:CPU[0-9]+|Total) \(.*\):")

_log = logging.getLogger(__name__)


def read_blkparse(lines: Iterable[Line]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests that were issued to the device; raises TraceError at a second device."""
    device = None
    discards = 0
    for line in lines:
        if _TOTALS.match(line.text):
            break
        event = _EVENT.fullmatch(line.text)
        if event is None:
            raise line.error(
                "expected an event as blkparse prints it by default, "
                "'major,minor cpu sequence seconds.nanoseconds pid action RWBS …'"
            )
        if event["action"] != "D":
            continue
        device = device or event["device"]
        if event["device"] != device:
            raise line.error(
                f"a second device, {event['device']}, after {device}; give blkparse the files of one device (-i)"
            )
        if event["rwbs"].startswith(("D", "FD")):
            discards += 1
            continue
        time_us = int(event["s"]) * 1_000_000 + int(event["ns"]) // 1000
        for request in _issued(line, event["rwbs"], event["rest"] or ""):
            yield line, replace(request, time_us=time_us)
    if discards:
        _log.warning("%d discards left out of the trace: a device may ignore them", discards)


def _issued(line: Line, rwbs: str, rest: str) -> Iterator[Request]:
    flags = _RWBS.fullmatch(rwbs)
    if flags is None:
        raise line.error(f"expected R, W, N or D in the RWBS field, with F in front for a flush, but it is {rwbs}")
    if flags["flush"]:
        yield Request("flush", 0, 0, None)
    sectors = _SECTORS.fullmatch(rest)
    if sectors is None:
        if not _NO_SECTORS.fullmatch(rest):
            raise line.error("expected 'sector + sectors [process]' or '[process]' after the RWBS")
        return
    if flags["operation"] == "N" or int(sectors["count"]) == 0:
        raise line.error("expected R or W and at least 1 sector for a request that names sectors")
    kind: Kind = "read" if flags["operation"] == "R" else "write"
    fua = kind == "write" and "F" in flags["advice"]
    yield Request(kind, int(sectors["lba"]), int(sectors["count"]), None, fua=fua)
