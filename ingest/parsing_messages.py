"""What a sync and the process that parses for it say to each other, by pickle over pipes.

To the process: the parent's module path, then `Start`, then one `Order` a file. From it: `READY`,
then for each file the outcomes that `read_on` gives, closed by an `End`. What parses hostile files
is not believed: only these types are ever built from what it says.
"""

import pickle
from dataclasses import dataclass
from typing import IO, Any

from ingest.documents import Document, Failure, Page, Section

READY = "ready"

ON_THE_CLOCK = 10
"""A parser that computes may be kept waiting by others so many times what it computes for."""

OUT_OF_MEMORY = 70
"""Exit status of a process that has used up what it may have."""
NOT_INSTALLED = 71
"""Exit status where a library is missing, which is no file's fault."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What parsing may take.

    `seconds`: of processor time from one document of a file to the next; `ON_THE_CLOCK` times that
    on the clock. `megabytes`: of memory beyond what the process takes at rest.
    """

    seconds: float = 300.0
    megabytes: int = 2048


@dataclass(frozen=True, slots=True)
class Start:
    """What a process is told first; it ends with `parent`, the process that started it."""

    parent: int
    limits: ParseLimits


@dataclass(frozen=True, slots=True)
class Order:
    """A file to be read: where it lies, and its path below the corpus folder.

    `done` and `reason` as for `ingest.readers.read_on`.
    """

    place: str
    name: str
    done: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The end of a file; `reason` says why nothing (more) of it can be read, where that is so."""

    reason: str | None = None


Message = Document | Failure | None | End | str

_TYPES = {(one.__module__, one.__name__): one for one in (Document, Failure, Page, Section, End)}


_NO_PICKLE = (
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ImportError,
    OverflowError,
)
"""What bytes that are no pickle make `pickle` raise beside its own error, as its manual warns."""


class Broken(EOFError):
    """The other side is gone, or what it said is no message."""


def send(message: object, to: IO[bytes]) -> None:
    """Write a message whole. Raises `BrokenPipeError` where nobody listens."""
    to.write(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    to.flush()


def receive(source: IO[bytes]) -> Message:
    """The next message of a parsing process; waits for it. Raises `Broken`."""
    try:
        message = _Trusted(source).load()
    except (pickle.UnpicklingError, *_NO_PICKLE) as error:
        raise Broken("the parsing process is gone") from error
    if not isinstance(message, (Document, Failure, End, str, type(None))):
        raise Broken(f"a parsing process says {type(message).__name__}, which is no message")
    return message


class _Trusted(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _TYPES[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no message") from None
