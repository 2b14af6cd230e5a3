"""How long the server waits for one caller."""

import socket

from pmscoring.serving.heads import MOST_BUFFERED_BYTES, read_head
from pmscoring.serving.pace import GRACE_SECONDS, LEAST_RATE, Pace
from pmscoring.serving.sockets import PacedSocket


def test_it_allows_a_grace_and_then_the_least_rate() -> None:
    pace = Pace()
    assert pace.left == GRACE_SECONDS
    pace.moved, pace.waited = 10 * LEAST_RATE, GRACE_SECONDS + 4
    assert pace.left == 6
    pace.waited = GRACE_SECONDS + 11
    assert pace.left == 0


def test_no_pause_is_longer_than_the_grace_whatever_came_before() -> None:
    pace = Pace()
    pace.moved = 1000 * LEAST_RATE
    assert pace.left == GRACE_SECONDS


def test_it_counts_only_the_time_that_the_caller_took() -> None:
    pace = Pace()
    with pace.waiting():
        pass
    assert 0 < pace.waited < GRACE_SECONDS


def test_a_head_says_how_much_is_to_come() -> None:
    lines = b"POST / HTTP/1.1\r\ncontent-LENGTH : 12 \r\nExpect: 100-Continue\r\n\r\n"
    head = read_head(lines + b"abc")
    assert head
    assert (head.size, head.is_large, head.expects) == (len(lines) + 12, False, True)
    assert read_head(lines[:-1]) is None


def test_what_is_long_or_has_no_length_is_large() -> None:
    for field in (f"Content-Length: {MOST_BUFFERED_BYTES + 1}", "Transfer-Encoding: chunked"):
        head = read_head(f"POST / HTTP/1.1\r\n{field}\r\n\r\n".encode())
        assert head
        assert head.is_large


def test_a_length_that_is_none_is_left_to_the_parser() -> None:
    for length in ("-1", "+5", "abc", "٥", ""):
        lines = f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()
        head = read_head(lines)
        assert head
        assert head.size == len(lines)


def test_leading_zeros_hide_no_body() -> None:
    lines = f"POST / HTTP/1.1\r\nContent-Length: {7:040}\r\n\r\n".encode()
    head = read_head(lines)
    assert head
    assert head.size == len(lines) + 7
    for length in ("9" * 30, "9" * 5000):
        head = read_head(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert head
        assert head.is_large


def test_gunicorn_s_own_words_to_a_caller_who_reads_nothing_wait_for_nobody() -> None:
    ours, theirs = socket.socketpair()
    with PacedSocket(ours) as paced, theirs:
        paced.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        paced.sendall(b"x" * 1_000_000)
        kept = len(paced.unsent)
        assert kept
        assert paced.send(b"HTTP/1.1 100 Continue\r\n\r\n") == 25
        assert len(paced.unsent) == kept + 25
