# SPDX-License-Identifier: BSD-3-Clause
"""Figures as text: a table for each scenario, and hither beside its bounds."""
import math

import measure

COLUMNS = (("mean", "mean", 8, 1), ("p50", "p50", 7, 1),
           ("p95", "p95", 7, 1), ("p99", "p99", 8, 1),
           ("worst", "worst", 8, 1), ("oracle", "oracle", 7, 1),
           ("regret", "regret", 8, 1), ("share", "near %", 7, 1),
           ("failures", "fail", 5, 0), ("packets", "pkt/q", 6, 2),
           ("questions", "n", 6, 0))
UNITS = {"mean": "ms", "p99": "ms", "p99_over": "ms over the oracle's",
         "worst": "ms", "share": "of answers", "failures": "failures",
         "packets": "packets a question", "adapt90": "s to 90 %",
         "first": "s to the first answer", "logged": ""}
NAMES = {"p99_over": "p99", "adapt90": "adapt", "share": "at nearest"}


def number(value, decimals):
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never"
    return f"{value:.{decimals}f}"


def seconds(value):
    return number(value, 2)


def phase_rows(phase, by_resolver):
    yield f"  {phase}"
    head = "".join(f"{title:>{width}}" for _, title, width, _ in COLUMNS)
    yield f"    {'':9}{head}"
    for who, figures in by_resolver.items():
        f = dict(figures, share=figures["share"] * 100)
        cells = "".join(f"{number(f[key], decimals):>{width}}"
                        for key, _, width, decimals in COLUMNS)
        yield f"    {who:9}{cells}"


def event_rows(event, by_resolver):
    yield (f"  {event}: seconds until 80 %, 90 % of 25 questions are at the "
           "nearest (mean of zones, last zone); first answer; worst of 60 s")
    for who, f in by_resolver.items():
        yield (f"    {who:9}{seconds(f['adapt80']):>8}"
               f"{seconds(f['adapt90']):>8}{seconds(f['adapt90_worst']):>8}"
               f"{seconds(f['first']):>8}{number(f['worst_in_60s'], 1):>9}")


def scenario_rows(result):
    noise = result["noise"]
    mark = "  DISTURBED" if noise["disturbed"] else ""
    yield (f"{result['id']}: {result['title']}{result['variant']}"
           f"   [bench: sends late p99 {noise['generator_p99']:.2f} ms, "
           f"path late mean {noise['path_mean']:.2f} "
           f"p99 {noise['path_p99']:.2f} worst {noise['path_worst']:.1f}]"
           f"{mark}")
    for phase, by_resolver in result["phases"].items():
        yield from phase_rows(phase, by_resolver)
    for event, by_resolver in result["events"].items():
        yield from event_rows(event, by_resolver)
    yield ""


def verdict(metric, value, bound):
    if value is None or math.isnan(value):
        return "?"
    return "ok" if measure.holds(metric, value, bound) else "MISSED"


def bounds_rows(results):
    """One line a bound: hither's figure, and what the others have there."""
    yield "hither beside its bounds, and the others beside hither"
    for r in results:
        for where, metric, bound in r["bounds"]:
            figures = r["phases"].get(where) or r["events"].get(where)
            values = {who: f.get(metric) for who, f in figures.items()}
            if "hither" not in values:
                continue
            decimals = 3 if metric == "share" else 2
            others = "  ".join(f"{who} {number(v, decimals)}"
                               for who, v in values.items()
                               if who != "hither")
            sign = ">=" if metric == "share" else "<="
            mark = "~" if r["noise"]["disturbed"] else " "
            yield (f"{mark}{r['id'] + r['variant']:9} {where:24} "
                   f"{NAMES.get(metric, metric):10} "
                   f"{number(values['hither'], decimals):>8} {sign} "
                   f"{bound:<6g} {UNITS[metric]:21} "
                   f"{verdict(metric, values['hither'], bound):7} {others}")
        if r["moved"] is not None:
            yield (f" {r['id'] + r['variant']:9} {'catchment changes':24} "
                   f"{'logged':10} {'yes' if r['moved'] else 'no':>8} "
                   f"{'':32} {'ok' if r['moved'] else 'MISSED'}")
    yield "(~: the machine was disturbed during this run)"
