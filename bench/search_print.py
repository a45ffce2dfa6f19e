"""The tables of `bench.search`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

_WAYS = (
    ("factory", "{}"),
    ("effort", "{}"),
    ("recall@3", "{:.3f}"),
    ("recall@10", "{:.3f}"),
    ("p50", "{:.2f}"),
    ("p99", "{:.2f}"),
    ("cpu_p50", "{:.2f}"),
    ("cpu_p99", "{:.2f}"),
    ("built_cpu_s", "{:.0f}"),
    ("megabytes", "{:.0f}"),
)
_FILTERS = (("share", "{}"), ("kind", "{}"), *_WAYS[2:8])
_PARTS = (("part", "{}"), *_WAYS[4:8])


def results(size: int, found: Mapping[str, Any]) -> None:
    """Everything of one size."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{size} chunks; load of the machine now {load} on {os.cpu_count()} cores")
    for name in ("corpus", "build", "start"):
        if name in found:
            values = (f"{key} {value:.4g}" for key, value in found[name].items())
            print(f"{name}: {', '.join(values)}")
    if rows := [row for rows in found.get("ways", {}).values() for row in rows]:
        print("\nmilliseconds a query, and seconds of processor time to build")
        table(rows, _WAYS)
    if rows := found.get("filters"):
        print("\nthe recipe behind a filter that leaves a share of the chunks")
        table(rows, _FILTERS)
    if path := found.get("path"):
        print(f"\nretrieval, milliseconds; {path['resident_mb']:.0f} MB resident")
        table([{"part": key, **row} for key, row in path.items() if key != "resident_mb"], _PARTS)


def way(rows: Sequence[Mapping[str, Any]]) -> None:
    """One way, as soon as it is measured."""
    table(rows, _WAYS)


def changes(rows: Sequence[Mapping[str, Any]]) -> None:
    """What syncs cost."""
    table(
        rows,
        (
            ("vectors", "{}"),
            ("sync", "{}"),
            ("seconds", "{:.3f}"),
            ("cpu_s", "{:.3f}"),
            ("share of the first", "{:.4%}"),
        ),
    )


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]]) -> None:
    """A table in Markdown."""
    print("| " + " | ".join(name for name, _ in columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(form.format(row[name]) for name, form in columns) + " |")
