"""What workers have to do for uploads, and the parts of it that are not reading."""

from contextlib import closing, suppress

from ingest.documents import Failure
from ingest.roots import exists, settle
from ingest.schema import connect, read_only
from service.upload_files import keep, move
from service.uploads import UNKNOWN, Uploads

Task = tuple[str, str, str]
"""Collection, file, and what about it, which changes with the work."""


def pending(uploads: Uploads) -> frozenset[Task]:
    """All there is to do.

    A collection whose folder is not there is left alone: deleting its last file leaves the folder,
    so it is rather that somebody moved it away.
    """
    files, known, found = uploads.files, uploads.known(), set[Task]()
    for collection, name in files.places():
        if files.following(collection, name).is_file():
            found.add((collection, name, "replaced"))
        mark = files.fingerprint(collection, name)
        if mark is not None and mark != known.get((collection, name), UNKNOWN).fingerprint:
            found.add((collection, name, mark))
    for (collection, name), file in known.items():
        if file.fingerprint is not None and not files.current(collection, name).exists():
            found.add((collection, name, "gone"))
        elif not file.settled:
            found.add((collection, name, "not published"))
    return frozenset(task for task in found if (files.folder / task[0]).is_dir())


def prepare(uploads: Uploads) -> None:
    """Make up for what happened while no service ran: the index moved, uploads broke off."""
    uploads.files.forget_incoming()
    at_home(uploads)


def at_home(uploads: Uploads) -> None:
    """Let the index know uploads by where it lies itself today, which it remembers."""
    if uploads.files.folder.is_dir() and uploads.has_index:
        with closing(connect(uploads.index)) as connection:
            settle(connection, uploads.files.folder)


def take_up(uploads: Uploads) -> None:
    """Put new versions in place; old ones are kept for as long as their documents are shown."""
    files, known = uploads.files, uploads.known()
    for place in files.places():
        current, new = files.current(*place), files.following(*place)
        if new.is_file():
            with suppress(FileNotFoundError):  # deleted meanwhile
                for document in known.get(place, UNKNOWN).documents:
                    keep(current, files.kept(document))
                move(new, current)


def give_up(uploads: Uploads, collection: str, name: str, mark: str, reason: str) -> None:
    """Record a file as unreadable for as long as it has this fingerprint."""
    with uploads.store() as store:
        root = store.root(uploads.files.folder / collection)
        store.finish(root, name, mark, (), [Failure(name, reason)])


def tidy(uploads: Uploads) -> None:
    """Remove old versions whose documents no reader can be on any more."""
    kept = uploads.files.all_kept()
    if kept and uploads.has_index:
        with read_only(uploads.index) as connection:
            for file in kept:
                if not (file.name.isdecimal() and exists(connection, int(file.name))):
                    file.unlink(missing_ok=True)
