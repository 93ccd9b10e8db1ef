"""What a cut inside a program or erase leaves of a NAND page: rows of the power-loss table, by ECC codeword."""

from __future__ import annotations

from collections.abc import Sequence

from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.nand_pages import (
    Cell,
    Page,
    Stable,
    Unit,
    Units,
    UnstablePage,
    later_of,
    settled,
    spoilt,
    units_of,
)
from deltabench.hwsim.tearing import Detail


def torn_pages(old: Cell, units: Units, edges: Sequence[int], position: int, detail: Detail) -> list[tuple[str, Cell]]:
    """What a cut leaves of a program of ``units``, but for nothing; the last is all.

    ``edges``: the first unit of each codeword, and behind the last.  ``position``: the codeword for samples.
    """
    held = later_of(old)
    before = units_of(held, edges[-1])
    count, lost = len(edges) - 1, spoilt(edges[-1])
    stable: dict[Stable, str] = {}
    shaky: list[tuple[str, Stable, Stable]] = []
    for k in range(count) if detail is Detail.EVERY else [position]:
        start, end = edges[k], edges[k + 1]
        broken: tuple[Unit, ...] = (UNCORRECTABLE,) * (end - start)
        for label, page in (
            (f"all, but codeword {k} half", (*units[:start], *broken, *units[end:])),
            (f"{k} codewords and half a codeword", (*units[:start], *broken, *before[end:])),
            (f"a prefix of {k} codewords", (*units[:start], *before[start:])),
            (f"only the codewords from {k} on", (*before[:start], *units[start:])),
            (f"only codeword {k}", (*before[:start], *units[start:end], *before[end:])),
            (f"all but codeword {k}", (*units[:start], *before[start:end], *units[end:])),
        ):
            stable.setdefault(page, label)
        stable.setdefault(Page(units, _one_bit(count, k)), f"all but a bit of codeword {k}")
        shaky.append((f"all, codeword {k} unstable", (*units[:start], *broken, *units[end:]), units))
        if k:
            shaky.append((f"a prefix of {k} codewords, unstable", held, (*units[:start], *before[start:])))
    if count > 2:
        stable.setdefault(_every_other(units, before, edges), "every other codeword")
    stable.setdefault(lost, "page uncorrectable")
    stable.pop(before, None)
    stable.pop(units, None)
    shaky.append(("all or uncorrectable, unstable", lost, units))
    shaky.append(("all, unstable", held, units))
    if isinstance(old, UnstablePage):
        ways = [(label, settled(old.one, page, weak=True)) for page, label in stable.items()]
        ways += [(label, settled(one, other, weak=True)) for label, one, other in shaky]
        return [*ways, ("all", settled(old.one, units, weak=True))]
    results: list[tuple[str, Cell]] = [(label, page) for page, label in stable.items()]
    results += [(label, settled(one, other, weak=False)) for label, one, other in shaky]
    return [*results, ("all", units)]


def half_erased(page: Stable, edges: Sequence[int]) -> Stable:
    """The first half of a page's codewords is blank, one is neither, the rest is as it was."""
    half = (len(edges) - 1) // 2
    start, end = edges[half], edges[half + 1]
    units = (*[None] * start, *[UNCORRECTABLE] * (end - start), *units_of(page, edges[-1])[end:])
    return page._replace(units=units) if isinstance(page, Page) else units


def _every_other(units: Units, before: Units, edges: Sequence[int]) -> Units:
    mixed = list(units)
    for start, end in zip(edges[:-1:2], edges[1::2], strict=False):
        mixed[start:end] = before[start:end]
    return tuple(mixed)


def _one_bit(count: int, codeword: int) -> tuple[int, ...]:
    return tuple(int(number == codeword) for number in range(count))
