"""What somebody does to the disks while power is off: plugs them in the wrong way round, puts an old one back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import Disk
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.workload import Action


class Hands:
    """Exchanges and replaces the contents of a board's disks; ``path`` is the scenario file, for messages."""

    def __init__(self, board: Board, path: Path) -> None:
        self._board = board
        self._path = path
        self._snapshots: dict[str, list[Hashable]] = {}

    def do(self, action: steps.Swap | steps.Snapshot | steps.PutBack) -> None:
        """One action, which ``check`` has seen."""
        match action:
            case steps.Swap(devices=(one, other)):
                contents = self._contents(one), self._contents(other)
                self._replace(one, contents[1])
                self._replace(other, contents[0])
            case steps.Snapshot(device=device):
                self._snapshots[device] = self._contents(device)
            case steps.PutBack(device=device):
                self._replace(device, self._snapshots[device])

    def check(self, actions: Sequence[Action]) -> None:
        """Whether all that somebody does to the disks can be done; raises ScenarioError that names the disk."""
        path = self._path
        taken = set()
        for action in actions:
            match action:
                case steps.Swap(devices=(one, other)):
                    if self._disk(one).size != self._disk(other).size:
                        sizes = f"{one!r} has {self._disk(one).size} sectors and {other!r} {self._disk(other).size}"
                        raise ScenarioError(f"{path}: {sizes}; only disks of one size can be swapped")
                case steps.Snapshot(device=device):
                    self._disk(device)
                    taken.add(device)
                case steps.PutBack(device=device) if device not in taken:
                    raise ScenarioError(f"{path}: put-back of {device!r}: there is no snapshot of it before that step")

    def _contents(self, device: str) -> list[Hashable]:
        disk = self._disk(device)
        return list(self._board.cells.values[disk.first : disk.first + disk.size])

    def _replace(self, device: str, contents: list[Hashable]) -> None:
        disk, cells = self._disk(device), self._board.cells
        for index, value in enumerate(contents, disk.first):
            if cells.values[index] != value:
                cells.put(index, value)

    def _disk(self, device: str) -> Disk:
        disk = self._board.media[device]
        if not isinstance(disk, Disk):
            raise ScenarioError(f"{self._path}: {device!r} is no disk; only a disk can be swapped or put back")
        return disk
