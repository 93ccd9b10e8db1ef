"""What lies on a board's bus, for the bench: read whole, and put back as it was."""

from __future__ import annotations

from typing import Final, NamedTuple

from deltabench.firmware_model.link.messages import (
    DIGEST_ENTRY,
    DIGEST_REQUEST,
    DUMP_REQUEST,
    LOAD_REQUEST,
    MOST_PAYLOAD,
    Message,
    Result,
    digest,
)
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.boards.link import Link, RefusedError

MOST_LOADED: Final = MOST_PAYLOAD - LOAD_REQUEST.size
MOST_DIGESTS: Final = MOST_PAYLOAD // DIGEST_ENTRY.size


class Place(NamedTuple):
    """``size_bytes`` from ``address`` on, in blocks of ``block_bytes``; ``erased``: by erasing, and so always anew."""

    address: int
    size_bytes: int
    block_bytes: int
    erased: bool

    @property
    def blocks(self) -> range:
        """The address of each block."""
        return range(self.address, self.address + self.size_bytes, self.block_bytes)


class Kept(NamedTuple):
    """What lay in each block of some places; None for a sector that could not be read."""

    places: tuple[Place, ...]
    blocks: dict[int, bytes | None]


def keep(link: Link, places: tuple[Place, ...]) -> Kept:
    """Read it all."""
    return Kept(places, {at: data for place in places for at, data in _dump(link, place).items()})


def put_back(link: Link, kept: Kept) -> None:
    """Make all of it as it was: only what differs is written, but what takes an erase is always erased and written.

    A cell that a cut has left unstable may read as before, and must not be left like that.
    """
    for place in kept.places:
        if place.erased:
            wrong = list(place.blocks)
        else:
            digests = _digests(link, place)
            wrong = [at for at, found in digests.items() if found != _digest(kept.blocks[at])]
        load(link, {at: kept.blocks[at] for at in wrong})


def load(link: Link, blocks: dict[int, bytes | None]) -> None:
    """Write blocks, those that follow each other together; None makes a sector of a disk uncorrectable."""
    start, held = 0, b""
    for at, data in [*sorted(blocks.items()), (-1, None)]:
        if held and (data is None or at != start + len(held) or len(held) + len(data) > MOST_LOADED):
            # A sector that is erased for each piece of it is as new when all of them have come.
            for done in range(0, len(held), MOST_LOADED):
                link.ask(Message.LOAD, LOAD_REQUEST.pack(start + done) + held[done : done + MOST_LOADED])
            held = b""
        if data is not None:
            start = start if held else at
            held += data
        elif at >= 0:
            link.ask(Message.SPOIL, LOAD_REQUEST.pack(at))


def moved(kept: Kept, place: Place) -> Kept:
    """The contents of one place, to be put in another of the same size."""
    (source,) = kept.places
    return Kept((place,), {place.address + at - source.address: data for at, data in kept.blocks.items()})


def _dump(link: Link, place: Place) -> dict[int, bytes | None]:
    """The blocks of a place, many in one message; one by one where a sector among them cannot be read."""
    found: dict[int, bytes | None] = {}
    size = place.block_bytes
    step = max(MOST_PAYLOAD // size, 1) * size
    for at in range(place.address, place.address + place.size_bytes, step):
        length = min(step, place.address + place.size_bytes - at)
        try:
            data = b"".join(
                link.ask(Message.DUMP, DUMP_REQUEST.pack(at + done, min(MOST_PAYLOAD, length - done)))
                for done in range(0, length, MOST_PAYLOAD)
            )
        except RefusedError as error:
            if error.result is not Result.MEDIUM_ERROR or size != SECTOR_BYTES:
                raise
            found |= {one: _sector(link, one) for one in range(at, at + length, size)}
        else:
            found |= {at + n: data[n : n + size] for n in range(0, length, size)}
    return found


def _sector(link: Link, address: int) -> bytes | None:
    try:
        return link.ask(Message.DUMP, DUMP_REQUEST.pack(address, SECTOR_BYTES))
    except RefusedError as error:
        if error.result is not Result.MEDIUM_ERROR:
            raise
        return None


def _digests(link: Link, place: Place) -> dict[int, tuple[int, bytes]]:
    blocks = place.blocks
    found: dict[int, tuple[int, bytes]] = {}
    for first in range(0, len(blocks), MOST_DIGESTS):
        some = blocks[first : first + MOST_DIGESTS]
        answer = link.ask(Message.DIGEST, DIGEST_REQUEST.pack(some[0], place.block_bytes, len(some)))
        found |= dict(zip(some, DIGEST_ENTRY.iter_unpack(answer), strict=True))
    return found


def _digest(block: bytes | None) -> tuple[int, bytes]:
    return (0, bytes(8)) if block is None else (1, digest(block))
