"""``deltabench run --target``: what is wrong with the line is said of the option that named it."""

from __future__ import annotations

import pytest

from deltabench.tools.cli import invoke

NOWHERE = "/dev/no-such-port"


def test_a_port_that_is_not_there_is_named_with_its_option_and_one_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", "save-by-host", "--target", f"serial://{NOWHERE}"]) == 4
    said = capsys.readouterr().err
    assert f"port {NOWHERE}: cannot be opened: No such file or directory; --target takes" in said
    assert "--port" not in said


def test_a_run_without_cuts_on_a_board_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", "save-by-host", "--target", f"serial://{NOWHERE}", "--cuts", "0"]) == 4
    assert "--cuts" in capsys.readouterr().err
