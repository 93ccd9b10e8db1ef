"""A crash over time as one HTML page: power, commands, each part, the firmware's maps, and the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deltabench.scenarios.counterexamples.timeline import BOOT, READ, Doing, Sample, Span, Timeline
from deltabench.tools.pictures.style import FONTS, css_variables
from deltabench.tools.pictures.time_map import TimeMap
from deltabench.tools.pictures.words import duration, short_command, shortened
from deltabench.tools.report import counted

WIDTH: Final = 1060.0
LEFT: Final = 100.0
RIGHT: Final = 14.0
BEFORE: Final = 5
BEHIND: Final = 6
"""So many media operations before the first cut, and in each recovery, are drawn."""
ROOM: Final = 62.0
LEAST_ROOM: Final = 40.0
MOST_ROOM: Final = 150.0
CHAR: Final = 6.7
"""The width of a letter of the small font."""
LINE: Final = 13.0
MOST_LINES: Final = 5
BAR: Final = 26.0
GAP: Final = 16.0
COLOURS: Final = {
    "program": ("blue", "on-blue"), "write FUA": ("green", "on-blue"), "write": ("sky", "on-bright"),
    "erase": ("orange", "on-bright"), "flush cache": ("purple", "on-bright"), READ: ("pale", "ink"),
}  # fmt: skip
KINDS: Final = {
    "program": "program", "write FUA": "durable write", "write": "write", "erase": "erase",
    "flush cache": "flush of the cache", READ: "read",
}  # fmt: skip
"""What the colours stand for.  A write of an NVRAM is durable at once, and one of a disk is in its cache."""


class Box(NamedTuple):
    """A rectangle; ``fill`` is the name of a colour, ``kind`` a class of the style sheet."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    kind: str = ""
    tip: str = ""


class Line(NamedTuple):
    """A line through points; ``kind`` is a class of the style sheet."""

    points: tuple[tuple[float, float], ...]
    kind: str


class Text(NamedTuple):
    """Words at a place: ``anchor`` is start, middle or end of them."""

    x: float
    y: float
    text: str
    kind: str = ""
    anchor: str = "start"


class Drawing(NamedTuple):
    """All that is drawn, back to front."""

    height: float
    boxes: list[Box]
    lines: list[Line]
    texts: list[Text]


class Window(NamedTuple):
    """What of a timeline is drawn."""

    first_ns: int
    last_ns: int
    spans: tuple[Span, ...]
    left_out: int
    """Operations of a recovery that there was no room for."""


def timeline_page(timeline: Timeline, sentences: Sequence[str] = ()) -> str:
    """The page; ``sentences`` explain the verdict."""
    window = window_of(timeline)
    story, variant = timeline.story, timeline.variant
    violation = story.violation
    what = f"{violation.rule.value} is violated" if violation else "all rules hold"
    title = f"Power is cut during {story.doing}: {what}" if timeline.cuts else f"No power cut: {what}"
    notes = [f"{cut_words(timeline, number)}." for number in range(len(timeline.cuts))]
    if window.left_out:
        notes.append(f"The last {window.left_out} operations of the recovery are not drawn.")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("timeline.html.jinja").render(
        title=title,
        crash=str(story.crash),
        about=f"{variant.scenario.document.title}; {variant.scheme} on {variant.firmware.store.value}, "
        f"{counted(variant.firmware.units, 'unit')} of {counted(variant.firmware.sectors_per_unit, 'sector')}",
        violation=f"{violation.rule.value}: {violation.detail}" if violation else "",
        sentences=sentences,
        notes=notes,
        drawing=draw(timeline, window),
        width=WIDTH,
        legend=[(KINDS[kind], COLOURS[kind][0]) for kind in KINDS if any(span.kind == kind for span in window.spans)],
        version=version("deltabench"),
        colours=css_variables(),
        fonts=FONTS,
    )


def cut_words(timeline: Timeline, number: int) -> str:
    """A cut in one sentence, without its full stop."""
    cut = timeline.cuts[number]
    which = "Power is cut" if number == 0 else "It is cut again"
    span = next((span for span in timeline.spans if span.is_cut and span.ended_ns == cut.ns), None)
    where = f"in operation {cut.number}, {span.text}" if span else "between two operations"
    reading = f"; {cut.reading} then" if cut.reading else ""
    return f"{which} {where}; it leaves: {cut.left}{reading}"


def window_of(timeline: Timeline) -> Window:
    """From a few operations before the first cut to the end of the last recovery."""
    changes = [span for span in timeline.spans if span.kind != READ]
    if not timeline.cuts:
        shown, left_out = changes[-(BEFORE + BEHIND) :], 0
        last_ns = timeline.end_ns
    else:
        first_ns = timeline.cuts[0].ns
        shown = [span for span in changes if span.began_ns <= first_ns and span.ended_ns <= first_ns][-BEFORE - 1 :]
        later = [span for span in changes if span.began_ns > first_ns]
        shown, left_out = [*shown, *later[:BEHIND]], max(len(later) - BEHIND, 0)
        last_ns = shown[-1].ended_ns if left_out else timeline.end_ns
    began_ns = shown[0].began_ns if shown else 0
    doing = max((doing.began_ns for doing in timeline.doings if doing.began_ns <= began_ns), default=0)
    reads = [span for span in timeline.spans if span.kind == READ and doing <= span.began_ns <= last_ns]
    return Window(doing, last_ns, (*reads, *shown), left_out)


def draw(timeline: Timeline, window: Window) -> Drawing:
    """All lanes, from the top down."""
    return _Drawer(timeline, window).drawing


class _Drawer:
    def __init__(self, timeline: Timeline, window: Window) -> None:
        self._timeline, self._window = timeline, window
        first, last = window.first_ns, window.last_ns
        self._doings = [doing for doing in timeline.doings if first <= doing.began_ns < last]
        changes = [span for span in window.spans if span.kind != READ]
        offs = [(cut.ns, cut.back_ns) for cut in timeline.cuts] + list(timeline.cycles)
        self._offs = [(max(off, first), min(on, last)) for off, on in offs if off < last and on > first]
        edges = [first, last, *(ns for pair in self._offs for ns in pair)]
        edges += [ns for span in changes for ns in (span.began_ns, span.ended_ns)]
        edges += [ns for doing in self._doings for ns in (doing.began_ns, doing.ended_ns)]
        room = max(min(ROOM, (WIDTH - LEFT - RIGHT) * 0.85 / max(len(changes) + 1, 1)), LEAST_ROOM)
        wide = [(span.began_ns, span.ended_ns, room) for span in changes]
        wide += [(off, on, ROOM) for off, on in self._offs]
        ready_ns = max((doing.ended_ns for doing in timeline.doings), default=0)
        self._ready = (ready_ns, last) if timeline.cuts and first < ready_ns < last else None
        wide += [(*self._ready, ROOM)] if self._ready else []
        self._x = TimeMap([ns for ns in edges if first <= ns <= last], wide, LEFT, WIDTH - LEFT - RIGHT)
        self._boxes: list[Box] = []
        self._lines: list[Line] = []
        self._texts: list[Text] = []
        self._y = 34.0
        self._power()
        self._host()
        for device, part in timeline.devices:
            if any(span.device == device for span in window.spans):
                self._device(device, part)
        self._flag()
        self._count("DDM", "units written", "ddm")
        self._count("VSM", "units on B", "vsm_b")
        self._axis()
        self._to_scale()
        self._cut_lines()
        self.drawing = Drawing(self._y + 6, self._boxes, self._lines, self._texts)

    def _lane(self, name: str, below: str, height: float) -> float:
        """Name a lane and make room for it; returns its top."""
        top = self._y
        self._texts.append(Text(8, top + height / 2 + (-2 if below else 5), name, "lane"))
        if below:
            self._texts.append(Text(8, top + height / 2 + 13, below, "small"))
        self._y += height + GAP
        return top

    def _power(self) -> None:
        top = self._lane("power", "", 34)
        high, low = top + 5, top + 29
        points, level = [(LEFT, high)], high
        for off, on in sorted(self._offs):
            points += [(self._x(off), level), (self._x(off), low), (self._x(on), low), (self._x(on), high)]
            self._boxes.append(Box(self._x(off), high, self._x(on) - self._x(off), low - high, "pale"))
            middle = (self._x(off) + self._x(on)) / 2
            self._texts.append(Text(middle, (high + low) / 2 + 4, "off", "small", "middle"))
        points.append((WIDTH - RIGHT, level))
        self._lines.append(Line(tuple(points), "rail"))

    def _host(self) -> None:
        top = self._lane("controller", "", BAR)
        for doing in self._doings:
            x, end = self._x(doing.began_ns), self._x(min(doing.ended_ns, self._window.last_ns))
            self._boxes.append(Box(x, top, max(end - x, 1), BAR, "paper", "doing", doing.text))
            text = _fitting(_doing_words(doing), end - x - 8)
            if text:
                self._texts.append(Text((x + end) / 2, top + 17, text, "", "middle"))

        if self._ready:
            x, end = map(self._x, self._ready)
            self._texts.append(Text((x + end) / 2, top + 17, "ready", "small", "middle"))

    def _device(self, device: str, part: str) -> None:
        spans = [span for span in self._window.spans if span.device == device]
        changes = [span for span in spans if span.kind != READ]
        lines = [self._label(spans, span) for span in changes]
        height = BAR + LINE * max((len(label) for label in lines), default=0) + (4 if lines else 0)
        top = self._y
        self._texts.append(Text(8, top + 12, device, "lane"))
        self._texts.append(Text(8, top + 27, shortened(part, 15), "small"))
        self._lines.append(Line(((LEFT, top + BAR), (WIDTH - RIGHT, top + BAR)), "ground"))
        for span in spans:
            x, end = self._x(span.began_ns), self._x(span.ended_ns)
            fill, ink = COLOURS[span.kind]
            kind = "read" if span.kind == READ else "cut" if span.is_cut else ""
            tip = f"{span.text or span.kind}, {duration(span.ended_ns - span.began_ns)}"
            rise = BAR / 2 if span.kind == READ else BAR
            self._boxes.append(Box(x, top + BAR - rise, max(end - x, 1.5), rise, fill, kind, tip))
            if span.kind != READ and end - x > 14:
                self._texts.append(Text((x + end) / 2, top + 17, str(span.number), f"on {ink}", "middle"))
        for span, label in zip(changes, lines, strict=True):
            middle = (self._x(span.began_ns) + self._x(span.ended_ns)) / 2
            # The line of the cut goes down beside the name of what it falls in.
            x, anchor = (self._x(span.ended_ns) - 5, "end") if span.is_cut else (middle, "middle")
            for number, words in enumerate(label):
                self._texts.append(Text(x, top + BAR + LINE * (number + 1), words, "small", anchor))
        self._y += height + GAP

    def _label(self, spans: Sequence[Span], span: Span) -> list[str]:
        """What an operation is about, folded into the room that there is up to its neighbours."""
        others = [other for other in spans if other.kind != READ and other is not span]
        x, end = self._x(span.began_ns), self._x(span.ended_ns)
        middle = (x + end) / 2
        if span.is_cut:
            room = end - max([self._x(other.ended_ns) for other in others if other.ended_ns <= span.began_ns] + [LEFT])
        else:
            # The name of what was cut stands a little to the left.
            nearest = (
                abs((self._x(other.began_ns) + self._x(other.ended_ns)) / 2 - middle) - 14 * other.is_cut
                for other in others
            )
            room = min([*nearest, 2 * (middle - LEFT) + 10, 2 * (WIDTH - middle)])
        letters = max(int(min(room, MOST_ROOM) / CHAR), 7)
        words = textwrap.wrap(span.about or span.text, letters, break_long_words=False)
        return words if len(words) <= MOST_LINES else [*words[: MOST_LINES - 1], f"{words[MOST_LINES - 1]} …"]

    def _runs(self) -> Iterator[tuple[Sample, float, float]]:
        """What the firmware has from where to where."""
        first, last = self._window.first_ns, self._window.last_ns
        samples = self._timeline.samples
        for place, sample in enumerate(samples):
            until = samples[place + 1].ns if place + 1 < len(samples) else last
            if until > first and sample.ns < last:
                yield sample, self._x(max(sample.ns, first)), self._x(min(until, last))

    def _flag(self) -> None:
        top = self._lane("save flag", "", 22)
        runs: list[tuple[str | None, float, float]] = []
        for sample, x, end in self._runs():
            if runs and runs[-1][0] == sample.flag:
                runs[-1] = (sample.flag, runs[-1][1], end)
            else:
                runs.append((sample.flag, x, end))
        for flag, x, end in runs:
            if flag is None:
                self._boxes.append(Box(x, top, end - x, 22, "pale", "unknown", "nothing in RAM yet"))
                continue
            words = "none in this scheme" if flag == "-" else flag
            fill = "paper" if flag in ("-", "idle") else "orange"
            self._boxes.append(Box(x, top, end - x, 22, fill, "doing", words))
            text = _fitting(words, end - x - 4) or _fitting(words[:3], end - x - 2)
            kind = "on on-bright" if fill == "orange" else "small"
            self._texts.append(Text((x + end) / 2, top + 15, text, kind, "middle"))

    def _count(self, name: str, below: str, field: str) -> None:
        height = 40.0
        top = self._lane(name, below, height)
        values = [getattr(sample, field) for sample, _, _ in self._runs()]
        most = max([value for value in values if value is not None] + [1])
        points: list[tuple[float, float]] = []
        shown: int | None = None
        for (_, x, end), value in zip(self._runs(), values, strict=True):
            if value is None:
                self._boxes.append(Box(x, top, end - x, height, "pale", "unknown", "nothing in RAM yet"))
                self._step(points)
                points, shown = [], None
                continue
            y = top + height - 4 - (height - 18) * value / most
            points += [(x, y), (end, y)]
            if value != shown:
                self._texts.append(Text(x + 4, y - 4, str(value), "count"))
            shown = value
        self._step(points)

    def _step(self, points: list[tuple[float, float]]) -> None:
        if points:
            self._lines.append(Line(tuple(points), "step"))

    def _axis(self) -> None:
        top, zero = self._y - 4, self._zero
        changes = [span.began_ns for span in self._window.spans if span.kind != READ]
        ticks = [zero, self._window.last_ns, self._window.first_ns, *sorted(changes)]
        taken: list[tuple[float, float]] = []
        for ns in ticks:
            x = self._x(ns)
            sign = "−" if ns < zero else "+"
            text = f"{sign}{duration(abs(ns - zero))}" if ns != zero else "0"
            anchor = "end" if x > WIDTH - RIGHT - 30 else "start" if x < LEFT + 30 else "middle"
            wide = CHAR * len(text) + 10
            left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
            if any(left < end and begin < left + wide for begin, end in taken):
                continue
            taken.append((left, left + wide))
            self._lines.append(Line(((x, top), (x, top + 5)), "tick"))
            self._texts.append(Text(x, top + 18, text, "small", anchor))
        self._lines.append(Line(((LEFT, top), (WIDTH - RIGHT, top)), "tick"))
        self._texts.append(Text(8, top + 14, "time", "lane"))
        self._y += 26

    @property
    def _zero(self) -> int:
        """Time is told from the first cut on."""
        return self._timeline.cuts[0].ns if self._timeline.cuts else self._window.first_ns

    def _to_scale(self) -> None:
        top = self._lane("to scale", duration(self._window.last_ns - self._window.first_ns), 20)
        first, width = self._window.first_ns, WIDTH - LEFT - RIGHT
        scale = width / max(self._window.last_ns - first, 1)
        self._boxes.append(Box(LEFT, top + 4, width, 12, "pale"))
        for span in self._window.spans:
            if span.kind != READ:
                x, end = (LEFT + (ns - first) * scale for ns in (span.began_ns, span.ended_ns))
                tip = f"operation {span.number}, {duration(span.ended_ns - span.began_ns)}"
                self._boxes.append(Box(x, top + 4, max(end - x, 1), 12, COLOURS[span.kind][0], "", tip))
        for off, on in self._offs:
            x, end = (LEFT + (ns - first) * scale for ns in (off, on))
            self._boxes.append(Box(x, top + 4, max(end - x, 1), 12, "paper", "", "power is off"))
            self._lines.append(Line(((x, top), (x, top + 20)), "cut-line"))

    def _cut_lines(self) -> None:
        for number, cut in enumerate(self._timeline.cuts, 1):
            if cut.ns > self._window.last_ns:
                continue
            x = self._x(cut.ns)
            which = "power cut" if len(self._timeline.cuts) == 1 else f"power cut {number}"
            self._lines.append(Line(((x, 22), (x, self._y - 68)), "cut-line"))
            anchor = "end" if x > WIDTH - 60 else "middle"
            self._texts.append(Text(x, 16, which, "cut-name", anchor))


def _doing_words(doing: Doing) -> str:
    return "boot" if doing.text == BOOT else short_command(doing.text)


def _fitting(text: str, room: float) -> str:
    """As much of a text as there is room for; nothing where that says nothing."""
    letters = int(room / 7.2)
    if len(text) <= letters:
        return text
    return f"{text[: letters - 1]}…" if letters > 3 else ""
