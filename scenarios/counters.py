"""The counters of a device: one table, from which documentation, JSON, CSV and OpenMetrics come.

What wears is counted cell by cell as well; see ``wear`` in measurement.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from deltabench.scenarios.documents import Series


class Counter(NamedTuple):
    """One counter: ``labels`` are the names of what its values are told apart by."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


_TABLE: Final = (
    Counter("host_commands", "commands", "commands that the host gave", ("command",)),
    Counter("host_sectors_read", "sectors", "sectors that the host read"),
    Counter("host_sectors_written", "sectors", "sectors that the host wrote"),
    Counter("saves", "saves", "saves done, by whatever order"),
    Counter("restores", "restores", "restores done, by whatever order"),
    Counter("direct_reads", "units", "units read from their primary"),
    Counter("redirected_reads", "units", "units read from their secondary, as written since T0"),
    Counter("first_writes", "units", "units written for the first time since T0: DDM 0→1"),
    Counter("copies_on_first_write", "units", "first writes of a part of a unit: the rest is copied from its primary"),
    Counter("copied_sectors", "sectors", "sectors copied by them"),
    Counter("unit_moves", "units", "units whose primary changed sides in a save: VSM 0→1 or 1→0"),
    Counter("atom_writes", "atoms", "atoms written to the map store"),
    Counter("log_compactions", "compactions", "logs of a NOR map store that were written out as a checkpoint"),
    Counter("boots", "boots", "power-ons of the controller, the first included"),
    Counter("recoveries", "boots", "boots that had to write to a medium"),
    Counter(
        "bytes_written",
        "bytes",
        "bytes written to media: data of the host, copies, maps, labels, and what a translation layer writes besides",
        ("cause",),
    ),
    Counter("media_operations", "operations", "operations of a medium", ("device", "operation")),
    Counter("media_bytes", "bytes", "bytes that these operations read or changed", ("device", "operation")),
    Counter("media_busy_ns", "ns", "time that these operations took", ("device", "operation")),
    Counter("firmware_cycles", "cycles", "processor cycles, by step of the firmware", ("step",)),
    Counter("past_endurance", "cells", "cells that wore past their rated endurance", ("device",)),
    Counter(
        "flash_pages",
        "pages",
        "pages of NAND flash programmed: for the host, moved, checkpoints, headers, failed",
        ("device", "cause"),
    ),
    Counter(
        "flash_blocks_collected", "blocks", "blocks of NAND flash that garbage collection has won back", ("device",)
    ),
    Counter("flash_mounts_that_wrote", "mounts", "mounts of NAND flash that had to write a checkpoint", ("device",)),
    Counter(
        "flash_bad_blocks",
        "blocks",
        "blocks of NAND flash not used: marked at the factory, or grown bad since",
        ("device", "cause"),
    ),
)
COUNTERS: Final[Mapping[str, Counter]] = MappingProxyType({counter.name: counter for counter in _TABLE})
CAUSES: Final = ("data", "copies", "maps", "labels", "translation", "other")
"""Why bytes are written.

On NAND flash a page counts whole under what it was given for, and what the layer programs besides is ``translation``;
``other`` is what a firmware of the user's own writes outside the regions that ours has.
"""


@dataclass
class Counts:
    """Values of the counters, by name and labels.  What was never counted is 0 and not listed."""

    _values: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict, init=False)

    def add(self, name: str, amount: int, *labels: str) -> None:
        """Count ``amount`` more; ``labels`` in the order of the table."""
        counter = COUNTERS[name]
        assert len(labels) == len(counter.labels), f"{name} has the labels {counter.labels}"
        if amount:
            key = (name, labels)
            self._values[key] = self._values.get(key, 0) + amount

    def __getitem__(self, name: str) -> int:
        """The sum over all labels; raises KeyError for an unknown name."""
        wanted = COUNTERS[name].name
        return sum(value for (other, _), value in self._values.items() if other == wanted)

    def of(self, name: str, *labels: str) -> int:
        """One value."""
        return self._values.get((COUNTERS[name].name, labels), 0)

    def __iter__(self) -> Iterator[tuple[tuple[str, tuple[str, ...]], int]]:
        """((name, labels), value), in the order of the table."""
        order = {name: place for place, name in enumerate(COUNTERS)}
        return iter(sorted(self._values.items(), key=lambda item: (order[item[0][0]], item[0][1])))

    def as_series(self) -> tuple[Series, ...]:
        """For a document."""
        return tuple(
            Series(name=name, labels=dict(zip(COUNTERS[name].labels, labels, strict=True)), value=value)
            for (name, labels), value in self
        )

    @classmethod
    def of_series(cls, series: Iterable[Series]) -> Counts:
        """The inverse of ``as_series``; what a newer version counts, and this one does not know, is left out."""
        counts = cls()
        for one in series:
            counter = COUNTERS.get(one.name)
            if counter is not None and tuple(one.labels) == counter.labels:
                counts.add(one.name, one.value, *one.labels.values())
        return counts


def to_csv(runs: Mapping[str, Counts]) -> str:
    """One line a value: run, counter, unit, labels (``device=nor0;operation=erase``), value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", "counter", "unit", "labels", "value"])
    for run, counts in runs.items():
        for (name, labels), value in counts:
            pairs = ";".join(f"{key}={text}" for key, text in zip(COUNTERS[name].labels, labels, strict=True))
            writer.writerow([run, name, COUNTERS[name].unit, pairs, value])
    return out.getvalue()


def to_openmetrics(runs: Mapping[str, Counts]) -> str:
    """OpenMetrics text (version 1.0.0), each counter as ``deltabench_NAME_total`` with a label ``run``."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import CounterMetricFamily
    from prometheus_client.openmetrics.exposition import generate_latest

    class Collector:
        def collect(self) -> Iterator[CounterMetricFamily]:
            for counter in COUNTERS.values():
                family = CounterMetricFamily(
                    f"deltabench_{counter.name}", counter.meaning, labels=["run", *counter.labels]
                )
                for run, counts in runs.items():
                    for (name, labels), value in counts:
                        if name == counter.name:
                            family.add_metric([run, *labels], value)
                yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return bytes(generate_latest(registry)).decode()  # type: ignore[no-untyped-call]


def as_markdown() -> str:
    """The table of docs/measuring.md."""
    lines = ["| counter | unit | labels | meaning |", "| --- | --- | --- | --- |"]
    for counter in COUNTERS.values():
        labels = ", ".join(f"`{label}`" for label in counter.labels)
        lines.append(f"| `{counter.name}` | {counter.unit} | {labels} | {counter.meaning} |")
    return "\n".join(lines) + "\n"
