"""One host request on the logical volume, and how it is fitted into a volume of a given size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from deltabench.scenarios.traces.text import Line, TraceError

SECTOR_BYTES = 512

Kind = Literal["read", "write", "flush"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the host asks for, once.

    `lba` is the first sector and `count` the number of sectors (both 0 for a flush). `data` is one
    `bytes` of 512 for each sector of a write whose content the trace holds, else None. `fua` marks
    a write that is durable when it is acknowledged. `time_us` counts from the first request of the
    trace and never goes back.
    """

    kind: Kind
    lba: int
    count: int
    data: tuple[bytes, ...] | None
    fua: bool = False
    time_us: int = 0


def fit(line: Line, request: Request, volume_sectors: int, wrap: bool) -> Iterator[Request]:
    """Yield `request` as it falls on a volume of `volume_sectors`, in one piece or, folded, in two.

    With `wrap`, addresses count modulo the volume and a request across its end goes on at LBA 0.
    Raises TraceError if the request reaches beyond the volume and `wrap` is off, or if it is larger
    than the whole volume: folding moves addresses, it cannot shrink a request.
    """
    end = request.lba + request.count
    if end <= volume_sectors:
        yield request
        return
    what = f"a {request.kind} of {request.count} sectors at LBA {request.lba}"
    if request.count > volume_sectors:
        raise TraceError(
            f"{line.where}: {what} is larger than the whole volume of {volume_sectors} sectors; "
            f"raise units or sectors_per_unit to a volume of at least {request.count} sectors"
        )
    if not wrap:
        raise TraceError(
            f"{line.where}: {what} reaches beyond the volume of {volume_sectors} sectors; "
            f"raise units or sectors_per_unit to a volume of at least {end} sectors, or fold the trace into this one: "
            f"wrap = true in the step, or --wrap on the command line"
        )
    lba = request.lba % volume_sectors
    head = min(request.count, volume_sectors - lba)
    yield _part(request, 0, head, lba)
    if head < request.count:
        yield _part(request, head, request.count, 0)


def _part(request: Request, start: int, stop: int, lba: int) -> Request:
    data = None if request.data is None else request.data[start:stop]
    return replace(request, lba=lba, count=stop - start, data=data)
