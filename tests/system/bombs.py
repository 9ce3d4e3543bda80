# SPDX-License-Identifier: BSD-3-Clause
"""Zones in which every check of a signature is wasted, for each algorithm at
its dearest; and, as a program, a client who sets them off while others ask
for what is cached.

All keys of a trap have one tag: flags that mean nothing (RFC 4034 section
2.1.1) make up for what is missing. All signatures are real ones, of something
else, so that none of them is turned down before the arithmetic.
"""

import base64
import json
import random
import re
import socket
import statistics
import struct
import sys
import threading
import time

import dns.dnssec
import dns.message
import dns.rdatatype

TAG, KEYS, SIGNATURES = 4711, 40, 40
SHOWN = 0x0100  # a zone key
HIDDEN = 0x0080  # revoked: must not be set


def tag_of(rdata):
    """RFC 4034 appendix B."""
    total = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(rdata))
    return (total + (total >> 16)) & 0xffff


def flags_for(algorithm, key):
    """Flags with which the key has the tag, or None."""
    rest = tag_of(struct.pack("!HBB", 0, 3, algorithm) + key)
    for flags in ((TAG - rest) % 0xffff, (TAG - rest - 1) % 0xffff):
        head = struct.pack("!HBB", flags, 3, algorithm)
        if flags & SHOWN and not flags & HIDDEN and \
                tag_of(head + key) == TAG:
            return flags
    return None


# --- one key and a signature by it, of other data -----------------------------


def elliptic(curve, size, digest):
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    private = ec.generate_private_key(curve)
    n = private.public_key().public_numbers()
    r, s = utils.decode_dss_signature(private.sign(b"else", ec.ECDSA(digest)))
    return (n.x.to_bytes(size, "big") + n.y.to_bytes(size, "big"),
            r.to_bytes(size, "big") + s.to_bytes(size, "big"))


def edwards(kind):
    from cryptography.hazmat.primitives import serialization as form
    private = kind.generate()
    public = private.public_key().public_bytes(form.Encoding.Raw,
                                               form.PublicFormat.Raw)
    return public, private.sign(b"else")


def long_rsa(rng):
    """No modulus of anybody's, but as dear: 4096 bits, exponent of 40."""
    modulus = bytearray(rng.randbytes(512))
    modulus[0] |= 0x80
    modulus[-1] |= 1
    return (b"\5\xff\xff\xff\xff\xff" + bytes(modulus),
            b"\0" + rng.randbytes(511))


def make(algorithm):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import (ec, ed25519,
                                                           ed448)
    if algorithm in (8, 10):
        return long_rsa(random.Random())
    if algorithm == 13:
        return elliptic(ec.SECP256R1(), 32, hashes.SHA256())
    if algorithm == 14:
        return elliptic(ec.SECP384R1(), 48, hashes.SHA384())
    return edwards({15: ed25519.Ed25519PrivateKey,
                    16: ed448.Ed448PrivateKey}[algorithm])


def pairs(algorithm):
    """(flags, key, signature), KEYS times."""
    out = []
    while len(out) < KEYS:
        key, signature = make(algorithm)
        flags = flags_for(algorithm, key)
        if flags is not None:
            out.append((flags, key, signature))
    return out


def sign_keys(z, private_file):
    """The DNSKEY set anew, by a P-256 key of dnssec-keygen."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    text = private_file.read_text()
    number = base64.b64decode(re.search(r"PrivateKey: (.*)", text)[1])
    private = ec.derive_private_key(int.from_bytes(number, "big"),
                                    ec.SECP256R1())
    keys = z.find_rrset(z.origin, "DNSKEY")
    sigs = z.find_rdataset(z.origin, "RRSIG", covers="DNSKEY")
    (old,) = list(sigs)
    data = dns.dnssec._make_rrsig_signature_data(
        keys, old.replace(signature=b""))
    r, s = utils.decode_dss_signature(
        private.sign(data, ec.ECDSA(hashes.SHA256())))
    sigs.clear()
    sigs.add(old.replace(signature=r.to_bytes(32, "big") +
                         s.to_bytes(32, "big")), sigs.ttl)


# --- the client ------------------------------------------------------------------


def datagram(name):
    return dns.message.make_query(name, dns.rdatatype.A, use_edns=0,
                                  payload=1232, want_dnssec=True).to_wire()


def cpu_us(pid):
    """Of all threads, from the scheduler's own clock."""
    from pathlib import Path
    return sum(int((t / "schedstat").read_text().split()[0]) // 1000
               for t in Path(f"/proc/{pid}/task").iterdir())


def honest(port, name, times, stop):
    """Asks for what is cached, every 4 ms, and notes how long it took."""
    wire = datagram(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.settimeout(2)
        while not stop.is_set():
            began = time.monotonic()
            s.send(wire)
            s.recv(4096)
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.004)


def set_off(job):
    """Each name once, while the honest one is asked for."""
    times, stop, codes = [], threading.Event(), []
    port = job["port"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.settimeout(9)
        for name in (job["honest"], job["first"]):
            s.send(datagram(name))
            s.recv(4096)
        other = threading.Thread(target=honest, args=(
            port, job["honest"], times, stop))
        other.start()
        before = cpu_us(job["pid"])
        began = time.monotonic()
        for name in job["names"]:
            s.send(datagram(name))
            codes.append(s.recv(4096)[3] & 15)
        took = time.monotonic() - began
        spent = cpu_us(job["pid"]) - before
        stop.set()
        other.join()
    return {"codes": codes, "hits": len(times), "seconds": took,
            "cpu_ms": spent / 1000 / len(codes),
            "p99_ms": statistics.quantiles(times, n=100)[98]
            if len(times) > 2 else 0, "worst_ms": max(times, default=0)}


if __name__ == "__main__":
    json.dump(set_off(json.load(sys.stdin)), sys.stdout)
