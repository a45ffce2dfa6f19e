"""What a run's collateral.json says, one line an arm and set. Pure."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from eval.report.folder import Json


def collateral_lines(collateral: Mapping[str, Any]) -> list[Json]:
    """Shares of items passed before and after, means over seeds; see `eval.collateral.as_json`.

    `kept`: of the items that the base passed, those still passed; None where it passed none.
    `lost` and `gained`: items that turned over, on average of the seeds.
    """
    return [
        _line(arm, name, before, [seed[name] for seed in seeds.values()])
        for arm, seeds in collateral["after"].items()
        for name, before in collateral["before"].items()
    ]


def _line(arm: str, name: str, before: Json, seeds: list[Json]) -> Json:
    old = before["passed"] / before["of"] if before["of"] else None
    after = [one["passed"] / one["of"] for one in seeds if one["of"]]
    kept = [one["share"] for one in seeds if one["share"] is not None]
    new = fmean(after) if after else None
    return {
        "arm": arm,
        "measure": name,
        "items": before["of"],
        "before": old,
        "after": new,
        "change": None if old is None or new is None else new - old,
        "kept": fmean(kept) if kept else None,
        "lost": fmean(len(one["lost"]) for one in seeds) if seeds else None,
        "gained": fmean(len(one["gained"]) for one in seeds) if seeds else None,
        "seeds": len(seeds),
    }
