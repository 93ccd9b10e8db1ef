"""Workloads of real programs, recorded, and where their files lie on the volume.

`RECORDINGS` names them for scenarios. How each was made, and how to make it again, is in the script
beside its trace and in docs/traces.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deltabench.scenarios.traces import Request, read_trace


class Recording(NamedTuple):
    """A recorded trace and the volume it is for: size in sectors, first LBA of each file.

    `marks` names moments between requests, each as the number of requests before it.
    """

    description: str
    path: Path
    format: str
    volume_sectors: int
    files: Mapping[str, int]
    marks: Mapping[str, int]

    def requests(self, limit: int | None = None) -> list[Request]:
        """Return the recorded requests, or the first `limit` of them."""
        return read_trace(
            self.path,
            format=self.format,
            volume_sectors=self.volume_sectors,
            files=self.files,
            limit=limit,
        )


RECORDINGS: Mapping[str, Recording] = {
    "mke2fs-sqlite": Recording(
        description="mke2fs makes an ext2 file system, then SQLite runs 250 transactions",
        path=Path(__file__).with_name("mke2fs-sqlite.strace.xz"),
        format="strace",
        volume_sectors=2048,
        files={"disk.img": 0, "log.db": 1024, "log.db-journal": 1920},
        marks={"formatted": 33, "tables": 62, "half": 2444},
    ),
}
