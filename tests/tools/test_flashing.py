from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

NOWHERE = "/dev/no-such-port"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.bin"
    path.write_bytes(b"data")
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do: give an IMAGE, --read FILE or --go"),
        (["--read", "x.bin"], "--read FILE and --range ADDRESS:LENGTH belong together"),
        (["IMAGE", "--range", "0:4"], "--read FILE and --range ADDRESS:LENGTH belong together"),
        (["--read", "x.bin", "--range", "0:4", "--range", "8:4"], "a raw binary has one --range"),
        (["--read", "x.bin", "--range", "0x08000000"], "'0x08000000' is no range; an example: 0x08000000:0x4000"),
        (["--read", "x.bin", "--range", "0xFFFFFFFF:2"], "the addresses are 0 to 0xFFFFFFFF"),
        (["--read", "x.bin", "--range", "0:0"], "a range has a byte at least"),
        (["IMAGE"], "say with --address where it begins"),
        (["IMAGE", "--address", "here"], "'here' is no address; allowed: 0 to 0xFFFFFFFF"),
        (["IMAGE", "--address", "0x08100000"], "a byte at 0x08100000, where stm32f405 has nothing"),
        (
            ["IMAGE", "--address", "0x08020000", "--board", "stm32f103"],
            "larger than the 128 KiB flash of the STM32F103",
        ),
        (["IMAGE", "--address", "0x90000000"], "nothing says how it is erased"),
        (["IMAGE", "--address", "0x08000000", "--board", "stm32"], "neither a file nor a board"),
        (["IMAGE", "--address", "0x08000000"], f"port {NOWHERE}: cannot be opened: "),
        (["--go"], f"port {NOWHERE}: cannot be opened: "),
        (["--go", "0x08000000"], f"port {NOWHERE}: cannot be opened: "),
        (["--go", "there"], "'there' is no address"),
        (["--go", "0x10000000"], "--go 0x10000000: nothing can be started there; allowed: the flash of STM32F405"),
        (["no-such-file.hex"], "no-such-file.hex: cannot be read"),
    ],
)
def test_what_cannot_be_flashed_is_said_before_anything_is_done(
    arguments: list[str], message: str, image: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(image.parent)
    given = [str(image) if argument == "IMAGE" else argument for argument in arguments]
    assert invoke(["flash", *given, "--port", NOWHERE]) == 4
    assert message in " ".join(capsys.readouterr().err.split())
    assert not Path("x.bin").exists()


@pytest.mark.parametrize("url", ["foo://x", "socket://", "socket://localhost:1", "/dev/null", "/", ""])
def test_a_port_that_is_none_is_an_error_and_no_traceback(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["flash", "--go", "--port", url]) == 4
    assert f"port {url}: cannot be opened: " in capsys.readouterr().err


def test_nothing_is_overwritten_unless_it_is_said(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flash", "--port", NOWHERE, "--read", str(image), "--range", "0:4"]
    assert invoke(arguments) == 4
    assert "is there already" in capsys.readouterr().err
    assert image.read_bytes() == b"data"
