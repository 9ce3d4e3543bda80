# SPDX-License-Identifier: BSD-3-Clause
"""Latency over time, a panel a scenario, one line a resolver."""

COLOURS = {"hither": "#c1121f", "unbound": "#1d6fa5", "named": "#6a994e",
           "pdns": "#8e7dbe", "kresd": "#e09f3e"}


def draw(results, path):
    """False: matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(2, len(results))
    rows = -(-len(results) // columns)
    figure, panels = pyplot.subplots(
        rows, columns, figsize=(8 * columns, 3.4 * rows), squeeze=False)
    flat = [p for row in panels for p in row]
    for panel, r in zip(flat, results):
        draw_panel(panel, r)
    for panel in flat[len(results):]:
        panel.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True


def draw_panel(panel, r):
    for who, points in r["series"].items():
        panel.plot([t for t, _ in points], [ms for _, ms in points],
                   label=who, color=COLOURS.get(who),
                   linewidth=1.8 if who == "hither" else 1.0,
                   zorder=3 if who == "hither" else 2)
    if r["oracle"]:
        panel.plot([t for t, _ in r["oracle"]],
                   [ms for _, ms in r["oracle"]], label="oracle",
                   color="#888888", linewidth=1.0, linestyle=":")
    for at in r["event_times"]:
        panel.axvline(at, color="#bbbbbb", linewidth=0.8, zorder=1)
    panel.set_yscale("log")
    panel.set_title(f"{r['id']}{r['variant']}: {r['title']}", fontsize=10)
    panel.set_xlabel("seconds", fontsize=8)
    panel.set_ylabel("client waits, ms", fontsize=8)
    panel.grid(True, which="major", axis="y", color="#eeeeee")
    panel.legend(fontsize=7, ncol=3, loc="upper right")
