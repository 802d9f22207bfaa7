"""What comes from outside has an end: in time, in size, and in where a secret goes."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from shared.outgoing import LARGEST_ANSWER, OutgoingSession


@contextmanager
def _server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does what it likes with each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve() -> None:
        try:
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _dripping(head: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.02)

    return drip


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        b"HTTP/1.1 200 ",
    ],
)
def test_an_answer_that_drips_ends_with_its_time(head: bytes) -> None:
    with _server(_dripping(head)) as url:
        since = time.monotonic()
        with pytest.raises(requests.RequestException):
            OutgoingSession().get(url, timeout=(1, 0.2))
        assert time.monotonic() - since < 2  # of the four that it would take


def _bomb(connection: socket.socket) -> None:
    packed = gzip.compress(b" " * (LARGEST_ANSWER * 2), 1)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    connection.sendall(head.encode() + packed)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        connection.sendall(b" " * 1_000_000)


@pytest.mark.parametrize("answer", [_bomb, _endless])
def test_an_answer_that_is_too_large_is_not_read(answer: Callable[[socket.socket], None]) -> None:
    with _server(answer) as url, pytest.raises(requests.RequestException, match="more than"):
        OutgoingSession().get(url, timeout=(1, 10))


def test_a_usual_answer_is_read_whole() -> None:
    body = gzip.compress(b"x" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with _server(lambda connection: connection.sendall(head + body)) as url:
        session = OutgoingSession()
        assert len(session.get(url, timeout=(1, 5)).content) == 1_000_000
        assert len(session.get(url, timeout=(1, 5)).content) == 1_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_a_token_along(status: int) -> None:
    asked: list[bytes] = []

    def elsewhere(connection: socket.socket) -> None:
        asked.append(b"")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with _server(elsewhere) as other:

        def redirect(connection: socket.socket) -> None:
            head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(head.encode())

        with _server(redirect) as url:
            answer = OutgoingSession().get(url, headers={"Authorization": "Bearer x"}, timeout=(1, 5))
    assert answer.status_code == status
    assert asked == []
