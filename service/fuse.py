"""Fusing the dense and the lexical list of hits. Pure."""

from collections.abc import Mapping


def fuse(
    dense: Mapping[int, float], lexical: Mapping[int, float], weight: float = 0.5
) -> list[tuple[int, float]]:
    """Weighted min-max fusion: (chunk id, score in 0…1) in falling order, ties by id.

    `dense` and `lexical` give each chunk's score in its own scale; a chunk that one of them lacks
    gets nothing from it. `weight` is the dense share. Scores are kept rather than ranks (RRF),
    since they know how much better the first hit is than the second (Bruch et al., "An Analysis of
    Fusion Functions for Hybrid Retrieval", TOIS 2023).
    """
    fused: dict[int, float] = {}
    for scores, share in ((dense, weight), (lexical, 1 - weight)):
        low, spread = _range(scores)
        for chunk, score in scores.items():
            fused[chunk] = fused.get(chunk, 0.0) + share * (score - low) / spread
    return sorted(fused.items(), key=lambda pair: (-pair[1], pair[0]))


def _range(scores: Mapping[int, float]) -> tuple[float, float]:
    if not scores:
        return 0.0, 1.0
    low, high = min(scores.values()), max(scores.values())
    # A single hit, or all alike: each counts in full.
    return (low, high - low) if high > low else (low - 1.0, 1.0)
