"""MQSim's ASCII disk traces: `arrival device lba sectors type`, five integers a line.

Source: MQSim README, "Defining a Trace-based Workload", and `src/host/ASCII_Trace_Definition.h`
(github.com/CMU-SAFARI/MQSim): sectors are of 512 bytes, type 0 is a write and 1 a read. Arrival is
in nanoseconds, the unit of MQSim's own sample traces. MQSim does not look at the device number
(one trace feeds one flow, hence one volume), so neither does this reader. No content, no flushes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from deltabench.scenarios.traces.request import Kind, Request
from deltabench.scenarios.traces.text import Line

_LINE = re.compile(
    r"\s*(?P<ns>[0-9]{1,19})\s+[0-9]{1,9}\s+(?P<lba>[0-9]{1,19})"
    r"\s+(?P<count>[0-9]{1,19})\s+(?P<type>[01])\s*"
)


def read_mqsim(lines: Iterable[Line]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests of an MQSim ASCII trace, times in µs as the trace counts them."""
    for line in lines:
        match = _LINE.fullmatch(line.text)
        if match is None or int(match["count"]) == 0:
            raise line.error(
                "expected five integers, 'arrival_ns device lba sectors type', "
                "with sectors from 1 and type 0 (write) or 1 (read)"
            )
        kind: Kind = "write" if match["type"] == "0" else "read"
        yield (
            line,
            Request(
                kind,
                int(match["lba"]),
                int(match["count"]),
                None,
                time_us=int(match["ns"]) // 1000,
            ),
        )
