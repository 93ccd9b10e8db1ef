"""The controller's own volatile write cache, for write-back (rule 2)."""

from __future__ import annotations


class WriteCache:
    """Sectors that were acknowledged and are not durable yet: LBA -> content."""

    def __init__(self, capacity_sectors: int) -> None:
        self._capacity_sectors = capacity_sectors
        self.sectors: dict[int, bytes] = {}

    @property
    def full(self) -> bool:
        """Whether it must be written out before it takes more."""
        return len(self.sectors) >= self._capacity_sectors

    def overlay(self, lba: int, image: list[bytes]) -> list[bytes]:
        """``image``, the durable sectors from ``lba`` on, as the host sees them through the cache."""
        if self.sectors:
            for i in range(len(image)):
                cached = self.sectors.get(lba + i)
                if cached is not None:
                    image[i] = cached
        return image
