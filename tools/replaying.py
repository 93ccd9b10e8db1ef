"""``deltabench replay``: one crash told step by step, with VSM, DDM and flags as figures 9A to 9E show them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from deltabench.firmware_model.controller import MapsView
from deltabench.scenarios.crash_id import CrashId, parse_crash_id
from deltabench.scenarios.replay import Story, tell
from deltabench.scenarios.scenario import Variant, find_scenario
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console
from deltabench.tools.exits import Exit
from deltabench.tools.finding import wrap_option, wrapped
from deltabench.tools.result_files import check_result_files, force_option

MOST_UNITS_DRAWN = 64
MOST_CHANGES = 6
given_file = click.Path(path_type=Path, dir_okay=False)


@click.command("replay", short_help="Tell one crash step by step.")
@click.argument("crash_id", metavar="ID")
@click.option("--timeline", type=given_file, help="Draw it over simulated time, as an HTML page.")
@click.option("--vcd", type=given_file, help="Write it as waveforms, with a .gtkw file beside them for GTKWave.")
@force_option
@wrap_option
def replay_command(crash_id: str, timeline: Path | None, vcd: Path | None, force: bool, wrap: bool) -> int:
    """Run one crash again and tell it: each media operation around the cut, and the maps before and after.

    Exits with 1 if the crash violates a rule, and with 0 if it does not.
    """
    if vcd is not None and not vcd.name:
        raise click.UsageError("--vcd names no file")
    gtkw = vcd.with_suffix(".gtkw") if vcd else None
    check_result_files({"--timeline": timeline, "--vcd": vcd, "--vcd (its .gtkw)": gtkw}, force=force)
    crash = parse_crash_id(crash_id)
    scenario = find_scenario(crash.scenario)
    variant = (wrapped(scenario) if wrap else scenario).variant(crash.variant)
    story = tell(variant, crash)
    if timeline or vcd:
        _write_timeline(variant, crash, timeline, vcd)
    print_story(make_console(), story)
    return Exit.VIOLATED if story.violation else Exit.OK


def _write_timeline(variant: Variant, crash: CrashId, page: Path | None, vcd: Path | None) -> None:
    # Imported here, so that the command line answers before numpy is loaded.
    from deltabench.scenarios.counterexamples.explain import explain
    from deltabench.scenarios.counterexamples.timeline import record
    from deltabench.tools.pictures.timeline import timeline_page
    from deltabench.tools.waveforms import as_gtkw, as_vcd

    recorded = record(variant, crash)
    if page is not None:
        sentences = explain(variant, crash).sentences if recorded.story.violation and recorded.cuts else ()
        write_whole(page, timeline_page(recorded, sentences))
    if vcd is not None:
        write_whole(vcd, as_vcd(recorded))
        write_whole(vcd.with_suffix(".gtkw"), as_gtkw(recorded, vcd))


def print_story(console: Console, story: Story) -> None:
    """The whole story, from the operations before the first cut to what the host reads."""
    console.print(f"[bold]{escape(str(story.crash))}[/bold]")
    console.print(f"The device is doing: {escape(story.doing)}\n")
    events = story.events
    first = next((event.maps for event in events if event.maps), None)
    if first:
        _print_maps(console, "maps", first)
    shown, loaded = first, True
    for event in events:
        if event.kind == "operation":
            # The controller's maps change just before the operation that makes the change durable.
            change = ""
            if event.maps and (loaded or not _is_blank(event.maps)):
                change, shown, loaded = changes(shown, event.maps), event.maps, True
            line = f"{event.number:>6}  {event.text}"
            console.print(f"{escape(line)}{f'   [cyan]{escape(change)}[/cyan]' if change else ''}")
        elif event.kind == "cut":
            console.print(f"[bold red]   cut[/bold red]  {escape(event.text)}")
        else:
            console.print(f"[bold]  boot[/bold]  {escape(event.text)}")
            loaded = False
    if story.last_maps:
        console.print()
        _print_maps(console, "after the recovery", story.last_maps)
    if story.violation:
        rule, detail = story.violation.rule.value, escape(story.violation.detail)
        console.print(f"[bold red]{rule} is violated[/bold red]: {detail}")
    else:
        console.print("[green]All rules hold after this crash.[/green]")


def _is_blank(maps: MapsView) -> bool:
    """Whether these are the maps of a controller that has just been powered on, and has not loaded any yet."""
    return not maps.vsm | maps.ddm | maps.system_version


def changes(before: MapsView | None, after: MapsView | None) -> str:
    """What an operation changed in the controller's maps, in words: ``DDM[3] 0→1, flag idle→switching``."""
    if before is None or after is None:
        return ""
    words = []
    for name, old, new, values in (("VSM", before.vsm, after.vsm, "AB"), ("DDM", before.ddm, after.ddm, "01")):
        units = [unit for unit in range(before.units) if (old ^ new) >> unit & 1]
        words += [f"{name}[{u}] {values[old >> u & 1]}→{values[new >> u & 1]}" for u in units[:MOST_CHANGES]]
        if len(units) > MOST_CHANGES:
            words.append(f"{name} of {len(units) - MOST_CHANGES} more units")
    if before.flag != after.flag:
        words.append(f"flag {before.flag}→{after.flag}")
    if before.system_version != after.system_version:
        words.append(f"system version {before.system_version}→{after.system_version}")
    return ", ".join(words)


def _print_maps(console: Console, title: str, maps: MapsView) -> None:
    """VSM as A and B, DDM as bits, unit 0 on the left; of a large volume only how many units there are of each."""
    head = f"{title}: flag {maps.flag}, system version {maps.system_version}"
    if maps.units > MOST_UNITS_DRAWN:
        console.print(
            f"{head}; {maps.units} units, {maps.vsm.bit_count()} with their primary on B, "
            f"{maps.ddm.bit_count()} written since T0\n"
        )
        return
    vsm = "".join("AB"[maps.vsm >> unit & 1] for unit in range(maps.units))
    ddm = "".join(".1"[maps.ddm >> unit & 1] for unit in range(maps.units))
    console.print(f"{head}\n  VSM  {vsm}\n  DDM  {ddm}\n")
