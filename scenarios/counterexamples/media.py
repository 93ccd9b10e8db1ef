"""What changed on the media: as a difference of decoded structures, and of bytes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

from deltabench.hwsim.contents import cell_bytes, contents
from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_image import raw_page
from deltabench.hwsim.nand_pages import UnstablePage, units_of
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.scenarios.counterexamples.documents import BytesChanged
from deltabench.scenarios.counterexamples.incident import Incident
from deltabench.scenarios.counterexamples.naming import Names
from deltabench.scenarios.images.decode import Decoded, decode_places
from deltabench.scenarios.images.diff import diff_images
from deltabench.scenarios.images.documents import Difference
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.oracle import Violation

ONE, OTHER = Path("before"), Path("after")
"""A difference of images is one of files; what is compared here is in no file."""


class Moment:
    """All media at one time: ``cells`` are what they held, ``decoded`` what that says, if anybody knows."""

    def __init__(self, incident: Incident) -> None:
        board = incident.rig.board
        self.cells: list[Hashable] = list(board.cells.values)
        board.adversary.power_on(incident.path[-1].policy)
        self.decoded = _decoded(incident)


def before_the_command(incident: Incident) -> Moment:
    """When the command, or whatever was in flight, was begun."""
    cells, journal = incident.rig.board.cells, incident.journal
    left = {index: cells.values[index] for index, _, _ in journal}
    mark = len(cells.journal)
    for index, old, _ in reversed(journal):
        cells.put(index, old)
    moment = Moment(incident)
    cells.rollback(mark)
    assert all(cells.values[index] == value for index, value in left.items()), "all is as the cut left it"
    return moment


def as_the_cut_left_them(incident: Incident) -> Moment:
    """Before the recovery."""
    return Moment(incident)


def after_the_recovery(incident: Incident) -> Moment | None:
    """When the boot has come to its end; None if it does not."""
    board = incident.rig.board
    mark = len(board.cells.journal)
    try:
        incident.rig.power_on(incident.path[-1].policy)
        board.lose_power()
        return Moment(incident)
    except Violation:
        return None
    finally:
        board.lose_power()
        board.cells.rollback(mark)


def structures_changed(one: Moment, other: Moment) -> tuple[Difference, ...]:
    """Maps, labels, logs, sectors of the volumes that differ; none where nobody knows the structures."""
    if one.decoded is None or other.decoded is None:
        return ()
    return diff_images(one.decoded, other.decoded, ONE, OTHER).differences


def bytes_changed(incident: Incident, one: Moment, other: Moment) -> tuple[BytesChanged, ...]:
    """Runs of bytes that differ."""
    names = incident.names
    return tuple(
        run for medium in incident.rig.board.media.values() for run in _runs(medium, one.cells, other.cells, names)
    )


def _decoded(incident: Incident) -> Decoded | None:
    places, board = incident.names.places, incident.rig.board
    if places is None:
        return None
    pieces: list[tuple[int, bytes]] = []
    for place in places.stored:
        held = contents(board.media[place.device.name], place.first, place.length)
        pieces += [(place.device.address + at, data) for at, data in held.pieces]
    return decode_places(MemoryImage(pieces), places)


def _runs(medium: Medium, one: Sequence[Hashable], other: Sequence[Hashable], names: Names) -> Iterator[BytesChanged]:
    """Of one medium; what follows one upon the other is one run, across cells as well."""
    if isinstance(medium, NandFlash):
        yield from _pages(medium, one, other, names)
        return
    assert isinstance(medium, Disk | NorFlash | Nvram), "there are four media"
    size, first = cell_bytes(medium), medium.first
    cells = medium.size if isinstance(medium, Disk) else -(-medium.size // size)
    run: list[tuple[int, int, int, int]] = []
    for cell in range(cells):
        old, new = one[first + cell], other[first + cell]
        if old == new:
            continue
        readings = [_readings(value, size) for value in (old, new)]
        for at in range(size):
            was, becomes = readings[0][0][at], readings[1][0][at]
            perhaps = readings[1][1][at]
            if (was, was) == (becomes, perhaps):
                continue
            if run and run[-1][0] != cell * size + at - 1:
                yield _run(medium, run, names)
                run = []
            run.append((cell * size + at, was, becomes, perhaps))
    if run:
        yield _run(medium, run, names)


def _pages(nand: NandFlash, one: Sequence[Hashable], other: Sequence[Hashable], names: Names) -> Iterator[BytesChanged]:
    """Of a NAND flash, page by page, from the first byte that differs to the last one."""
    size = cell_bytes(nand)
    for page in range(nand.size):
        old, new = one[nand.first + page], other[nand.first + page]
        was, (becomes, perhaps) = _page_readings(nand, page, old)[0], _page_readings(nand, page, new)
        differing = [at for at in range(size) if not was[at] == becomes[at] == perhaps[at]]
        if not differing:
            continue
        span = slice(differing[0], differing[-1] + 1)
        yield BytesChanged(
            device=nand.name,
            address=page * size + span.start,
            place=names.page(nand, page, new) or names.page(nand, page, old),
            old=was[span].hex(),
            new=becomes[span].hex(),
            or_new="" if perhaps[span] == becomes[span] else perhaps[span].hex(),
        )


def _page_readings(nand: NandFlash, page: int, value: Any) -> tuple[bytes, bytes]:
    """Both readings of a page, its spare bytes included."""
    one, other = (value.one, value.other) if isinstance(value, UnstablePage) else (value, value)
    return raw_page(nand, page, units_of(one, nand.units)), raw_page(nand, page, units_of(other, nand.units))


def _run(medium: Medium, run: list[tuple[int, int, int, int]], names: Names) -> BytesChanged:
    old, new, perhaps = (bytes(column) for column in list(zip(*run, strict=True))[1:])
    address = run[0][0]
    unit = SECTOR_BYTES if isinstance(medium, Disk) else 1
    return BytesChanged(
        device=medium.name,
        address=address,
        place=names.region(medium.name, address // unit),
        old=old.hex(),
        new=new.hex(),
        or_new="" if perhaps == new else perhaps.hex(),
    )


def _readings(value: Hashable, size: int) -> tuple[bytes, bytes]:
    """Both readings of a cell; zeros where there is nothing to read."""
    if isinstance(value, Unstable):
        return value.one, value.other
    assert isinstance(value, bytes), "a cell holds bytes"
    content = bytes(size) if value == UNCORRECTABLE else value
    return content, content
