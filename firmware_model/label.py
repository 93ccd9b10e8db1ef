"""Device labels: every disk that carries a volume says whose it is, and how far it has come.

The map store's identity atom says what the labels must read.  A label of another volume, or of another device of this
one, is a swapped device; a label whose system version is older than the identity's was away while data was written.
Both are refused at boot.

What a label can tell is the system version: a disk that was away and came back within one version passes.  In
``plain``, which has no version, it always does; in ``versioned``, restores do not count.

Labels are brought up to date before the first data write that follows a save or restore: label by label, then the
identity.  Until the identity is written a label may be ahead of it, at the system version itself, and nowhere else; a
boot that finds one finishes the update.
"""

from __future__ import annotations

from collections.abc import Sequence

from deltabench.firmware_model.atoms.disk import DiskAtoms
from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import LABEL_AHEAD, LABELS_LEVEL
from deltabench.firmware_model.errors import AtomLostError, RefusedDeviceError
from deltabench.firmware_model.formats import IDENTITY, LABEL
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.firmware_model.steps import RELABEL

IDENTITY_ATOM = 0


class Labels:
    """The labels of ``disks`` (volume order), checked against the identity atom of ``store``."""

    def __init__(self, disks: Sequence[SectorDevice], store: AtomStore) -> None:
        self._disks = disks
        self._labels = [DiskAtoms(disk, 0, 1, LABEL.fixed_bytes) for disk in disks]
        self._store = store
        self._volume_id = b""
        self._ahead = False
        self._version = 0

    def format(self, volume_id: bytes) -> bytes:
        """Label every disk as new; returns the identity atom that belongs to them."""
        for number, label in enumerate(self._labels):
            label.format([LABEL.pack(volume_id, number, 0)])
        return self._store.padded(IDENTITY.pack(volume_id, 0))

    def boot(self, system_version: int) -> None:
        """Compare; raises RefusedDeviceError for the first device that must not be used."""
        try:
            self._volume_id, self._version = IDENTITY.unpack(self._store.read(IDENTITY_ATOM))
        except AtomLostError as error:
            raise RefusedDeviceError(f"the map store has lost the volume's identity: {error}") from error
        for number, (disk, label) in enumerate(zip(self._disks, self._labels, strict=True)):
            label.boot()
            try:
                volume_id, place, version = LABEL.unpack(label.read(0))
            except AtomLostError as error:
                raise RefusedDeviceError(f"{disk.name} carries no readable label") from error
            if volume_id != self._volume_id:
                raise RefusedDeviceError(
                    f"{disk.name} belongs to volume {volume_id.hex()}, this controller's is {self._volume_id.hex()}"
                )
            if place != number:
                raise RefusedDeviceError(
                    f"{disk.name} is device {place} of its volume, in the place of device {number}"
                )
            if version not in (self._version, system_version):
                raise RefusedDeviceError(
                    f"{disk.name} is stale: its label is of system version {version}, the maps expect {self._version}"
                )
            self._ahead |= version != self._version
        self._store.core.takes(LABEL_AHEAD if self._ahead else LABELS_LEVEL)

    def finish(self, system_version: int) -> None:
        """Finish an update that was cut: at the system version after this one a label ahead would look foreign."""
        if self._ahead:
            self.bring_up_to_date(system_version)

    def bring_up_to_date(self, system_version: int) -> None:
        """Called before data is written: makes labels and identity durable at ``system_version``."""
        if self._version == system_version:
            return
        self._store.core.spend(RELABEL, len(self._labels))
        for number, label in enumerate(self._labels):
            label.write(0, LABEL.pack(self._volume_id, number, system_version))
        self._store.write(IDENTITY_ATOM, self._store.padded(IDENTITY.pack(self._volume_id, system_version)))
        self._version = system_version
