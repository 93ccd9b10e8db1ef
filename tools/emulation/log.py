"""What an emulated board does, in lines for a person; writes that continue one another are one line, and so reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from deltabench.hwsim.devboard.bootloader import Event

COLLECTED: Final = ("write", "read")
PAUSE_S: Final = 0.5


class BoardLog:
    """Takes events as they happen and hands lines to ``write``, a run of writes or reads when it is over."""

    def __init__(self, write: Callable[[str], None], now_s: Callable[[], float]) -> None:
        self._write = write
        self._now_s = now_s
        self._runs: dict[str, Event] = {}
        self._grown_s = 0.0

    def told(self, event: Event) -> None:
        """Something happens.  Clients read back each block that they write, so that two runs may grow in turn."""
        self._grown_s = self._now_s()
        if event.what not in COLLECTED:
            self.flush()
            self._write(str(event))
            return
        run = self._runs.get(event.what)
        if run is not None and (run.address or 0) + run.size_bytes == event.address:
            self._runs[event.what] = run._replace(size_bytes=run.size_bytes + event.size_bytes)
            return
        if run is not None:
            self.flush()
        self._runs[event.what] = event

    def look(self) -> None:
        """Time passes: a run that has not grown for a while is over."""
        if self._runs and self._now_s() - self._grown_s > PAUSE_S:
            self.flush()

    def flush(self) -> None:
        """The runs are over."""
        for run in self._runs.values():
            self._write(str(run))
        self._runs.clear()
