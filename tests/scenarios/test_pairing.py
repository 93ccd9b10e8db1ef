"""Where the key of a run comes from; no message ever shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.pairing import pairing_key
from deltabench.scenarios.scenario import find_scenario

SECRET = "00112233445566778899aabbccddeeff"


def message(**environment: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        pairing_key(1, environment)
    return str(caught.value)


def test_a_key_comes_from_the_environment() -> None:
    assert pairing_key(1, {"DELTABENCH_REMOTE_KEY": SECRET}) == bytes.fromhex(SECRET)


def test_a_key_comes_from_a_file_with_or_without_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for text in (SECRET, f"{SECRET}\n", f" {SECRET[:16]}\r\n{SECRET[16:]} \n"):
        path.write_text(text)
        assert pairing_key(1, {"DELTABENCH_REMOTE_KEY_FILE": str(path)}) == bytes.fromhex(SECRET)


def test_without_either_a_seed_gives_the_same_key_each_time_and_another_seed_another() -> None:
    assert pairing_key(1, {}) == pairing_key(1, {"DELTABENCH_REMOTE_KEY": ""}) != pairing_key(2, {})
    assert len(pairing_key(1, {})) == 32


def test_a_key_that_cannot_be_used_is_refused_with_what_is_allowed() -> None:
    assert message(DELTABENCH_REMOTE_KEY="password of mine") == (
        "DELTABENCH_REMOTE_KEY: is not hexadecimal; allowed: 16 to 64 bytes, two digits each"
    )
    assert message(DELTABENCH_REMOTE_KEY=SECRET[2:]) == (
        "DELTABENCH_REMOTE_KEY: is a key of 15 bytes; allowed: 16 to 64"
    )
    assert message(DELTABENCH_REMOTE_KEY="ab" * 65).endswith("is a key of 65 bytes; allowed: 16 to 64")
    assert "both set" in message(DELTABENCH_REMOTE_KEY=SECRET, DELTABENCH_REMOTE_KEY_FILE="key")


def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    assert message(DELTABENCH_REMOTE_KEY_FILE=path).endswith(f"{path!r}: cannot be read: No such file or directory")
    assert message(DELTABENCH_REMOTE_KEY_FILE=str(tmp_path)).endswith("cannot be read: Is a directory")
    Path(path).write_bytes(b"\xff\xfe" + bytes(10_000))
    assert message(DELTABENCH_REMOTE_KEY_FILE=path).startswith(f"DELTABENCH_REMOTE_KEY_FILE = {path!r}: is not hexade")


@pytest.mark.parametrize("text", [f"{SECRET}zz", f"x{SECRET}", SECRET[:-1], SECRET[:30], f"{SECRET}\n" * 9])
def test_no_message_shows_any_of_a_key(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    for shown in (message(DELTABENCH_REMOTE_KEY=text), message(DELTABENCH_REMOTE_KEY_FILE=str(path))):
        assert not any(text[at : at + 4] in shown for at in range(len(text) - 4)), shown


def test_counts_and_ids_do_not_depend_on_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    variants = [find_scenario("save-by-remote").variant(name) for name in ("plain-nor", "history-nvram")]
    outcomes = []
    for key in (None, SECRET):
        if key is not None:
            monkeypatch.setenv("DELTABENCH_REMOTE_KEY", key)
        results, _ = run_campaign(variants)
        outcomes.append([(result.counts, list(map(result.crash_id, result.findings))) for result in results])
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0][1] != []
