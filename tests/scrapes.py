"""Reading what `GET /metrics` says."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families as families


def samples(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a scrape, by name and labels. `client`: an httpx client of the app."""
    text: str = client.get("/metrics").raise_for_status().text
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in families(text)
        for one in family.samples
    }


def value(client: Any, name: str, **labels: str) -> float | None:
    """One sample, named without the prefix; None where there is none."""
    return samples(client).get((f"ragfirst_{name}", frozenset(labels.items())))
