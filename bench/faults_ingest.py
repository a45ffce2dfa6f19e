"""`ragfirst ingest` with an embedder that costs nothing: `python -m bench.faults_ingest ingest …`.

All else is as always. It says `ready` when the command begins, and embeds few chunks at a time, so
that a small corpus goes through as many batches as a large one.
"""

import sys

from bench.hashed import HashedWords

NAME = "words"
READY = "ready\n"
TOGETHER = 16
PAUSE = 0.002
"""Seconds a text: a real embedder takes longer, and a kill has to find it at work."""


def embedder(*_: object, pause: float = PAUSE, **__: object) -> HashedWords:
    """What stands for the real one, whatever that is asked for with."""
    return HashedWords(64, 64, name=NAME, pause=pause)


def main() -> None:
    """The console script, with another embedder."""
    import ingest.embed
    import ingest.sync
    import ragfirst

    ingest.embed.SentenceEmbedder = embedder
    ingest.sync.EMBED_TOGETHER = TOGETHER
    sys.stdout.write(READY)
    sys.stdout.flush()
    ragfirst.main()


if __name__ == "__main__":
    main()
