"""An image decoded: where everything lies, labels, atoms, maps, and which sectors of the volumes are there.

The configuration block is found in the image itself, or given for a dump that has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from deltabench.firmware_model.configuration import MAGIC, Configuration
from deltabench.firmware_model.configuration import decode as decode_block
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.atoms import Store, read_label, read_store
from deltabench.scenarios.images.documents import LabelSeen, MapsSeen
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.layer import Layer, read_layer
from deltabench.scenarios.images.maps import read_maps
from deltabench.scenarios.images.memory_image import ADDRESSES, MemoryImage
from deltabench.scenarios.images.places import Place, Places, find_places

MOST_CANDIDATES: Final = 64
"""So many places that begin as a configuration block does are looked at."""


class Decoded(NamedTuple):
    """What an image says.  ``labels`` has None for a disk whose label the image lacks; so is ``maps`` without a store.

    ``block_address``: where the configuration block is in the image; None if it was given.  ``raw`` is what the file
    has; in ``image``, a NAND flash has the sectors behind its translation layer (``layers``, None for one that the file
    lacks) in place of its pages, so that regions can be found there as on a disk.
    """

    image: MemoryImage
    places: Places
    labels: tuple[LabelSeen | None, ...]
    store: Store
    maps: MapsSeen | None
    raw: MemoryImage
    layers: tuple[Layer | None, ...] = ()
    block_address: int | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What the image lacks altogether, in words."""
        lacking = [
            f"the pages of {flash.device.name}"
            for flash, layer in zip(self.places.flashes, self.layers, strict=True)
            if layer is None
        ]
        lacking += [
            f"the label of {place.device.name}"
            for place, label in zip(self.places.labels, self.labels, strict=True)
            if label is None
        ]
        if not self.store.held:
            lacking.append(f"the map store on {self.places.maps.device.name}")
        for place in (self.places.volume_a, self.places.volume_b):
            if not self.holds_any(place):
                lacking.append(f"{place.name} on {place.device.name}")
        return tuple(lacking)

    def holds_any(self, place: Place) -> bool:
        """Whether the image has any byte of a region."""
        return is_held(self.image, self.layers, place)

    def layer(self, place: Place) -> Layer | None:
        """The translation layer that a region is behind, if the file has it."""
        return next((layer for layer in self.layers if layer and layer.flash.device == place.device), None)


def is_held(image: MemoryImage, layers: Sequence[Layer | None], place: Place) -> bool:
    """Whether there is any byte of a region, or all pages behind which it would be."""
    behind = any(layer is not None and layer.flash.device == place.device for layer in layers)
    return behind or bool(len(image.within(place.address, place.length)))


def find_configuration(image: MemoryImage) -> tuple[Configuration, int] | None:
    """The first sound configuration block, and its address; None if there is none.

    Raises ImageError if there are only blocks that are not sound, with what is wrong with the first.
    """
    fault = ""
    for address, data in _candidates(image):
        try:
            return decode_block(data), address
        except ConfigurationError as error:
            fault = fault or f"0x{address:08X}: {error}"
    if fault:
        raise ImageError(fault)
    return None


def _candidates(image: MemoryImage) -> Iterator[tuple[int, bytes]]:
    left = MOST_CANDIDATES
    for start, data in image.segments:
        at = data.find(MAGIC)
        while at >= 0 and left:
            left -= 1
            yield start + at, data[at : at + 0x10000]
            at = data.find(MAGIC, at + 1)


def decode_image(image: MemoryImage, configuration: Configuration, block_address: int | None = None) -> Decoded:
    """Decode what there is; raises ImageError for a configuration that cannot be."""
    return decode_places(image, find_places(configuration), block_address)


def decode_places(raw: MemoryImage, places: Places, block_address: int | None = None) -> Decoded:
    """As ``decode_image``, where it is known where everything lies."""
    layers = tuple(
        read_layer(raw, flash) if len(raw.within(flash.device.address, flash.device.size_bytes)) else None
        for flash in places.flashes
    )
    image = _behind(raw, places, layers)
    labels = tuple(read_label(image, place) if is_held(image, layers, place) else None for place in places.labels)
    store = read_store(image, places, is_held(image, layers, places.maps))
    maps = read_maps(places, store.atoms) if store.held else None
    return Decoded(image, places, labels, store, maps, raw, layers, block_address)


def _behind(raw: MemoryImage, places: Places, layers: Sequence[Layer | None]) -> MemoryImage:
    """The image with the sectors behind each translation layer in place of the pages that they lie in."""
    if not places.flashes:
        return raw
    pieces = list(outside(raw, [Stretch(f.device.address, f.device.size_bytes) for f in places.flashes]))
    for layer in layers:
        if layer is not None:
            pieces += [(layer.flash.device.address + at, data) for at, data in layer.sectors()]
    return MemoryImage(pieces)


class Stretch(NamedTuple):
    """``length`` bytes from ``address`` on."""

    address: int
    length: int


def outside(image: MemoryImage, stretches: Iterable[Stretch]) -> Iterator[tuple[int, bytes]]:
    """What an image holds outside of all of these, which do not overlap."""
    at = 0
    for start, length in [*sorted(stretches), Stretch(ADDRESSES, 0)]:
        yield from image.within(at, max(start - at, 0)).segments
        at = start + length


def gaps(image: MemoryImage, place: Place) -> list[tuple[int, int]]:
    """The sectors of a region that are not, or not whole, in the image: runs of first and behind the last."""
    segments = image.within(place.address, place.length).segments
    edges = [0, *(edge - place.address for s in segments for edge in (s.address, s.end)), place.length]
    found: list[tuple[int, int]] = []
    for start, end in [*pairwise(edges)][::2]:
        if start < end:
            first, last = start // SECTOR_BYTES, -(-end // SECTOR_BYTES)
            if found and first < found[-1][1]:
                # Another hole in the same sector.
                first = found.pop()[0]
            found.append((first, last))
    return found


class Unreadable(NamedTuple):
    """Sectors of the logical volume (runs of LBA and count) whose data the image does not have."""

    live: tuple[tuple[int, int], ...]
    save_point: tuple[tuple[int, int], ...]


def unreadable(decoded: Decoded) -> Unreadable | None:
    """What of live and save-point image cannot be read, as far as maps are not lost; None without maps or volumes."""
    places, maps = decoded.places, decoded.maps
    volumes = (places.volume_a, places.volume_b)
    if maps is None or not all(map(decoded.holds_any, volumes)):
        return None
    size = places.firmware.sectors_per_unit
    vsm, live = int(maps.vsm, 16), int(maps.vsm, 16) ^ int(maps.ddm, 16)
    images: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for side, place in enumerate(volumes):
        for first, last in gaps(decoded.image, place):
            for unit in range(first // size, -(-last // size)):
                lba, end = max(first, unit * size), min(last, (unit + 1) * size)
                for found, homes in zip(images, (live, vsm), strict=True):
                    if homes >> unit & 1 == side:
                        found.append((lba, end - lba))
    return Unreadable(_joined(images[0]), _joined(images[1]))


def _joined(runs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for lba, count in sorted(runs):
        if joined and sum(joined[-1]) == lba:
            joined[-1] = (joined[-1][0], joined[-1][1] + count)
        else:
            joined.append((lba, count))
    return tuple(joined)
