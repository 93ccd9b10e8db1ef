"""The VCD file, read by a library that has nothing to do with the one that writes it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from vcdvcd import VCDVCD

from deltabench.scenarios.counterexamples.timeline import record
from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.scenario import find_scenario
from deltabench.tools.cli import invoke

CRASH = "save-by-host:flagged-nor:7.3"


@pytest.fixture(scope="module")
def vcd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vcd") / "crash.vcd"
    assert invoke(["replay", CRASH, "--vcd", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def signals(vcd: Path) -> Any:
    return VCDVCD(str(vcd))


def numbers(signals: Any, name: str) -> list[tuple[int, int | None]]:
    """Changes of a signal: instant and value, None where it is unknown."""
    changes = signals[f"deltabench.{name}"].tv
    return [(ns, None if "x" in value else int(value, 2)) for ns, value in changes]


def test_power_goes_and_comes_back_where_the_timeline_says(signals: Any) -> None:
    crash = parse_crash_id(CRASH)
    line = record(find_scenario(crash.scenario).variant(crash.variant), crash)
    (cut,) = line.cuts
    assert float(signals.timescale["timescale"]) == 1e-9
    assert numbers(signals, "power.rail") == [(0, 1), (cut.ns, 0), (cut.back_ns, 1)]
    assert signals.endtime == line.end_ns
    edges = numbers(signals, "nor0.busy")
    assert (cut.ns, 0) in edges
    busy = sum(off - on for (on, up), (off, _) in pairwise(edges) if up)
    assert busy == sum(span.ended_ns - span.began_ns for span in line.spans if span.device == "nor0")


def test_maps_are_numbers_and_unknown_without_power(signals: Any) -> None:
    ddm = [value for _, value in numbers(signals, "firmware.ddm")]
    assert ddm == [None, 0, 2, 3, None, 3, 1, 0], "the boot clears DDM block by block"
    assert [value for _, value in numbers(signals, "firmware.vsm_b")][-1] == 3


def test_operations_carry_their_numbers(signals: Any) -> None:
    told = [value for _, value in numbers(signals, "nor0.operation") if value is not None]
    assert told[told.index(7) + 1] == 0, "those of the recovery are counted anew"


def test_words_are_signals_too(vcd: Path) -> None:
    text = vcd.read_text("ascii")
    for name in ("kind", "about", "doing", "flag", "state", "cut"):
        assert re.search(rf"\$var string 1 \S+ {name} \$end", text), name
    assert "soperation\\x207\\x20leaves:" in text
    assert "sswitching " in text


def test_it_is_the_same_each_time(vcd: Path, tmp_path: Path) -> None:
    assert invoke(["replay", CRASH, "--vcd", str(tmp_path / "again.vcd")]) == 0
    assert (tmp_path / "again.vcd").read_bytes() == vcd.read_bytes()


def test_gtkwave_finds_its_signals_and_the_cut(vcd: Path, signals: Any) -> None:
    lines = vcd.with_suffix(".gtkw").read_text().splitlines()
    assert '[dumpfile] "crash.vcd"' in lines
    shown = {line.partition("[")[0] for line in lines if line.startswith("deltabench.")}
    assert shown == {name.partition("[")[0] for name in signals.references_to_ids}
    cut_ns = numbers(signals, "power.rail")[1][0]
    assert any(line.startswith("*") and str(cut_ns) in line for line in lines)


@pytest.mark.parametrize("option", ["--vcd", "--timeline"])
def test_nothing_is_overwritten_silently(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "there.vcd"
    path.write_text("mine")
    assert invoke(["replay", CRASH, option, str(path)]) == 4
    assert path.read_text() == "mine"
    assert "is there already" in capsys.readouterr().err
    assert invoke(["replay", CRASH, option, str(path), "--force"]) == 0


def test_the_file_beside_it_is_not_overwritten_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crash.gtkw").write_text("mine")
    assert invoke(["replay", CRASH, "--vcd", str(tmp_path / "crash.vcd")]) == 4
    assert "crash.gtkw is there already" in capsys.readouterr().err
    assert not (tmp_path / "crash.vcd").exists()
