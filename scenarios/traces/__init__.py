"""Block traces of real programs and machines, as host requests on a volume (see docs/traces.md).

`read_trace` is all that other modules need. `FORMATS` lists what it reads; the command line's help
and the table in the documentation say what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from deltabench.scenarios.traces.blkparse import read_blkparse
from deltabench.scenarios.traces.disksim import read_disksim, read_disksim_validate
from deltabench.scenarios.traces.mqsim import read_mqsim
from deltabench.scenarios.traces.msr import read_msr
from deltabench.scenarios.traces.request import SECTOR_BYTES, Request, fit
from deltabench.scenarios.traces.strace import read_strace
from deltabench.scenarios.traces.text import Line, TraceError, read_lines

__all__ = ["FORMATS", "SECTOR_BYTES", "Format", "Request", "TraceError", "read_trace"]

_Located = Iterator[tuple[Line, Request]]


class Format(NamedTuple):
    """One trace format: what it is, and whether it needs `files` to say where on the volume."""

    description: str
    needs_files: bool
    read: Callable[[Iterable[Line], Mapping[str, int]], _Located]


def _of_a_volume(description: str, read: Callable[[Iterable[Line]], _Located]) -> Format:
    return Format(description, False, lambda lines, _files: read(lines))


FORMATS: Mapping[str, Format] = {
    "strace": Format("what a program does to its files, with content", True, read_strace),
    "blkparse": _of_a_volume("default text output of blkparse (Linux blktrace)", read_blkparse),
    "msr": _of_a_volume("MSR Cambridge block traces, CSV", read_msr),
    "mqsim": _of_a_volume("MQSim ASCII disk traces", read_mqsim),
    "disksim": _of_a_volume("DiskSim ASCII traces", read_disksim),
    "disksim-validate": _of_a_volume("DiskSim validation traces", read_disksim_validate),
}


def read_trace(
    path: Path,
    *,
    format: str,
    volume_sectors: int,
    wrap: bool = False,
    files: Mapping[str, int] | None = None,
    limit: int | None = None,
) -> list[Request]:
    """Read the trace in `path`, in a format of `FORMATS`, as requests on one volume, in file order.

    `volume_sectors` is the size of the volume in sectors of 512 bytes. A request beyond it is an
    error unless `wrap` folds it in, modulo the size. `files`, for strace only, gives the first LBA
    of each file that has a place on the volume. `limit` stops after so many requests (from 1).

    Raises TraceError, with file and line, for whatever is wrong with the trace or these arguments.
    """
    if format not in FORMATS:
        raise TraceError(f"{path}: no format {format!r}; there are {', '.join(FORMATS)}")
    if volume_sectors < 1:
        raise TraceError(f"{path}: a volume of {volume_sectors} sectors; it needs at least 1")
    if limit is not None and limit < 1:
        raise TraceError(f"{path}: a limit of {limit} requests; it must be at least 1")
    if FORMATS[format].needs_files != bool(files):
        raise TraceError(
            f"{path}: format {format} needs `files`, the first LBA of each file that has a place on the volume"
            if FORMATS[format].needs_files
            else f"{path}: `files` is for strace; a trace in format {format} is of one whole volume"
        )
    for name, lba in (files or {}).items():
        if not 0 <= lba < volume_sectors:
            raise TraceError(f"{path}: `files` puts {name} at LBA {lba}; the volume has LBA 0 to {volume_sectors - 1}")
    requests: list[Request] = []
    origin_us = latest_us = None
    for line, request in FORMATS[format].read(read_lines(path), files or {}):
        if origin_us is None or latest_us is None:
            origin_us = latest_us = request.time_us
        # Traces are not quite sorted by time; the order of the file is the order of the requests.
        latest_us = max(latest_us, request.time_us)
        timed = replace(request, time_us=latest_us - origin_us)
        requests.extend(fit(line, timed, volume_sectors, wrap))
        if limit is not None and len(requests) >= limit:
            return requests[:limit]
    if not requests:
        raise TraceError(f"{path}: holds no request; is it in format {format}?")
    return requests
