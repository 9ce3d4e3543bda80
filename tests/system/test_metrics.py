# SPDX-License-Identifier: BSD-3-Clause
"""The text for Prometheus, read by its own client library."""

import concurrent.futures
import json
import re
import signal
import socket

import lab
import pytest
from prometheus_client.parser import text_string_to_metric_families

KINDS = {"counter", "gauge", "histogram"}


def fetch(d, target="/metrics", method="GET", by_tcp=None):
    family = socket.AF_INET if by_tcp else socket.AF_UNIX
    with socket.socket(family) as s:
        s.settimeout(10)
        s.connect(by_tcp or str(d.socket))
        s.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = b""
        while more := s.recv(65536):
            got += more
    head, body = got.split(b"\r\n\r\n", 1)
    return head.decode(), body.decode()


def families(d):
    return {f.name: f for f in text_string_to_metric_families(fetch(d)[1])}


def value(all_families, name, **labels):
    """The sum of the samples of that name that have these labels."""
    found = [s.value for f in all_families.values() for s in f.samples
             if s.name == name and labels.items() <= s.labels.items()]
    assert found, (name, labels)
    return sum(found)


def test_it_is_the_text_format_and_says_so(daemon):
    head, body = fetch(daemon)
    assert head.startswith("HTTP/1.1 200 ")
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head
    assert body.endswith("\n")
    assert fetch(daemon, method="HEAD")[1] == ""
    assert fetch(daemon, method="POST")[0].startswith("HTTP/1.1 405 ")
    assert fetch(daemon, "/metric")[0].startswith("HTTP/1.1 404 ")
    assert daemon.control("stats", "--prom").stdout.splitlines()[0] == \
        body.splitlines()[0]


def test_every_sample_has_a_head_and_stands_under_it(daemon):
    """Stricter than the parser: one HELP and TYPE each, in this order."""
    name = None
    heads, samples = [], []
    for line in fetch(daemon)[1].splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert len(line.split(None, 3)[3]) > 8, line
            heads.append(name)
        elif line.startswith("# TYPE "):
            assert line.split()[2] == name
            kind = line.split()[3]
            assert kind in KINDS
            assert (kind == "counter") == name.endswith("_total"), name
        else:
            m = re.fullmatch(r"([a-z0-9_]+)(\{[^{}]*\})? ([0-9.eE+-]+)", line)
            assert m, line
            stem = re.sub(r"_(bucket|sum|count)$", "", m[1]) \
                if kind == "histogram" else m[1]
            assert stem == name, line
            samples.append((m[1], m[2]))
    assert len(heads) == len(set(heads)) > 45
    assert len(samples) == len(set(samples))
    assert all(h.startswith(("hither_", "process_")) for h in heads)


def test_figures_of_questions_are_those_that_were_asked(start):
    d = start()
    for _ in range(4):
        d.ask("gaia.cs.umass.edu")
    d.ask("gaia.cs.umass.edu", tcp=True)
    d.ask("nobody.umass.edu")
    d.ask("www.refused.example")
    m = families(d)
    name = "hither_queries_total"
    assert value(m, name) == 7
    assert value(m, name, transport="tcp", family="ipv4") == 1
    assert value(m, name, family="ipv6") == 0
    assert value(m, "hither_answers_total", rcode="NOERROR") == 5
    assert value(m, "hither_answers_total", rcode="SERVFAIL") == 1
    assert value(m, "hither_answers_ede_total", code="22") == 1
    assert value(m, "hither_answer_source_total") == 7
    assert value(m, "hither_answer_source_total", source="resolved") == 3
    assert value(m, "hither_query_duration_seconds_count") + \
        value(m, "hither_answer_source_total", source="answers") == 7
    assert value(m, "process_resident_memory_bytes") > 1e6
    assert value(m, "process_open_fds") > 5
    assert value(m, "hither_in_flight") == 0
    assert 0 <= value(m, "hither_loop_lag_seconds", thread="0") < 5


def test_histograms_grow_and_agree_with_their_count_and_sum(start):
    d = start()
    for i in range(5):
        d.ask(f"n{i}.t.near.example")
    m = families(d)
    for name, least in (("hither_upstream_rtt_seconds", 8),
                        ("hither_query_duration_seconds", 5)):
        buckets = [(float(s.labels["le"]), s.value) for s in m[name].samples
                   if s.name == f"{name}_bucket"]
        assert buckets == sorted(buckets)
        assert [b for _, b in buckets] == sorted(b for _, b in buckets)
        assert buckets[-1][0] == float("inf")
        assert buckets[-1][1] == value(m, f"{name}_count") >= least
        low = high = below = 0
        for (bound, n) in buckets[:-1]:
            high += (n - below) * bound
            low += (n - below) * bound / 2 * (bound > 0.000125)
            below = n
        assert low <= value(m, f"{name}_sum") <= high


def test_choices_and_verdicts_are_counted_by_their_kind(start):
    d = start()
    for i in range(30):
        d.ask(f"n{i}.t.near.example")
    d.ask("www.badkey.example")
    m = families(d)
    assert value(m, "hither_selection_total", choice="nearest") >= 20
    assert value(m, "hither_selection_total", choice="unknown") >= 1
    assert value(m, "hither_server_state", state="live") >= 5
    assert value(m, "hither_catchment_changes_total") == 0
    told = d.control_json("stats")
    for kind in ("raced_cold", "copied_unknown", "copied_old"):
        assert value(m, "hither_selection_copies_total", why=kind) == \
            told["selection"][kind]
    for kind in ("secure", "insecure", "bogus"):
        assert value(m, "hither_dnssec_results_total", result=kind) == \
            told["dnssec"]["results"][kind]
    assert value(m, "hither_dnssec_bogus_total") == \
        told["dnssec"]["results"]["bogus"]
    assert value(m, "hither_upstream_queries_total") == \
        told["upstream"]["sent_udp"] + told["upstream"]["sent_tcp"]
    assert value(m, "hither_upstream_rtt_seconds_count") == \
        told["upstream"]["rtt"]["count"]


def test_counters_never_fall_not_even_by_a_reload(start):
    d = start()
    d.ask("gaia.cs.umass.edu")
    before = families(d)
    assert d.control("reload").returncode == 0
    d.ask("www.nyu.edu")
    after = families(d)
    assert set(before) == set(after)
    for name, family in before.items():
        if family.type != "counter":
            continue
        for old, new in zip(family.samples, after[name].samples, strict=True):
            assert old.labels == new.labels
            assert new.value >= old.value, (name, old.labels)
    assert value(after, "hither_queries_total") == 2
    assert value(after, "hither_config_generation") == 2


def test_what_the_kernel_drops_is_seen(start):
    d = start({"server": {"threads": 1}})
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0\1x\0\0\1\0\1"
    d.child.send_signal(signal.SIGSTOP)
    try:
        for _ in range(40000):
            sender.sendto(question, ("127.0.0.1", d.port))
    finally:
        d.child.send_signal(signal.SIGCONT)
        sender.close()
    m = families(d)
    lost = value(m, "hither_udp_receive_errors_total")
    assert lost > 0
    assert lost == d.control_json("stats")["queries"]["receive_errors"]


def test_many_readers_at_once_get_whole_texts(daemon):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: fetch(daemon)[1], range(40)))
    assert all(len(list(text_string_to_metric_families(t))) > 45
               for t in texts)


# --- by TCP ----------------------------------------------------------------


def web(start, **more):
    port = lab.free_port("127.0.0.1")
    d = start({"web": {"address": ["127.0.0.1"], "port": port, **more}})
    return d, ("127.0.0.1", port)


def test_figures_and_health_are_told_by_tcp_and_nothing_else(start):
    d, at = web(start)
    head, body = fetch(d, by_tcp=at)
    assert head.startswith("HTTP/1.1 200 ")
    assert len(list(text_string_to_metric_families(body))) > 45
    assert fetch(d, "/v1/health", by_tcp=at)[1] == '{"healthy":true}\n'
    for target in ("/v1/status", "/v1/stats?prom=1", "/v1/config/show",
                   "/v1/servers?zone=edu", "/", "/v1/stop"):
        for method in ("GET", "POST"):
            head, body = fetch(d, target, method, by_tcp=at)
            assert head.startswith("HTTP/1.1 404 "), target
            assert "only /metrics and /v1/health" in body
    assert fetch(d, method="POST", by_tcp=at)[0].startswith("HTTP/1.1 405 ")
    assert d.control("status").returncode == 0


def test_who_is_not_allowed_is_not_answered(start):
    d, at = web(start, allow=["192.0.2.0/24"])
    with pytest.raises((ConnectionError, ValueError)):
        fetch(d, by_tcp=at)
    d.config["web"].pop("allow")
    d.write_config()
    assert d.control("reload").returncode == 0
    assert fetch(d, by_tcp=at)[0].startswith("HTTP/1.1 200 ")


def test_an_address_in_use_for_figures_is_told_and_ends_the_start(start):
    d, at = web(start)
    folder = d.folder / "other"
    folder.mkdir()
    config = lab.config_for(folder, 53, {"web": d.config["web"]})
    path = folder / "hither.yaml"
    path.write_text(json.dumps(config))
    done = lab.run_daemon("-c", str(path))
    assert done.returncode == 1
    assert f"web.address 127.0.0.1:{at[1]}: Address already in use" in \
        done.stderr


def test_by_default_nobody_listens_for_them(daemon):
    with socket.socket(socket.AF_INET) as s:
        assert s.connect_ex(("127.0.0.1", 8953)) != 0
    told = daemon.control("config", "show").stdout
    assert "8953" in told
