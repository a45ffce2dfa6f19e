"""The one boundary where whatever a parsing library raises becomes an `UnreadableFile`."""

from collections.abc import Generator
from contextlib import contextmanager

from ingest.documents import UnreadableFile


@contextmanager
def in_plain_words(trouble: str) -> Generator[None]:
    """Turn any error of the block into an `UnreadableFile` that starts with `trouble`.

    Args:
        trouble: What it means for the file's owner, such as "the PDF is damaged".

    Raises:
        UnreadableFile: For every error but `MemoryError`, which is not the file's fault alone.
    """
    try:
        yield
    except (UnreadableFile, MemoryError):
        raise
    except RecursionError as error:
        raise UnreadableFile(f"{trouble}: it is nested too deeply") from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UnreadableFile(f"it cannot be read from disk: {reason}") from error
    # Parsers raise whatever a hostile byte leads them into (KeyError, TypeError, zlib.error, ...);
    # no list of types is ever complete, and one bad file must not end a batch of thousands.
    except Exception as error:
        raise UnreadableFile(f"{trouble} ({_short(error)})") from error


def _short(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:160]}" if words else type(error).__name__
