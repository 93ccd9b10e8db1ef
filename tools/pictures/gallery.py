"""Which pictures a document can give, in chapters.

A new picture is a function that takes typed data and returns a Picture; it gets its place here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeVar

from deltabench.scenarios.documents import (
    Document,
    Endurance,
    EnduredRun,
    HeldUp,
    HoldUp,
    Judged,
    MeasuredRun,
    Measurement,
    Region,
    Wear,
)
from deltabench.tools.pictures.allocation import allocation_picture
from deltabench.tools.pictures.amplification import amplification_picture, written
from deltabench.tools.pictures.between_saves import Fill, fill_of, fill_picture, flow_picture
from deltabench.tools.pictures.crash_map import crash_map_picture, in_order_picture
from deltabench.tools.pictures.flash import Programmed, flash_picture
from deltabench.tools.pictures.growth import Growth, growth_picture
from deltabench.tools.pictures.holdup import holdup_picture
from deltabench.tools.pictures.latency import Timed, latency_picture, phases_picture
from deltabench.tools.pictures.maps import maps_picture
from deltabench.tools.pictures.over_time import (
    NAND_BLOCK,
    NOR_SECTOR,
    Line,
    erases_picture,
    life_title,
    wear_out_table,
)
from deltabench.tools.pictures.recoveries import recoveries_picture
from deltabench.tools.pictures.style import Picture
from deltabench.tools.pictures.verdicts import verdicts_picture
from deltabench.tools.pictures.wear import moves_picture, wear_picture
from deltabench.tools.pictures.words import capital, file_name, listed

Run = TypeVar("Run", MeasuredRun, EnduredRun)


class Chapter(NamedTuple):
    """Pictures of one kind."""

    title: str
    pictures: tuple[Picture, ...]


def chapters(document: Document) -> list[Chapter]:
    """All pictures of a document; chapters that would be empty are left out."""
    if isinstance(document, Measurement):
        found = _measured(document.runs)
    elif isinstance(document, Endurance):
        found = _endured(document.runs)
    elif isinstance(document, HoldUp):
        found = _held_up(document.runs)
    else:
        found = _judged(document.results)
    used: dict[str, int] = {}
    return [
        Chapter(title, tuple(_named_once(picture, used) for picture in pictures))
        for title, pictures in found
        if pictures
    ]


def _named_once(picture: Picture, used: dict[str, int]) -> Picture:
    """Runs may differ only in signs that file names do not have."""
    used[picture.name] = used.get(picture.name, 0) + 1
    return picture if used[picture.name] == 1 else picture._replace(name=f"{picture.name}-{used[picture.name]}")


def labels_of(runs: Sequence[MeasuredRun | EnduredRun | Judged | HeldUp]) -> list[str]:
    """Each run's name: without the scenario if there is only one, for then it stands above all of them."""
    names = [run.run for run in runs]
    scenarios = {name.rpartition(":")[0] for name in names}
    return [name.rpartition(":")[2] for name in names] if len(scenarios) == 1 else names


def _alike(runs: Sequence[Run], labels: Sequence[str], data: Callable[[Run], Hashable]) -> list[tuple[Run, str]]:
    """One of each set of runs that ``data`` does not tell apart, with the names of all of them."""
    found: dict[Hashable, tuple[Run, list[str]]] = {}
    for run, label in zip(runs, labels, strict=True):
        found.setdefault(data(run), (run, []))[1].append(label)
    return [(run, listed(names)) for run, names in found.values()]


def _headed(label: str, picture: Picture, several: bool) -> Picture:
    return picture._replace(title=f"{label}: {picture.title}" if several else capital(picture.title))


def _each(
    what: str, runs: Sequence[Run], data: Callable[[Run], Hashable], make: Callable[[str, Run], Picture]
) -> list[Picture]:
    """A picture of each run; one for all those of a scenario that it would be the same for."""
    groups = _by_scenario(runs)
    pictures = []
    for scenario, group, labels in groups:
        alike = _alike(group, labels, data)
        for run, label in alike:
            parts = [scenario] if len(groups) > 1 else []
            parts += [label] if len(alike) > 1 else []
            picture = make(file_name(f"{what}-{run.run if len(alike) > 1 else scenario or run.run}"), run)
            pictures.append(_headed(", ".join(parts), picture, bool(parts)))
    return pictures


def _wear(runs: Sequence[Run]) -> list[Picture]:
    """Part by part, and for each the runs one after another; one for those in which it wore alike."""
    kinds = dict.fromkeys((wear.device, wear.what) for run in runs for wear in run.wear)
    pictures = []
    for device, what in kinds:
        found = [
            (run, label, wear)
            for run, label in zip(runs, labels_of(runs), strict=True)
            for wear in run.wear
            if (wear.device, wear.what) == (device, what)
        ]
        alike: dict[Hashable, list[str]] = {}
        for run, label, wear in found:
            alike.setdefault((wear, _regions(run)), []).append(label)
        for run, label, wear in found:
            labels = alike[wear, _regions(run)]
            if label == labels[0]:
                flash = next((each for each in run.flash if (each.device, what) == (device, "erase")), None)
                picture = wear_picture(file_name(f"wear-{device}-{what}-{run.run}"), wear, _regions(run), flash)
                pictures.append(_headed(listed(labels), picture, len(labels) < len(runs)))
    return pictures


def _flash(runs: Sequence[Run]) -> list[Picture]:
    """Part by part, all runs of a scenario beside one another."""
    groups = _by_scenario(runs)
    pictures = []
    for scenario, group, labels in groups:
        for device in dict.fromkeys(flash.device for run in group for flash in run.flash):
            found = [
                Programmed(label, flash)
                for run, label in zip(group, labels, strict=True)
                for flash in run.flash
                if flash.device == device
            ]
            name = f"flash-{device}-{scenario}" if isinstance(group[0], MeasuredRun) else f"flash-{device}"
            picture = flash_picture(file_name(name), device, found)
            pictures.append(_headed(scenario, picture, len(groups) > 1))
    return pictures


def _regions(run: MeasuredRun | EnduredRun) -> tuple[Region, ...]:
    return run.regions if isinstance(run, MeasuredRun) else ()


def _by_scenario(runs: Sequence[Run]) -> list[tuple[str, list[Run], list[str]]]:
    """Runs that can be held against one another, with their labels; the scenario stands before the last colon."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.run.rpartition(":")[0], []).append(run)
    return [(scenario, group, labels_of(group)) for scenario, group in found.items()]


def _measured(runs: Sequence[MeasuredRun]) -> list[tuple[str, list[Picture]]]:
    groups = _by_scenario(runs)
    several = len(groups) > 1
    amplification, latency, erases = [], [], []
    for scenario, group, labels in groups:
        pairs = list(zip(group, labels, strict=True))
        amplification.append(
            _headed(
                scenario,
                amplification_picture(
                    file_name(f"amplification-{scenario}"), [written(label, run.counters) for run, label in pairs]
                ),
                several,
            )
        )
        lines = [
            Line(
                label,
                tuple(float(m.command) for m in run.timeline),
                tuple(m.erases for m in run.timeline),
                _erased_sectors(run.wear),
                _erased_cells(run.wear),
            )
            for run, label in pairs
        ]
        erases.append(_headed(scenario, erases_picture(file_name(f"erases-{scenario}"), lines, "command"), several))
        commands: dict[str, list[Timed]] = {}
        for run, label in pairs:
            for timed in run.latency:
                commands.setdefault(timed.command, []).append(Timed(label, timed))
        if commands:
            phases = phases_picture(file_name(f"time-{scenario}"), list(commands.items()))
            latency.append(_headed(scenario, phases, several))
        for command in ("SAVE", "RESTORE"):
            lines_of = _growth(command, group)
            if lines_of:
                picture = growth_picture(file_name(f"growth-{command}-{scenario}"), command, lines_of)
                latency.append(_headed(scenario, picture, several))
        for command, found in commands.items():
            picture = latency_picture(file_name(f"latency-{command}-{scenario}"), command, found)
            latency.append(_headed(scenario, picture, several))
    return [
        (
            "Volumes before and after a save",
            _each(
                "allocation",
                runs,
                lambda run: (run.maps, run.units),
                lambda name, run: allocation_picture(name, run.maps, run.units),
            ),
        ),
        (
            "Maps step by step",
            _each(
                "maps",
                runs,
                lambda run: (run.maps, run.units),
                lambda name, run: maps_picture(name, run.maps, run.units),
            ),
        ),
        ("Between saves", _between_saves(runs, "command")),
        ("Write amplification", amplification),
        ("Translation layer", _flash(runs)),
        ("Latency", latency),
        ("Erases over time", erases),
        ("Wear", _wear(runs)),
    ]


def _erased_sectors(wear: Sequence[Wear]) -> int | None:
    """How many were erased at all; None where wear was not kept, and where blocks of NAND flash take turns."""
    if _erased_cells(wear) != (NOR_SECTOR,):
        return None
    erased = [part.counts for part in wear if part.what == "erase"]
    return sum(count > 0 for counts in erased for count in counts) if erased else None


def _erased_cells(wear: Sequence[Wear]) -> tuple[str, ...]:
    """What can be erased of what was worn."""
    cells = {part.cell.split()[0] for part in wear if part.what == "erase"}
    kinds = {"sector": NOR_SECTOR, "block": NAND_BLOCK}
    return tuple(kind for cell, kind in kinds.items() if cell in cells) or (NOR_SECTOR,)


def _growth(command: str, runs: Sequence[MeasuredRun]) -> list[Growth]:
    """The medians of a command by number of units, for each scheme and store that was run with more than one."""
    found: dict[str, dict[int, int]] = {}
    for run in runs:
        for latency in run.latency:
            if latency.command == command:
                found.setdefault(f"{run.scheme}-{run.atom_store}", {})[run.units] = latency.percentiles_ns["50"]
    return [Growth(label, tuple(sorted(points.items()))) for label, points in found.items() if len(points) > 1]


def _fill(run: MeasuredRun | EnduredRun) -> Fill:
    """DDM over a run, and what the run knows exactly of it."""
    if isinstance(run, EnduredRun):
        return fill_of(run.timeline, run.most_ddm)
    return fill_of(run.timeline, run.most_ddm, run.moving_saves, run.largest_save)


def _between_saves(runs: Sequence[Run], unit: str) -> list[Picture]:
    def data(run: Run) -> Hashable:
        return (_fill(run), run.units)

    def fill(name: str, run: Run) -> Picture:
        return fill_picture(name, _fill(run), run.units, unit)

    def flow(name: str, run: Run) -> Picture:
        return flow_picture(name, _fill(run), run.units, unit)

    def moves(name: str, run: Run) -> Picture:
        return moves_picture(name, run.unit_moves)

    return [
        *_each("ddm", runs, data, fill),
        *_each("flow", runs, data, flow),
        *_each("moves", runs, lambda run: run.unit_moves, moves),
    ]


def _endured(runs: Sequence[EnduredRun]) -> list[tuple[str, list[Picture]]]:
    labels = labels_of(runs)
    pairs = list(zip(runs, labels, strict=True))
    devices = dict.fromkeys(device for run in runs for day in run.timeline for device in day.erases)
    over_time = []
    for device in devices:
        erased = _erased_cells([wear for run in runs for wear in run.wear if wear.device == device])
        for most_worn in (False, True):
            lines = [
                Line(
                    label,
                    tuple(day.day for day in run.timeline),
                    tuple((day.most_worn if most_worn else day.erases).get(device, 0) for day in run.timeline),
                    None if most_worn else _erased_sectors([wear for wear in run.wear if wear.device == device]),
                    erased,
                )
                for run, label in pairs
            ]
            name = file_name(f"{'most-worn' if most_worn else 'erases'}-{device}")
            rows = [(label, row) for run, label in pairs for row in run.wear_out if row.device == device]
            rated = min((row.endurance for _, row in rows if row.endurance), default=None)
            picture = erases_picture(name, lines, "day", most_worn=most_worn, rated=rated if most_worn else None)
            if most_worn and picture.draw:
                title = life_title(rows) or picture.title
                picture = picture._replace(title=title, table=wear_out_table(rows))
            over_time.append(_headed(device, picture, several=True))
    amplification = [amplification_picture("amplification", [written(label, run.counters) for run, label in pairs])]
    return [
        ("Erases over time", over_time),
        ("Write amplification", amplification),
        ("Translation layer", _flash(runs)),
        ("Between saves", _between_saves(runs, "day")),
        ("Wear", _wear(runs)),
    ]


def _judged(results: Sequence[Judged]) -> list[tuple[str, list[Picture]]]:
    pictures = [verdicts_picture("verdicts", results)] if len(results) > 1 else []
    scenarios = {result.scenario for result in results}
    for result in results:
        several = [
            crash_map_picture(file_name(f"crash-map-{result.run}"), result),
            in_order_picture(file_name(f"crash-map-in-order-{result.run}"), result),
            recoveries_picture(file_name(f"recoveries-{result.run}"), result),
        ]
        pictures += [_headed(result.scenario, picture, len(scenarios) > 1) for picture in several if picture]
    return [("Crash states", pictures)]


def _held_up(runs: Sequence[HeldUp]) -> list[tuple[str, list[Picture]]]:
    found: dict[str, list[HeldUp]] = {}
    for run in runs:
        found.setdefault(run.scenario, []).append(run)
    pictures = []
    for scenario, group in found.items():
        picture = holdup_picture(file_name(f"holdup-{scenario}"), list(zip(labels_of(group), group, strict=True)))
        pictures.append(_headed(scenario, picture, len(found) > 1))
    return [("Hold-up time", pictures)]
