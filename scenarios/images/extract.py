"""Takes live and save-point image of the volume out of an image, sector by sector as the maps say."""

from __future__ import annotations

from typing import NamedTuple

from deltabench.hwsim.disk import SECTOR_BYTES, ZERO_SECTOR
from deltabench.scenarios.images.boot import boot
from deltabench.scenarios.images.decode import Decoded
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import MOST_BYTES
from deltabench.scenarios.images.units import shown_units


class Volume(NamedTuple):
    """A logical volume: ``data`` has zeros in the place of the ``unreadable`` sectors (a set, bit by LBA)."""

    data: bytes
    unreadable: int


class Extracted(NamedTuple):
    """What the host would read now, and what it would read after a RESTORE."""

    live: Volume
    save_point: Volume


def extract(decoded: Decoded) -> Extracted:
    """Both images, as they are once the device has booted; raises ImageError for what nobody can vouch for."""
    places, maps = decoded.places, decoded.maps
    size = places.firmware.volume_sectors * SECTOR_BYTES
    if size > MOST_BYTES:
        raise ImageError(f"the volume has {size:,} bytes, and an image at most {MOST_BYTES:,}; it cannot be whole")
    lacking = [what for what in decoded.missing if what.startswith("volume")]
    if lacking:
        raise ImageError(f"the image lacks {' and '.join(lacking)}")
    seen = boot(decoded).seen
    if maps is not None and int(maps.lost, 16):
        units = shown_units(int(maps.lost, 16))
        raise ImageError(f"the map entries of units {units} have no good copy: which data is theirs cannot be said")
    if seen.outcome not in ("ready", "read-only") or maps is None:
        raise ImageError(f"nobody can vouch for what the volume holds: {seen.reason}")
    vsm, ddm = int(maps.vsm, 16), int(maps.ddm, 16)
    return Extracted(_volume(decoded, vsm ^ ddm), _volume(decoded, vsm))


def _volume(decoded: Decoded, homes: int) -> Volume:
    """Each unit from the volume that ``homes`` says, B where its bit is set."""
    places = decoded.places
    sectors, unreadable = [], 0
    for lba in range(places.firmware.volume_sectors):
        side = homes >> lba // places.firmware.sectors_per_unit & 1
        place = places.volume_b if side else places.volume_a
        data = decoded.image.read(place.address + lba * SECTOR_BYTES, SECTOR_BYTES)
        if data is None:
            unreadable |= 1 << lba
        sectors.append(data or ZERO_SECTOR)
    return Volume(b"".join(sectors), unreadable)
