"""What ``deltabench image inspect`` and ``image diff`` print, the most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from deltabench.scenarios.images.documents import (
    AreaSeen,
    BlockSeen,
    ImageDiff,
    Inspected,
    LabelSeen,
    LayerSeen,
    MapsSeen,
    RuleSeen,
    SlotSeen,
)
from deltabench.scenarios.images.maps import FLAGS
from deltabench.scenarios.images.units import shown_units
from deltabench.scenarios.images.words import shown_id
from deltabench.tools.console import print_table

MOST_UNITS_DRAWN = 64
MOST_OPERATIONS = 12
SHOWN_DIGITS = 12
MOST_DIFFERENCES = 40
STYLES = {"held": "green", "mended": "yellow", "broken": "bold red", "open": "dim", "none": "dim"}
ROLES = {
    "free": "free",
    "waiting": "free once data name the checkpoint",
    "data": "with data",
    "checkpoint": "with the checkpoint",
    "bad": "bad",
}
WORDS = {"held": "holds", "mended": "mended by the boot", "broken": "BROKEN", "open": "cannot be said", "none": "–"}


def print_inspection(console: Console, seen: Inspected, *, everything: bool, units: int | None) -> None:
    """Verdict, broken rules, maps, what a boot does, structures; ``units`` are those whose entries are wanted."""
    _print_verdict(console, seen)
    if seen.maps is not None:
        _print_maps(console, seen.maps, seen.boot.outcome == "ready")
        if units is not None:
            _print_units(console, seen.maps, units)
    _print_boot(console, seen)
    _print_structures(console, seen)
    if everything:
        _print_atoms(console, seen)
        _print_places(console, seen)
    _print_rules(console, seen.rules, everything=everything)


def _print_verdict(console: Console, seen: Inspected) -> None:
    style = "bold green" if seen.rules_hold and seen.boot.outcome == "ready" else "bold red"
    if seen.rules_hold and seen.boot.outcome == "not-tried":
        style = "bold"
    console.print(f"[bold]{escape(seen.file)}[/bold]: {_device(seen)}\n")
    console.print(f"[{style}]{escape(seen.verdict)}[/{style}]")
    broken = [rule for rule in seen.rules if rule.state == "broken"]
    for rule in broken:
        console.print(f"[bold red]broken[/bold red]  {escape(rule.means)}: {escape(rule.place)}")
    if not broken:
        mended = sum(rule.state == "mended" for rule in seen.rules)
        still = f", {mended} of them once the boot has mended what a cut left" if mended else ""
        unsaid = sum(rule.state == "open" for rule in seen.rules)
        count = sum(rule.state in ("held", "mended") for rule in seen.rules)
        more = f"; of {unsaid} more the image does not have enough to say" if unsaid else ""
        console.print(f"{count} structural rules hold{still}{more}.")
    if seen.missing:
        console.print(f"Not in the image: {escape(', '.join(seen.missing))}.")
    console.print()


def _device(seen: Inspected) -> str:
    size = f"{seen.units} units of {seen.sectors_per_unit} sector{'s' * (seen.sectors_per_unit != 1)}"
    return f"{escape(seen.scheme)} on {seen.atom_store}, {size}"


def _print_maps(console: Console, maps: MapsSeen, boots: bool) -> None:
    """As ``replay`` draws them: VSM as A and B, DDM as bits, unit 0 on the left."""
    vsm, ddm, lost = (int(bits, 16) for bits in (maps.vsm, maps.ddm, maps.lost))
    flag = maps.flag if maps.progress is None or maps.flag != FLAGS[1] else f"{maps.flag} block {maps.progress}"
    when = "after the boot" if boots else "as they can be read"
    console.print(f"[bold]maps[/bold]: flag {escape(flag)}, system version {maps.system_version}")
    if maps.units > MOST_UNITS_DRAWN:
        lines = [
            f"{when}: {vsm.bit_count()} of {maps.units} units with their primary on B, {ddm.bit_count()} written "
            "since T0"
        ]
    else:
        lines = [
            f"{name}  {_drawn(bits, maps.units, lost, letters)}"
            for name, bits, letters in (("VSM", vsm, "AB"), ("DDM", ddm, ".1"))
        ]
        lines[0] += f"   {when}"
    stored = int(maps.stored_vsm, 16), int(maps.stored_ddm, 16)
    if (stored[0] ^ vsm) | (stored[1] ^ ddm):
        changed = shown_units((stored[0] ^ vsm) | (stored[1] ^ ddm))
        lines.append(f"stored otherwise: units {changed}, until a boot makes up for cut or missed commands")
    if lost:
        lines.append(f"[bold red]lost[/bold red]: units {shown_units(lost)}")
    if maps.history:
        lines.append(f"last commands, oldest first (S save, R restore): {maps.history}")
    behind = max(maps.entries.lags, default=0)
    if behind:
        lines.append(f"units that have missed commands: {sum(map(bool, maps.entries.lags))}, at most {behind} each")
    for line in lines:
        _print_item(console, line)
    console.print()


def _print_item(console: Console, text: str) -> None:
    """A line of a list; what a terminal is too narrow for goes on below its beginning."""
    if console.soft_wrap:
        console.print(f"  {text}")
    else:
        console.print(Padding(text, (0, 0, 0, 2), expand=False))


def _drawn(bits: int, units: int, lost: int, letters: str) -> str:
    return "".join("?" if lost >> unit & 1 else letters[bits >> unit & 1] for unit in range(units))


def _print_units(console: Console, maps: MapsSeen, units: int) -> None:
    """A line for each unit that was asked for."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    headings = ("unit", "VSM stored", "DDM stored", "VSM", "DDM", "version", "missed")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    columns = [
        (int(bits, 16), letters)
        for bits, letters in ((maps.stored_vsm, "AB"), (maps.stored_ddm, "01"), (maps.vsm, "AB"), (maps.ddm, "01"))
    ]
    entries = maps.entries
    for unit in (unit for unit in range(maps.units) if units >> unit & 1):
        version = (str(entries.versions[unit]), str(entries.lags[unit])) if entries.versions else ("–", "–")
        table.add_row(str(unit), *(letters[bits >> unit & 1] for bits, letters in columns), *version)
    print_table(console, table)
    console.print()


def _print_boot(console: Console, seen: Inspected) -> None:
    operations = seen.boot.operations
    if not operations:
        return
    console.print(f"[bold]what a boot does[/bold], in {len(operations)} of at most {seen.boot.limit} media operations")
    shown = [(what, sum(1 for _ in run)) for what, run in groupby(operations, key=lambda one: one.what)]
    for what, count in shown[:MOST_OPERATIONS]:
        _print_item(console, f"{escape(what)}{f' ({count} operations)' if count > 1 else ''}")
    if len(shown) > MOST_OPERATIONS:
        console.print(f"  and {len(shown) - MOST_OPERATIONS} more steps")
    console.print()


def _print_structures(console: Console, seen: Inspected) -> None:
    lines = [line for layer in seen.layers for line in _layer_lines(layer)]
    lines += [_label_line(label) for label in seen.labels]
    lines += [_area_line(number, area) for number, area in enumerate(seen.areas)]
    twins = [atom for atom in seen.atoms if atom.slots]
    if twins:
        bad = sum(slot.state != "good" for atom in twins for slot in atom.slots)
        torn = f"; slots that are not good: {bad}" if bad else ", all slots good"
        lines.append(f"map store: {len(twins)} atoms in twin slots{torn}")
    elif seen.atom_store == "nand" and seen.atoms:
        good = sum(atom.good for atom in seen.atoms)
        lost = "all good" if good == len(seen.atoms) else f"{len(seen.atoms) - good} without a good copy"
        lines.append(f"map store: {len(seen.atoms)} atoms in a sector each, {lost}")
    if lines:
        console.print("[bold]structures[/bold]")
        for line in lines:
            _print_item(console, line)
        console.print()


def _layer_lines(layer: LayerSeen) -> Iterator[str]:
    """The translation layer of a NAND flash: how large, the checkpoint in force, what its blocks are, how worn."""
    name = escape(layer.device)
    if layer.fault or layer.checkpoint is None:
        yield f"translation layer of {name}: [bold red]{escape(layer.fault)}[/bold red]"
        return
    checkpoint, blocks = layer.checkpoint, layer.blocks
    yield (
        f"translation layer of {name}: {layer.written} of {layer.logical_pages} logical pages of {layer.page_bytes:,} "
        f"bytes written, on {len(blocks)} blocks of {layer.pages_per_block} pages"
    )
    where = _numbers("block", [block.number for block in blocks if block.role == "checkpoint"])
    log = f"{layer.log_pages} page{'s' * (layer.log_pages != 1)} of the log" if layer.log_pages else "nothing"
    torn = ", the last of them torn" * layer.log_torn
    proved = "settled" if checkpoint.settled else "not settled"
    yield f"  checkpoint in {where}, sequence {checkpoint.sequence}, {proved}; {log} behind it{torn}"
    counts = {role: sum(block.role == role for block in blocks) for role in ROLES}
    yield "  blocks: " + ", ".join(f"{count} {words}" for role, words in ROLES.items() if (count := counts[role]))
    erases = [block.erases for block in blocks if block.role != "bad"]
    if erases:
        mean = sum(erases) / len(erases)
        yield f"  erases of a block: {min(erases):,} least, {mean:,.1f} on average, {max(erases):,} most"
    bad = [block.number for block in blocks if block.role == "bad"]
    if bad:
        yield f"  bad: {_numbers('block', bad)}"


def _numbers(noun: str, numbers: Sequence[int]) -> str:
    return f"{noun}{'s' * (len(numbers) != 1)} {shown_units(sum(1 << number for number in numbers))}"


def _block_line(block: BlockSeen) -> str:
    sequence = "" if block.sequence is None else f", sequence {block.sequence}"
    return f"{block.number:>6}  {block.role}, {block.erases:,} erases, {block.valid} pages that count{sequence}"


def _slot(slot: SlotSeen) -> str:
    if slot.sequence is None:
        return "a slot that cannot be read"
    return f"slot {slot.state} {slot.sequence}{' counts' * slot.counts}"


def _label_line(label: LabelSeen) -> str:
    if not label.good:
        return f"label of {escape(label.disk)}: [bold red]neither slot is good[/bold red]"
    good = sum(slot.state == "good" for slot in label.slots)
    slots = ("neither slot is", "one slot is", "both slots are")[good]
    volume = escape(shown_id(bytes.fromhex(label.volume_id)))
    return (
        f"label of {escape(label.disk)}: volume {volume}, device {label.device}, "
        f"system version {label.system_version}; {slots} good"
    )


def _area_line(number: int, area: AreaSeen) -> str:
    if not area.good:
        return f"area {number}: {escape(area.fault)}"
    marks = ["proven" if area.proven == 0 else "not proven", "in force" if area.counts else "older"]
    if area.counts:
        torn = sum(not record.good for record in area.records)
        count = len(area.records) - torn
        log = f"log of {count} record{'s' * (count != 1)}" if count else "empty log"
        marks.append(log + " and a torn one" * bool(torn))
        marks.append("open" if area.open != 0xFF else "not open")
        if not area.blank_behind:
            marks.append("not blank behind it")
    return f"area {number}: generation {area.generation}, {', '.join(marks)}"


def _print_atoms(console: Console, seen: Inspected) -> None:
    """Every atom and every record."""
    console.print("[bold]atoms, as the map store has them[/bold]")
    for atom in seen.atoms:
        slots = "".join(f"; {_slot(slot)}" for slot in atom.slots)
        console.print(f"  {atom.number:>4}  {escape(atom.holds)}: {escape(atom.says) or 'no good copy'}{slots}")
    for number, area in enumerate(seen.areas):
        if area.records:
            console.print(f"\n[bold]log of area {number}[/bold]")
        for record in area.records:
            console.print(
                f"  0x{record.address:08X}  {escape(record.holds)}{': ' * bool(record.says)}{escape(record.says)}"
            )
    for layer in seen.layers:
        if layer.blocks:
            console.print(f"\n[bold]blocks of {escape(layer.device)}[/bold]")
        for block in layer.blocks:
            console.print(_block_line(block))
    console.print()


def _print_places(console: Console, seen: Inspected) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading, justify in (
        ("region", "left"),
        ("on", "left"),
        ("from", "left"),
        ("bytes", "right"),
        ("here", "right"),
        ("SHA-256", "left"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True)
    if seen.configuration_address is not None:
        table.add_row("configuration", "chip", f"0x{seen.configuration_address:08X}", "", "", "")
    for place in seen.places:
        table.add_row(
            place.name, escape(place.device), f"0x{place.address:08X}", f"{place.size_bytes:,}",
            f"{place.held_bytes:,}", place.sha256[:SHOWN_DIGITS] if place.held_bytes else "–",
        )  # fmt: skip
    print_table(console, table)
    console.print()


def _print_rules(console: Console, rules: tuple[RuleSeen, ...], *, everything: bool) -> None:
    lines = list(_rule_lines(rules, everything))
    if lines:
        console.print("[bold]structural rules[/bold]")
        for line in lines:
            _print_item(console, line)
    if not everything:
        console.print("More, with every atom, record and rule: --all, or --json FILE.")


def _rule_lines(rules: tuple[RuleSeen, ...], everything: bool) -> Iterator[str]:
    for rule in rules:
        if everything or rule.state == "mended":
            place = f": {escape(rule.place)}" if rule.place else ""
            style = STYLES[rule.state]
            yield f"{escape(rule.means)}: [{style}]{WORDS[rule.state]}[/{style}]{place}"


def print_diff(console: Console, found: ImageDiff) -> None:
    """A line for each difference."""
    console.print(f"A  {escape(found.one)}\nB  {escape(found.other)}\n")
    if found.same:
        console.print("[green]Both images hold the same.[/green]")
        return
    for difference in found.differences[:MOST_DIFFERENCES]:
        console.print(f"[bold]{escape(difference.what)}[/bold]")
        if difference.one != difference.other:
            console.print(f"  A  {escape(difference.one)}\n  B  {escape(difference.other)}")
    if len(found.differences) > MOST_DIFFERENCES:
        console.print(f"and {len(found.differences) - MOST_DIFFERENCES} more; --json FILE has all")
