"""The walk through docs/scenarios.md and the traces of docs/traces.md, typed as a reader types them."""

from __future__ import annotations

import gzip
import lzma
import re
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

DOCS = Path(__file__).parents[2] / "docs"
STRACE, SERVER = re.findall(r"```toml\n(.*?)```", (DOCS / "traces.md").read_text(encoding="utf-8"), re.DOTALL)


def requests_of_a_server() -> str:
    """Writes of 4 KiB, far beyond the end of any volume that is simulated."""
    rows = [f"{128166372000000000 + n * 10000},hm,1,Write,{(n * 7919 + 4000000) * 512},4096,100" for n in range(600)]
    return "\n".join(rows) + "\n"


def calls_of_a_program() -> str:
    lines = ['openat(AT_FDCWD, "app.db", O_RDWR|O_CREAT, 0644) = 3', 'openat(AT_FDCWD, "app.log", O_RDWR|O_CREAT) = 4']
    lines += [f'pwrite64({3 + n % 2}, "{n:08d}", 8, {n * 512}) = 8\nfsync({3 + n % 2}) = 0' for n in range(40)]
    return "\n".join(lines) + "\n"


def with_one_cut(text: str) -> str:
    return f'{text}\n[power]\ncuts = "at"\noperation = 40\n'


def test_the_strace_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.scenario.toml").write_text(with_one_cut(STRACE), encoding="utf-8")
    Path("app.strace").write_text(calls_of_a_program(), encoding="utf-8")
    assert invoke(["run", "app.scenario.toml", "-j1"]) == 4, "the trace is not there yet"
    Path("app.strace.xz").write_bytes(lzma.compress(calls_of_a_program().encode()))
    assert invoke(["run", "app.scenario.toml", "-j1"]) == 0


def test_the_msr_example_runs_with_wrap_in_the_step_or_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hm_1.csv.gz").write_bytes(gzip.compress(requests_of_a_server().encode()))
    Path("server.scenario.toml").write_text(with_one_cut(SERVER), encoding="utf-8")
    assert invoke(["run", "server.scenario.toml", "-j1"]) == 0
    Path("server.scenario.toml").write_text(with_one_cut(SERVER).replace("wrap = true\n", ""), encoding="utf-8")
    assert invoke(["run", "server.scenario.toml", "-j1"]) == 4
    assert "--wrap" in capsys.readouterr().err
    assert invoke(["run", "server.scenario.toml", "-j1", "--wrap"]) == 0
    assert invoke(["replay", "server.scenario.toml:flagged-nor:40.1", "--wrap"]) == 0


def test_the_id_of_the_walk_through_replays_a_violation_with_the_file_as_it_is_at_that_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    before, crash, _ = re.split(r"`deltabench replay (first\S+)`", page)
    first, matrix = re.findall(r"```toml\n(.*?)```", before, re.DOTALL)
    part = re.search(r"so give it `(.*?)`", before)
    assert part
    monkeypatch.chdir(tmp_path)
    Path("first.scenario.toml").write_text(f"{first}{part[1]}\n{matrix}", encoding="utf-8")
    assert invoke(["replay", crash]) == 1
