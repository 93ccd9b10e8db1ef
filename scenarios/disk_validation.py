"""A drive's timing model against the drive: measured requests replayed, and both distributions compared.

The figure is the demerit of Ruemmler and Wilkes, "An introduction to disk drive modeling", IEEE Computer 27(3), 1994:
the root mean square of the horizontal distance between the two cumulative distributions.  Both hold equally many
requests, so that is the distance between the n-th shortest measured and the n-th shortest simulated time, over all n.

A request comes as long after the one before was done as it did when it was measured, as in DiskSim's `validate` mode.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deltabench.hwsim.drive.drive import Drive
from deltabench.hwsim.parts import DiskPart, load_part
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.traces.disksim import Measured, read_measured
from deltabench.scenarios.traces.text import TraceError, read_lines

SCHEMA: Final = "deltabench.disk-validation/1"


class Comparison(NamedTuple):
    """Service times of the same requests, measured and simulated, in the order of the trace."""

    measured_ns: tuple[int, ...]
    simulated_ns: tuple[int, ...]

    @property
    def measured_mean_ns(self) -> float:
        return sum(self.measured_ns) / len(self.measured_ns)

    @property
    def simulated_mean_ns(self) -> float:
        return sum(self.simulated_ns) / len(self.simulated_ns)

    @property
    def demerit_ns(self) -> float:
        """Root mean square of the distance between the two cumulative distributions."""
        pairs = zip(sorted(self.measured_ns), sorted(self.simulated_ns), strict=True)
        return math.sqrt(sum((simulated - measured) ** 2 for measured, simulated in pairs) / len(self.measured_ns))

    @property
    def demerit_share(self) -> float:
        """The demerit as a share of the measured mean."""
        return self.demerit_ns / self.measured_mean_ns


class DiskValidation(NamedTuple):
    """What came out of a replay. ``groups``: all requests, then reads and writes, as far as there are any."""

    part: str
    trace: str
    groups: dict[str, Comparison]

    @property
    def overall(self) -> Comparison:
        return self.groups["all"]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of this result; docs/disk.md lists its keys."""
        return {
            "schema": SCHEMA,
            "part": self.part,
            "trace": self.trace,
            **{
                name: {
                    "requests": len(group.measured_ns),
                    "measured_mean_us": round(group.measured_mean_ns / 1000, 3),
                    "simulated_mean_us": round(group.simulated_mean_ns / 1000, 3),
                    "demerit_us": round(group.demerit_ns / 1000, 3),
                    "demerit_percent": round(100 * group.demerit_share, 3),
                }
                for name, group in self.groups.items()
            },
        }


def validate_disk(part_name: str, trace: Path) -> DiskValidation:
    """Replay the trace on the part of that name or path; raises PartError, UnknownPart, ScenarioError or TraceError."""
    part = load_part(part_name)
    if not isinstance(part, DiskPart):
        raise ScenarioError(f"{part.name} is a part of kind {part.kind}; only a disk has service times: name a disk")
    requests = read_requests(trace, part)
    simulated = replay(part, requests)
    return DiskValidation(part.name, str(trace), compare(requests, simulated))


def read_requests(trace: Path, part: DiskPart) -> list[Measured]:
    """The requests of a DiskSim `validate` trace, all on the part; raises TraceError."""
    requests = []
    for line, request in read_measured(read_lines(trace)):
        if request.lba + request.sectors > part.sectors:
            raise line.error(f"a request beyond {part.name}, which has the sectors 0 to {part.sectors - 1}")
        if not request.service_ns:
            raise line.error("a service time of 0 µs; a request takes some time")
        requests.append(request)
    if not requests:
        raise TraceError(f"{trace}: holds no request; a DiskSim validation trace has one in each line")
    return requests


def replay(part: DiskPart, requests: Sequence[Measured]) -> list[int]:
    """The service time of each request on a drive that was at rest before, in ns."""
    drive = Drive(part)
    times = []
    now_ns = 0
    for kind, lba, sectors, _, pause_ns in requests:
        done_ns = drive.read(lba, sectors, now_ns) if kind == "read" else drive.write(lba, sectors, now_ns, fua=False)
        times.append(done_ns - now_ns)
        now_ns = done_ns + pause_ns
    return times


def compare(requests: Sequence[Measured], simulated_ns: Sequence[int]) -> dict[str, Comparison]:
    """Measured and simulated times of all requests, of the reads and of the writes, as far as there are any."""
    groups = {}
    for name, kinds in (("all", ("read", "write")), ("reads", ("read",)), ("writes", ("write",))):
        chosen = [n for n, request in enumerate(requests) if request.kind in kinds]
        if chosen:
            groups[name] = Comparison(
                tuple(requests[n].service_ns for n in chosen), tuple(simulated_ns[n] for n in chosen)
            )
    return groups
