"""Mistakes in the device labels."""

from __future__ import annotations

from deltabench.firmware_model.errors import AtomLostError, RefusedDeviceError
from deltabench.firmware_model.formats import IDENTITY, LABEL
from deltabench.firmware_model.label import IDENTITY_ATOM, Labels
from deltabench.scenarios.mutants.broken_part import broken

Said = tuple[bytes, int, int]
"""Volume id, place and version of a label."""


@broken("_labels")
class LabelsStand(Labels):
    """Labels and identity are not brought up to date, so that a stale device passes for the right one."""

    def bring_up_to_date(self, system_version: int) -> None:
        pass


class LearnsIdentity(Labels):
    """Base of mistakes: a boot learns what the labels should say."""

    def _learn(self) -> None:
        try:
            self._volume_id, self._version = IDENTITY.unpack(self._store.read(IDENTITY_ATOM))
        except AtomLostError as error:
            raise RefusedDeviceError(f"the map store has lost the volume's identity: {error}") from error


@broken("_labels")
class LabelsUnread(LearnsIdentity):
    """A boot does not look at the labels, so that swapped devices are used as they are."""

    def boot(self, system_version: int) -> None:
        self._learn()
        for label in self._labels:
            label.boot()


@broken("_labels")
class IdentityFirst(Labels):
    """The identity is brought up to date before the labels are."""

    def bring_up_to_date(self, system_version: int) -> None:
        if self._version != system_version:
            self._store.write(IDENTITY_ATOM, self._store.padded(IDENTITY.pack(self._volume_id, system_version)))
        super().bring_up_to_date(system_version)


@broken("_labels")
class LabelsLeftAhead(Labels):
    """A boot does not finish an update of the labels that was cut, so that a label is refused one save later."""

    def finish(self, system_version: int) -> None:
        pass


class JudgesLabels(LearnsIdentity):
    """Base of mistakes: the comparison of our firmware, with a step that can be got wrong."""

    def boot(self, system_version: int) -> None:
        self._learn()
        for number, (disk, label) in enumerate(zip(self._disks, self._labels, strict=True)):
            label.boot()
            try:
                said = LABEL.unpack(label.read(0))
            except AtomLostError:
                said = None
            if not self._is_right(said, number, (self._version, system_version)):
                raise RefusedDeviceError(f"{disk.name} is not device {number} of this volume as it was left")
            self._ahead |= said is None or said[2] != self._version

    def _is_right(self, said: Said | None, place: int, versions: tuple[int, int]) -> bool:
        return said is not None and said[:2] == (self._volume_id, place) and said[2] in versions


@broken("_labels")
class PlaceUnread(JudgesLabels):
    """A label's volume and version are compared, and not which device of the volume it is."""

    def _is_right(self, said: Said | None, place: int, versions: tuple[int, int]) -> bool:
        return said is not None and super()._is_right((said[0], place, said[2]), place, versions)


@broken("_labels")
class VersionUnread(JudgesLabels):
    """A label's volume and place are compared, and not its version."""

    def _is_right(self, said: Said | None, place: int, versions: tuple[int, int]) -> bool:
        return said is not None and super()._is_right((*said[:2], versions[0]), place, versions)


@broken("_labels")
class OlderWillDo(JudgesLabels):
    """A label may be one version older than the maps, as it may be one ahead of the identity."""

    def _is_right(self, said: Said | None, place: int, versions: tuple[int, int]) -> bool:
        return super()._is_right(said, place, versions) or super()._is_right(
            said and (*said[:2], said[2] + 1), place, versions
        )


@broken("_labels")
class BlankIsWelcome(JudgesLabels):
    """A device without a label is taken for one that has not been labelled yet."""

    def _is_right(self, said: Said | None, place: int, versions: tuple[int, int]) -> bool:
        return said is None or super()._is_right(said, place, versions)
