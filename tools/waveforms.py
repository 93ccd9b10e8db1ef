"""A timeline as waveforms: a VCD file (IEEE 1364-2005, 18.2) for GTKWave and Surfer, and a .gtkw file beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from vcd import VCDWriter
from vcd.gtkw import GTKWSave

from deltabench.scenarios.counterexamples.timeline import READ, Timeline

TOP: Final = "deltabench"
UNKNOWN: Final = "x"
IDLE: Final = "-"
"""What a text reads while there is nothing to say; GTKWave takes an empty one amiss."""
UNITS_BITS: Final = 32

Value = str | int | None


class Change(NamedTuple):
    """A signal (scope and name) has a value from ``ns`` on."""

    ns: int
    scope: str
    name: str
    value: Value


def as_vcd(timeline: Timeline) -> str:
    """The text of a VCD file, in nanoseconds from power-on; the same for the same crash."""
    file = io.StringIO()
    note = f"{timeline.story.crash}: {timeline.story.doing}"
    with VCDWriter(
        file, timescale="1 ns", date="", comment=_text(note), version=f"deltabench {version('deltabench')}"
    ) as writer:
        variables = {
            (scope, name): writer.register_var(f"{TOP}.{scope}", name, kind, size=size, init=init)
            for scope, name, kind, size, init in _signals(timeline)
        }
        last: dict[tuple[str, str], Value] = {}
        for ns, scope, name, value in _settled(timeline):
            if last.get((scope, name)) != value:
                writer.change(variables[scope, name], ns, UNKNOWN if value is None else value)
                last[scope, name] = value
        writer.close(timeline.end_ns)
    return file.getvalue()


def as_gtkw(timeline: Timeline, vcd: Path) -> str:
    """What GTKWave is to show of ``vcd``, in the same folder: all signals, around the cut, which is marker A."""
    file = io.StringIO()
    save = GTKWSave(file)
    save.dumpfile(vcd.name, abspath=False)
    first = timeline.cuts[0].ns if timeline.cuts else 0
    save.timestart(max(first - timeline.end_ns // 10, 0))
    save.zoom_markers(-24.0, first, **({"a": first} if timeline.cuts else {}))
    save.treeopen(f"{TOP}.")
    scopes: dict[str, list[tuple[str, str, int]]] = {}
    for scope, signal, kind, size, _ in _signals(timeline):
        scopes.setdefault(scope, []).append((signal, kind, size))
    for scope, signals in scopes.items():
        with save.group(scope):
            for signal, kind, size in signals:
                bits = f"[{size - 1}:0]" if kind == "integer" else ""
                form = {"string": "ascii", "integer": "dec"}.get(kind, "hex")
                save.trace(f"{TOP}.{scope}.{signal}{bits}", datafmt=form)
    return file.getvalue()


def _signals(timeline: Timeline) -> Iterator[tuple[str, str, str, int, Value]]:
    """Scope, name, type, size in bits, and the value at power-on."""
    yield "power", "rail", "wire", 1, 1
    yield "power", "cut", "string", 1, IDLE
    yield "firmware", "doing", "string", 1, IDLE
    yield "firmware", "flag", "string", 1, IDLE
    yield "firmware", "state", "string", 1, IDLE
    for name in ("ddm", "vsm_b", "system_version"):
        yield "firmware", name, "integer", UNITS_BITS, UNKNOWN
    for device, _ in timeline.devices:
        yield device, "busy", "wire", 1, 0
        yield device, "kind", "string", 1, IDLE
        yield device, "operation", "integer", UNITS_BITS, UNKNOWN
        yield device, "about", "string", 1, IDLE


def _settled(timeline: Timeline) -> list[Change]:
    """All changes in their order; of several of one signal at one time only the last."""
    latest = {(change.ns, change.scope, change.name): change for change in _changes(timeline)}
    return sorted(latest.values(), key=lambda change: change.ns)


def _changes(timeline: Timeline) -> Iterator[Change]:
    for off_ns, on_ns in (*timeline.cycles, *((cut.ns, cut.back_ns) for cut in timeline.cuts)):
        yield Change(off_ns, "power", "rail", 0)
        yield Change(on_ns, "power", "rail", 1)
    for cut in timeline.cuts:
        yield Change(cut.ns, "power", "cut", _text(f"operation {cut.number} leaves: {cut.left}"))
        yield Change(cut.back_ns, "power", "cut", IDLE)
    for doing in sorted(timeline.doings, key=lambda doing: doing.began_ns):
        yield Change(doing.ended_ns, "firmware", "doing", IDLE)
        yield Change(doing.began_ns, "firmware", "doing", _text(doing.text))
    for sample in timeline.samples:
        yield Change(sample.ns, "firmware", "flag", _text(sample.flag or IDLE))
        yield Change(sample.ns, "firmware", "state", _text(sample.state or IDLE))
        for name in ("ddm", "vsm_b", "system_version"):
            yield Change(sample.ns, "firmware", name, getattr(sample, name))
    for span in timeline.spans:
        number = None if span.kind == READ else span.number
        for name, busy, idle in (
            ("busy", 1, 0), ("kind", _text(span.kind), IDLE), ("operation", number, None),
            ("about", _text(span.about or IDLE), IDLE),
        ):  # fmt: skip
            yield Change(span.ended_ns, span.device, name, idle)
            yield Change(span.began_ns, span.device, name, busy)


def _text(text: str) -> str:
    """As a value of a signal may be: in ASCII; pyvcd escapes its blanks."""
    return text.replace("…", "...").encode("ascii", "replace").decode()
