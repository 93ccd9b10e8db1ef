"""Servers on real pseudo-terminals and sockets, turned by hand and with a clock that only the test moves."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deltabench.tools.emulation import server as server_module
from deltabench.tools.emulation.endpoints import EndpointError, PseudoTerminal, TcpPort
from deltabench.tools.emulation.paced_line import PacedLine
from deltabench.tools.emulation.server import Server


class Counter:
    """Answers each piece with so many bytes for each byte of it."""

    def __init__(self, times: int = 1) -> None:
        self.heard = 0
        self._times = times

    def feed(self, data: bytes) -> bytes:
        self.heard += len(data)
        return data * self._times


class Hand:
    """Turns a server by so many turns, each a millisecond later."""

    def __init__(self, server: Server, now_ms: list[int]) -> None:
        self._server = server
        self._now_ms = now_ms

    def turn(self, times: int, ms: int = 1) -> None:
        left = times

        def going() -> bool:
            nonlocal left
            self._now_ms[0] += ms
            left -= 1
            return left >= 0

        self._server.run(going)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_S", 0.005)


def served(endpoint: PseudoTerminal | TcpPort, machine: Counter) -> tuple[Server, Hand]:
    now_ms = [0]
    server = Server(PacedLine(machine, 0.0), endpoint, lambda: now_ms[0] / 1000)
    return server, Hand(server, now_ms)


@pytest.fixture
def terminal() -> Iterator[PseudoTerminal]:
    endpoint = PseudoTerminal()
    yield endpoint
    endpoint.close()


@pytest.fixture
def tcp() -> Iterator[TcpPort]:
    endpoint = TcpPort("127.0.0.1", 0)
    yield endpoint
    endpoint.close()


def opened(terminal: PseudoTerminal) -> int:
    return os.open(terminal.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def called(tcp: TcpPort) -> socket.socket:
    host, port = tcp.url.removeprefix("socket://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def test_clients_of_a_pseudo_terminal_come_and_go_and_bytes_pass_as_they_are(terminal: PseudoTerminal) -> None:
    machine = Counter()
    _, hand = served(terminal, machine)
    for _ in range(3):
        client = opened(terminal)
        os.write(client, bytes(range(256)))
        hand.turn(3)
        assert os.read(client, 1000) == bytes(range(256))
        os.close(client)
        hand.turn(2)
    assert machine.heard == 3 * 256


def test_clients_of_a_tcp_port_come_and_go_and_a_second_one_is_sent_away(tcp: TcpPort) -> None:
    machine = Counter()
    _, hand = served(tcp, machine)
    for _ in range(2):
        with called(tcp) as client:
            client.sendall(b"hello")
            hand.turn(4)
            assert client.recv(100) == b"hello"
            with called(tcp) as other:
                hand.turn(2)
                assert other.recv(100) == b""
            client.sendall(b"again")
            hand.turn(2)
            assert client.recv(100) == b"again"
        hand.turn(3)
    assert machine.heard == 20


def test_a_client_that_floods_and_never_reads_loses_answers_and_the_next_one_is_served(
    terminal: PseudoTerminal,
) -> None:
    machine = Counter(times=50)
    server, hand = served(terminal, machine)
    client = opened(terminal)
    heard = []
    for _ in range(30):
        try:
            os.write(client, b"x" * 1000)
        except BlockingIOError:
            heard.append(machine.heard)
        hand.turn(2)
    assert heard, "the flood is held back at its source"
    hand.turn(30, ms=100)
    assert server.lost_bytes > 0
    os.close(client)
    client = opened(terminal)
    while True:
        hand.turn(20, ms=100)
        try:
            os.read(client, 1 << 16)
        except BlockingIOError:
            break
    os.write(client, b"ab")
    hand.turn(4)
    assert os.read(client, 1000) == b"ab" * 50
    os.close(client)


def test_a_client_that_hangs_up_in_the_middle_of_an_answer_harms_nothing(tcp: TcpPort) -> None:
    machine = Counter(times=20_000)
    _, hand = served(tcp, machine)
    with called(tcp) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"x" * 64)
        hand.turn(3)
    hand.turn(50)
    with called(tcp) as client:
        hand.turn(50)
        client.sendall(b"y")
        hand.turn(5)
        assert b"y" in client.recv(1 << 16)


def test_a_link_to_a_pseudo_terminal_is_there_as_long_as_it_is(tmp_path: Path) -> None:
    link = tmp_path / "board"
    link.symlink_to("/dev/pts/of-a-board-that-was-killed")
    terminal = PseudoTerminal(link)
    assert link.readlink() == Path(terminal.url)
    terminal.close()
    assert not link.is_symlink()


@pytest.mark.parametrize("is_link", [False, True])
def test_what_has_the_name_of_a_link_stays(tmp_path: Path, is_link: bool) -> None:
    file = tmp_path / "board"
    if is_link:
        file.symlink_to(tmp_path / "target")
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(EndpointError, match=r"--link .*board: cannot be made: File exists; choose another name"):
        PseudoTerminal(file)
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_port_that_is_taken_is_an_error(tcp: TcpPort) -> None:
    with pytest.raises(EndpointError, match=r"--listen 127.0.0.1:\d+: cannot listen there: Address already in use"):
        TcpPort("127.0.0.1", int(tcp.url.rsplit(":", 1)[1]))
