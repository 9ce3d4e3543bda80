# SPDX-License-Identifier: BSD-3-Clause
"""Clients that connect: many questions at once, none for long, too many."""

import socket
import time

import dns.exception
import dns.message
import lab
import pytest


def send(stream, query):
    wire = query.to_wire()
    stream.sendall(len(wire).to_bytes(2, "big") + wire)


def receive_exactly(stream, size):
    got = b""
    while len(got) < size:
        part = stream.recv(size - len(got))
        if not part:
            return None
        got += part
    return got


def receive(stream):
    """The next message, or None at the end of the stream."""
    head = receive_exactly(stream, 2)
    if head is None:
        return None
    wire = receive_exactly(stream, int.from_bytes(head, "big"))
    assert wire is not None, "the stream ended within a message"
    return dns.message.from_wire(wire)


def is_closed(stream):
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def slow_cinema(sim):
    """Its server is half a second away."""
    sim.command("set 127.53.10.1 delay 500")
    yield
    sim.command("set 127.53.10.1 delay 20")


def test_quick_answers_overtake_slow_ones(start, slow_cinema):
    d = start()
    d.ask("gaia.cs.umass.edu")
    slow, quick = d.query("www.netcinema.com"), d.query("gaia.cs.umass.edu")
    with d.connect() as s:
        send(s, slow)
        send(s, quick)
        assert receive(s).id == quick.id
        last = receive(s)
        assert last.id == slow.id
        assert lab.addresses(last) == ["198.51.100.40"]


def test_a_question_may_come_octet_by_octet(daemon):
    wire = daemon.query("gaia.cs.umass.edu").to_wire()
    with daemon.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in len(wire).to_bytes(2, "big") + wire:
            s.sendall(bytes([octet]))
        assert lab.rcode(receive(s)) == "NOERROR"


def test_more_questions_than_may_wait_are_all_answered(start):
    d = start({"tcp": {"max-pipelined": 5}})
    with d.connect() as s:
        for i in range(60):
            q = d.query(f"w{i}.t.near.example")
            q.id = i
            send(s, q)
        assert {receive(s).id for _ in range(60)} == set(range(60))


def test_what_was_asked_before_the_end_is_answered(start, slow_cinema):
    d = start()
    with d.connect() as s:
        send(s, d.query("www.netcinema.com"))
        s.shutdown(socket.SHUT_WR)
        assert lab.addresses(receive(s)) == ["198.51.100.40"]
        assert is_closed(s)


def test_an_unused_connection_is_closed(start):
    d = start({"tcp": {"idle-timeout": "400ms"}})
    with d.connect() as s:
        send(s, d.query("localhost"))
        assert lab.rcode(receive(s)) == "NOERROR"
        began = time.monotonic()
        assert is_closed(s)
        assert 0.2 < time.monotonic() - began < 2


def test_half_a_question_does_not_keep_a_connection_open(start):
    d = start({"tcp": {"idle-timeout": "400ms"}})
    with d.connect() as s:
        began = time.monotonic()
        s.sendall(b"\0\x40half a question")
        assert is_closed(s)
        assert time.monotonic() - began < 2


def test_a_slow_answer_is_not_an_unused_connection(start, slow_cinema):
    d = start({"tcp": {"idle-timeout": "200ms"}})
    with d.connect() as s:
        send(s, d.query("www.netcinema.com"))
        assert lab.addresses(receive(s)) == ["198.51.100.40"]


def test_no_more_clients_connect_than_are_allowed(start):
    d = start({"server": {"threads": 1}, "tcp": {"max-clients": 4}})
    streams = [d.connect() for _ in range(12)]
    answered = 0
    for s in streams:
        try:
            send(s, d.query("localhost"))
            s.settimeout(0.5)
            answered += receive(s) is not None
        except (OSError, socket.timeout):
            pass
    for s in streams:
        s.close()
    assert 1 <= answered <= 4
    assert lab.wait_until(lambda: answers_again(d))


def answers_again(d):
    try:
        return lab.rcode(d.ask("localhost", tcp=True, timeout=1)) == "NOERROR"
    except (OSError, EOFError, dns.exception.Timeout):
        return False


@pytest.mark.parametrize("wire", [b"\0\0", b"\0\5hello", b"\xff\xff" * 40])
def test_a_stream_of_nonsense_ends_nothing_but_itself(daemon, wire):
    with daemon.connect() as s:
        s.sendall(wire)
        s.shutdown(socket.SHUT_WR)
        assert is_closed(s)
    assert lab.rcode(daemon.ask("localhost", tcp=True)) == "NOERROR"
