"""The exceptions of the firmware model.  A host never sees one: it gets a status and an error register."""

from __future__ import annotations


class FirmwareError(Exception):
    """Base of the package's tree."""


class ConfigurationError(FirmwareError):
    """The firmware cannot be built as asked: names the setting, its value and what is allowed."""


class AtomLostError(FirmwareError):
    """No copy of an atom passes its check (rule 4): what it held is unknown and must not be guessed."""


class RefusedDeviceError(FirmwareError):
    """A storage device's label says that it is another volume's, or stale."""


class NoSpareBlocksError(FirmwareError):
    """So many blocks of a NAND flash have failed that none is left to write to."""
