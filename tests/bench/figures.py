# SPDX-License-Identifier: BSD-3-Clause
"""What is made of a workload's rounds: medians, ratios, tables, verdicts."""

import json
import os
import statistics
import sys

import lab as laboratory
from workloads import PEERS

SHOWN = ("cpu_us", "user_us", "system_us", "util", "rate", "p50_us", "p99_us",
         "listed_p99_us", "lost", "wrong", "generator", "foreign", "once",
         "twice", "rss_of_bound", "first_ms", "idle_mb", "saturation",
         "rate_kept", "hits_answered", "hits_p50_us", "hits_p99_us",
         "spread_ns", "hot_ns", "misses_rate", "lost_after",
         "hit_instructions", "hit_calls",
         "miss_instructions", "miss_calls", "cold_instructions", "cold_calls")


def medians(rounds):
    # A peer that failed in a round is left out of the table.
    return {who: {key: statistics.median(r[who][key] for r in rounds)
                  for key in SHOWN if key in rounds[0][who]}
            for who in rounds[0] if all(who in r for r in rounds)}


def ratio(rounds, key, other):
    """other/hither within a round, and of these the median; or None."""
    each = []
    for r in rounds:
        peers = [r[p][key] for p in PEERS if p in r and key in r[p]]
        mine = r.get("hither", {}).get(key)
        if not mine:
            continue
        if other == "best" and peers:
            each.append(min(peers) / mine)
        elif other in r:
            each.append(r[other][key] / mine)
    return round(statistics.median(each), 3) if each else None


def ratios(rounds, key, others):
    found = {f"{other}/hither": ratio(rounds, key, other) for other in others}
    return {name: value for name, value in found.items() if value is not None}


# --- verdicts -----------------------------------------------------------------

def read_bounds():
    with open(os.path.join(laboratory.HERE, "bounds.json"),
              encoding="ascii") as f:
        return json.load(f)["workloads"]


def value_of(result, figure, key):
    """A ratio "other/hither" of the row's key or of "key other/hither", or
    one of hither's own figures; None when it was not measured."""
    if figure in result["ratios"]:
        return result["ratios"][figure]
    if "/" in figure:
        fields = figure.split()
        return ratio(result["rounds"], fields[0] if fields[1:] else key,
                     fields[-1].split("/")[0])
    return result["medians"].get("hither", {}).get(figure)


def verdicts(result, bounds, key):
    """Each bound of a row with its value: met, short or unknown."""
    found = []
    for bound in bounds:
        value = value_of(result, bound["figure"], key)
        at_least = "least" in bound
        must = bound["least" if at_least else "most"]
        met = value is not None and (
            value >= must if at_least else value <= must)
        found.append({"figure": bound["figure"], "value": value,
                      "must": f"{'>=' if at_least else '<='} {must:g}",
                      "stretch": bound.get("stretch"),
                      "verdict": "unknown" if value is None else
                                 "met" if met else "short"})
    return found


# --- tables -------------------------------------------------------------------

def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def print_result(title, result):
    print(f"\n{title}")
    table = result["medians"]
    keys = [k for k in SHOWN if any(k in figures for figures in
                                    table.values())]
    print(f"{'':13}" + "".join(f"{k[-11:]:>12}" for k in keys))
    for who, figures in table.items():
        print(f"{who:13}" + "".join(
            f"{number(figures.get(k)):>12}" for k in keys))
    if result["ratios"]:
        print("  " + "   ".join(f"{k} {v:.3f}"
                                for k, v in result["ratios"].items()))
    sys.stdout.flush()


def print_summary(results):
    """A line for each bound, and one for each workload that failed."""
    print(f"\n{'':8}{'figure':32}{'value':>10}{'must':>12}{'stretch':>10}")
    for name, result in results.items():
        for v in result.get("verdicts", ()):
            print(f"{name:8}{v['figure']:32}{number(v['value']):>10}"
                  f"{v['must']:>12}{number(v['stretch']):>10}  "
                  f"{v['verdict']}")
    for name, result in results.items():
        if "failure" in result:
            print(f"{name:8}FAILED: {result['failure']}")
    sys.stdout.flush()
