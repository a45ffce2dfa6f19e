"""Bringing what was written to the disk, past the memory of the system."""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """A file's content, or the names in a folder, which have to reach the disk too."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
