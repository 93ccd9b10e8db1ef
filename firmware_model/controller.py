"""The controller: power-on, boot, and the commands of the host, of the switches and of the remote.

It is powered on with a board and its configuration, and with nothing else: what it knows of the past it reads from the
media.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple, Protocol

from deltabench.firmware_model.branches import MAPS_LOST, REFUSED
from deltabench.firmware_model.cache import WriteCache
from deltabench.firmware_model.commands import DONE, MOST_SECTORS, WRITES, Command, Error, Opcode, Response, failed
from deltabench.firmware_model.config import CacheMode, FirmwareConfig
from deltabench.firmware_model.errors import ConfigurationError, RefusedDeviceError
from deltabench.firmware_model.formats import STATUS_SECTOR
from deltabench.firmware_model.identify import identify_sector
from deltabench.firmware_model.label import Labels
from deltabench.firmware_model.layout import build_store, lay_out, power_up, volumes_on
from deltabench.firmware_model.link.remote_frames import Outcome
from deltabench.firmware_model.redirect import Redirection, SectorError
from deltabench.firmware_model.remote import COMMANDS, Remote
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.firmware_model.steps import COMMAND, RESTORE, SAVE, SECTOR
from deltabench.firmware_model.switch import Debouncer
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import SECTOR_BYTES


class Controller(Protocol):
    """What the bench drives: ours, or a class of the user's own named ``module:Class`` in a scenario.

    It is constructed at each power-on with the board and its configuration.  ``initialise`` is called once, at the
    factory; ``boot`` at each later power-on, before the first command.
    """

    def __init__(self, board: Board, config: FirmwareConfig) -> None: ...

    def initialise(self) -> None:
        """Write the structures of a new device."""

    def boot(self) -> None:
        """Recover; when it returns, what it decided is durable."""

    def execute(self, command: Command) -> Response:
        """One host command."""

    def tick(self) -> bool:
        """One millisecond has passed: sample the switches, and hear what the remote says.

        True if a save or restore was done.
        """


TRANSFERS: Final = (Opcode.READ_DMA_EXT, *WRITES)
FUA: Final = Opcode.WRITE_DMA_FUA_EXT
COMMAND_OF_SWITCH: Final = {"save": Opcode.SAVE, "restore": Opcode.RESTORE}


class State(enum.IntEnum):
    """What the controller can do after its boot."""

    READY = 0
    MAPS_LOST = 1
    REFUSED = 2
    READ_ONLY = 3


class MapsView(NamedTuple):
    """VSM, DDM and flag for a person to look at, as figures 9A to 9E show them."""

    units: int
    vsm: int
    ddm: int
    flag: str
    system_version: int


@lru_cache(maxsize=16)
def atom_count(scheme: type[MapScheme], config: FirmwareConfig) -> int:
    """How many atoms the map store has: the identity, those of the scheme, and that of the remote, if there is one."""
    maps = len(scheme.initial_atoms(config.units, config.atom_bytes, config.version_bits))
    return scheme.FIRST_ATOM + maps + (config.remote is not None)


class DeltaController:
    """The controller of the patent, with one of the map schemes on one of the atom stores."""

    layer_type: ClassVar[type[TranslationLayer]] = TranslationLayer
    """What lies between NAND flash and the sectors on it."""

    def __init__(self, board: Board, config: FirmwareConfig, scheme: type[MapScheme] | None = None) -> None:
        """Raises ConfigurationError if the configuration does not fit the board."""
        if scheme is None:
            if config.scheme not in SCHEMES:
                raise ConfigurationError(f"scheme = {config.scheme!r}: not one of {', '.join(SCHEMES)}")
            scheme = SCHEMES[config.scheme]
        self._config = config
        self._core = board.core
        self._rail = board.rail
        atoms = atom_count(scheme, config)
        self.layout = layout = lay_out(board, config, atoms)
        devices = power_up(board, config, layout, self.layer_type)
        self.flash = tuple(device for device in devices.values() if isinstance(device, TranslationLayer))
        """The translation layers, of which those under the volumes come first."""
        self._store = build_store(board, config, layout, devices, atoms)
        self.maps = scheme(self._store, config.units, config.version_bits)
        volumes = volumes_on(devices, layout)
        self._labels = Labels(volumes.disks, self._store)
        self._volume = Redirection(self.maps, self._labels, volumes, config.sectors_per_unit)
        self._cache = WriteCache(config.cache_sectors)
        self._write_back = config.cache is CacheMode.WRITE_BACK
        self._switches = {
            COMMAND_OF_SWITCH[name]: Debouncer(switch.pin, config.debounce_ms)
            for name, switch in board.switches.items()
            if name in COMMAND_OF_SWITCH
        }
        self._remote = None if config.remote is None else Remote(board, config.remote, self._store)
        self.state = State.READY
        self._reason = ""

    def initialise(self) -> None:
        config = self._config
        for layer in self.flash:
            layer.format()
        identity = self._labels.format(config.volume_id_bytes)
        maps = self.maps.initial_atoms(config.units, config.atom_bytes, config.version_bits)
        remote = [] if config.remote is None else [Remote.initial_atom(config.atom_bytes)]
        self._store.format([identity, *maps, *remote])

    def boot(self) -> None:
        try:
            for layer in self.flash:
                layer.mount()
        except RefusedDeviceError as error:
            self._refuse(error)
            return
        self._store.boot()
        self.maps.boot()
        if self.maps.lost:
            self.state = State.MAPS_LOST
            self._core.takes(MAPS_LOST)
            self._reason = f"the map entries of {self.maps.lost.bit_count()} units have no good copy"
        try:
            self._labels.boot(self.maps.system_version)
            if self.state is State.READY:
                self._labels.finish(self.maps.system_version)
        except RefusedDeviceError as error:
            self._refuse(error)
        if self._remote is not None:
            self._remote.boot()
            pending = self._remote.pending
            if pending is not None and self.state is State.READY:
                self._command(pending)
                self._remote.finish()
        self._look_at_flash()

    def execute(self, command: Command) -> Response:
        opcode = command.opcode
        self._core.spend(COMMAND)
        if self._rail.failing:
            # What was begun is finished on the hold-up; nothing is begun that it might not last for.
            return failed(Error.ABRT)
        try:
            if opcode in TRANSFERS:
                return self._transfer(command)
            if opcode == Opcode.IDENTIFY_DEVICE:
                return Response(data=[identify_sector(self._config)])
            if opcode == Opcode.STATUS:
                return Response(data=[self._status_sector()])
            if opcode == Opcode.REMOTE_STATUS and self._remote is not None:
                return Response(data=[self._remote.sector()])
            if opcode == Opcode.FLUSH_CACHE_EXT:
                self._flush()
                return DONE
            if opcode in (Opcode.SAVE, Opcode.RESTORE) and self.state is State.READY:
                self._command(opcode)
                self._look_at_flash()
                return DONE
        except SectorError as error:
            return failed(Error.UNC, error.lba)
        return failed(Error.ABRT)

    def tick(self) -> bool:
        done = False
        if self._rail.failing:
            return done
        for opcode, switch in self._switches.items():
            if switch.pressed() and self.state is State.READY:
                self._command(opcode)
                done = True
        if self._remote is not None:
            done |= self._obey(self._remote)
        for layer in self.flash:
            layer.patrol()
        if self.flash:
            self._look_at_flash()
        return done

    def home_of(self, lba: int) -> tuple[SectorDevice, int]:
        """Where the live data of a sector of the volume is, for observers."""
        return self._volume.home_of(lba)

    def _look_at_flash(self) -> None:
        """A flash that has no block to spare is written to no more; what is on it can be read."""
        for layer in self.flash:
            if layer.read_only and self.state is State.READY:
                self.state = State.READ_ONLY
                self._reason = (
                    f"{layer.name} is read-only: {len(layer.blocks.bad)} blocks are bad, more than it has spare"
                )

    def _refuse(self, error: RefusedDeviceError) -> None:
        self.state = State.REFUSED
        self._core.takes(REFUSED)
        self._reason = str(error)

    @property
    def view(self) -> MapsView:
        """The maps as they stand, to be shown."""
        maps = self.maps
        return MapsView(maps.units, maps.vsm, maps.ddm, maps.flag, maps.system_version)

    def _transfer(self, command: Command) -> Response:
        lba, count = command.lba, command.count
        if lba < 0 or not 0 < count <= MOST_SECTORS or lba + count > self._config.volume_sectors:
            return failed(Error.IDNF, max(lba, self._config.volume_sectors))
        state = self.state
        if state is State.REFUSED:
            return failed(Error.ABRT)
        self._core.spend(SECTOR, count)
        if command.opcode not in WRITES:
            return Response(data=self._read(lba, count))
        if state or len(command.data) != count or set(map(len, command.data)) != {SECTOR_BYTES}:
            return failed(Error.ABRT)
        self._write(dict(enumerate(command.data, lba)), fua=command.opcode == FUA)
        if self.flash:
            self._look_at_flash()
        return DONE

    def _read(self, lba: int, count: int) -> list[bytes]:
        """The live image, through the write cache; what is cached is not asked of the disks below."""
        try:
            return self._cache.overlay(lba, self._volume.read(lba, count))
        except SectorError as error:
            if error.lba not in self._cache.sectors:
                raise
            before = self._read(lba, error.lba - lba) if error.lba > lba else []
            behind = lba + count - error.lba - 1
            return [*before, self._cache.sectors[error.lba], *(self._read(error.lba + 1, behind) if behind else [])]

    def _write(self, sectors: dict[int, bytes], *, fua: bool) -> None:
        if not self._write_back or fua:
            self._volume.write(sectors)
            if self._cache.sectors:
                for lba in sectors:
                    self._cache.sectors.pop(lba, None)
            return
        self._cache.sectors.update(sectors)
        if self._cache.full:
            self._flush()

    def _flush(self) -> None:
        if self._cache.sectors:
            self._volume.write(self._cache.sectors)
            self._cache.sectors = {}

    def _command(self, opcode: int) -> None:
        """Save or restore.  The save point includes what the write cache holds; a restore makes it void."""
        if opcode == Opcode.SAVE:
            self._core.spend(SAVE)
            self._flush()
            self.maps.save()
        else:
            self._core.spend(RESTORE)
            self._cache.sectors = {}
            self.maps.restore()

    def _obey(self, remote: Remote) -> bool:
        """Do what the remote asks for, if it asks for something; true if so."""
        request = remote.heard()
        if request is None:
            return False
        opcode = COMMANDS[request.kind]
        if self.state is not State.READY:
            remote.refuse(request)
            return False
        if opcode == Opcode.SAVE:
            # Before the command is accepted: a boot that finds it pending has no cache to save.
            self._flush()
        remote.accept(request)
        self._command(opcode)
        remote.finish()
        remote.answer(request, Outcome.DONE)
        return True

    def _status_sector(self) -> bytes:
        maps = self.maps
        head = STATUS_SECTOR.pack(
            b"DBST", self.state, bool(self._cache.sectors), 0, maps.system_version, maps.units, maps.ddm.bit_count()
        )
        return (head + self._reason.encode()).ljust(SECTOR_BYTES, b"\0")[:SECTOR_BYTES]
