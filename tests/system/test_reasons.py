# SPDX-License-Identifier: BSD-3-Clause
"""Why there is no answer, as dig shows it: a code and a text (RFC 8914).

Each line of the table is a way in which a server, a zone or a chain of trust
is broken in the miniature Internet, and the code that tells it best. Where
two codes are as good, both count.
"""

import concurrent.futures
import re
import subprocess

import lab
import pytest

REASONS = {
    # nobody answers, or nobody who answers helps
    "www.silent.example": (22, "no reply"),
    "www.dropedns.example": (22, "no reply"),
    "www.tcphang.example": (22, "no reply"),
    "www.wrongid.example": (22, "no reply"),
    "www.wrongquestion.example": (22, "no reply"),
    "www.qr0.example": (22, "no reply"),
    "www.servfail.example": (22, "the server failed"),
    "www.refused.example": (22, "refused"),
    "www.unserved.example": (22, "refused"),
    "www.loop-a.example": (22, "no server of the zone has an address"),
    # the network says no
    "www.tcpless.example": (23, "refused"),
    "www.tcpreset.example": (23, "closed by the peer"),
    # not a server of the zone
    "www.lame.example": (20, "upward referral"),
    "www.selfloop.example": (20, "refers to itself"),
    # what was said makes no sense
    "www.notimp.example": (24, "does not take the question"),
    "self.aliases.example": (24, "an alias of itself"),
    # ours: no code fits
    "c1.aliases.example": (0, "too many aliases"),
    "round-a.aliases.example": (0, "too many aliases"),
    # validation
    "www.badsig.example": (6, "does not verify"),
    "www.badlabels.example": (6, "does not verify"),
    "www.expired.example": (7, "expired"),
    "www.notyet.example": (8, "not yet valid"),
    "www.nokey.example": (9, "no DNSKEY"),
    "www.badds.example": (9, "the one its DS names"),
    "www.wrongkey.example": (9, "no zone key"),
    "www.stripped.example": (10, "no signature"),
    "nosuch.nodenial.example": (12, "no signature"),
}


def dig(daemon, *words):
    """The code and the text of the reply, and its status."""
    done = subprocess.run(
        [lab.tool("dig"), f"@{daemon.where()}", "-p", str(daemon.port),
         "+tries=1", "+time=9", *words], capture_output=True, text=True,
        timeout=20, check=False)
    status = re.search(r"status: (\w+)", done.stdout)
    ede = re.search(r"^; EDE: (\d+)(?: \([^)]*\))?:? ?(.*)$", done.stdout,
                    re.M)
    assert status, done.stdout
    return (int(ede.group(1)) if ede else None,
            ede.group(2) if ede else "", status.group(1))


@pytest.fixture(scope="module")
def told(start_for_module):
    """What is said of each name; asked at once, for silence takes time."""
    d = start_for_module()
    with concurrent.futures.ThreadPoolExecutor(len(REASONS)) as pool:
        return dict(zip(REASONS, pool.map(lambda n: dig(d, n), REASONS)))


@pytest.mark.parametrize("name", REASONS)
def test_a_failure_tells_its_reason(told, name):
    code, text, status = told[name]
    assert status == "SERVFAIL"
    assert (code, REASONS[name][1] in text) == (REASONS[name][0], True), \
        (code, text)
    assert ".example." in text or "zone has a DS" in text, text


def test_a_failure_that_is_remembered_says_so_and_what_it_was(start):
    d = start()
    first = dig(d, "www.silent.example")
    again = dig(d, "www.silent.example")
    assert first[0] == 22
    assert again[0] == 13 and "No Reachable Authority" in again[1], again
    # What is bogus keeps its own reason.
    first = dig(d, "www.expired.example")
    assert dig(d, "www.expired.example") == first


@pytest.mark.parametrize("name, code", [
    ("www.newalgorithm.example", 1), ("www.newdigest.example", 2),
    ("nosuch.iterations.example", 27)])
def test_an_answer_that_is_not_proven_says_why(start, name, code):
    found, text, status = dig(start(), name)
    assert status in ("NOERROR", "NXDOMAIN")
    assert found == code and text != "", (found, text)


def test_who_is_refused_is_told_why(start):
    closed = start({"access-control": [{"net": "127.0.0.0/8", "action": "refuse"}]})
    assert dig(closed, "umass.edu")[0::2] == (18, "REFUSED")
    d = start()
    code, text, status = dig(d, "+norec", "umass.edu")
    assert (code, status) == (20, "REFUSED") and text != ""
    transfer = d.ask("umass.edu", "AXFR")  # dig does not show it
    assert lab.rcode(transfer) == "REFUSED"
    assert lab.ede_codes(transfer) == [21]
    assert lab.ede_texts(transfer) == ["zones are not transferred"]
    code, text, status = dig(d, "-c", "HS", "umass.edu")
    assert (code, status) == (21, "REFUSED") and text != ""


def test_who_may_look_is_told_that_nothing_is_there(start):
    d = start({"access-control": [{"net": "127.0.0.0/8", "action": "allow-snoop"}]})
    code, text, status = dig(d, "+norec", "umass.edu")
    assert (code, status) == (14, "SERVFAIL") and text != ""
