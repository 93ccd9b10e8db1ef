"""Numbers as titles and tables have them: durations, shares, lists of names."""

from __future__ import annotations

from collections.abc import Sequence

_TIMES = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def duration(ns: float) -> str:
    """Three digits and a unit: ``3.1 ms``, ``412 µs``, ``1,204 s``."""
    for size, unit in _TIMES:
        if ns >= 0.9995 * size:
            return f"{digits(ns / size)} {unit}"
    return "0 ns"


def digits(value: float) -> str:
    """Three digits that count, and no fewer than the whole number has: ``0.0312``, ``3.1``, ``1,204``."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{value:.2g}" if "e" in text else text


def share(part: float, whole: float) -> str:
    """Percent: ``71 %``; ``under 1 %`` and ``over 99 %`` where rounding would say none or all of it."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "under 1 %"
    if 99 < percent < 100:
        return "over 99 %"
    return f"{percent:.0f} %"


def times(ratio: float) -> str:
    """A ratio: ``twice``, ``1.9 times``."""
    rounded = float(f"{ratio:.2g}")
    return "twice" if rounded == 2 else f"{digits(rounded)} times"


def occasions(count: int) -> str:
    """How often: ``once``, ``twice``, ``381 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def capital(sentence: str) -> str:
    """With a capital letter at its beginning, unless that is a name."""
    first = sentence.split(" ", 1)[0]
    named = any(sign in first for sign in "-_:./0123456789")
    return sentence if named else sentence[:1].upper() + sentence[1:]


def short_command(text: str) -> str:
    """A command without what all of its kind have in common: ``WRITE LBA 3+1`` for ``WRITE DMA EXT LBA 3+1``."""
    for long, short in (("WRITE DMA FUA EXT", "WRITE FUA"), ("WRITE DMA EXT", "WRITE"), ("READ DMA EXT", "READ")):
        text = text.replace(long, short)
    return text.replace("FLUSH CACHE EXT", "FLUSH")


def named(cause: str) -> str:
    """What bytes are written for and time goes to, in a sentence."""
    if cause == "translation":
        return "the translation layer"
    return cause if cause in ("data", "copies", "maps", "labels", "other") else f"the {cause}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a, b and c``; of many, the first and how many more."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def shortened(name: str, most: int = 28) -> str:
    """A name that fits an axis: its middle is left out."""
    if len(name) <= most:
        return name
    head = (most - 1) * 2 // 3
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def file_name(text: str) -> str:
    """Text as a file name and as an id: letters, digits and hyphens."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())
    return "-".join(part for part in kept.split("-") if part) or "unnamed"
