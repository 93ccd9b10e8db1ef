"""Firmware with a mistake, as a user's own that lies beside the scenario."""

from __future__ import annotations

from collections.abc import Callable

import pytest

MISTAKES = """
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.redirect import Redirection


class MapsFirst(Redirection):
    def write(self, sectors):
        super().write(sectors)
        super()._make_durable(self._late)

    def _make_durable(self, extents):
        self._late = extents


class LeftInCache(Redirection):
    def _make_durable(self, extents):
        for side, lba, sectors in extents:
            disk, first_lba = self._volumes.homes[side]
            disk.write(first_lba + lba, sectors, fua=False)


class _Broken(DeltaController):
    def __init__(self, board, config):
        super().__init__(board, config)
        volumes = self._volume._volumes
        self._volume = self.VOLUME(self.maps, self._labels, volumes, config.sectors_per_unit)


class WritesMapsFirst(_Broken):
    VOLUME = MapsFirst


class LeavesDataInCache(_Broken):
    VOLUME = LeftInCache
"""


@pytest.fixture
def mistakes(new_module: Callable[[str, str], None]) -> str:
    """A module of broken controllers; its name."""
    new_module("mistakes", MISTAKES)
    return "mistakes"
