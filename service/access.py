"""Who is asking and what they may read; how they proved it is `service.guard`'s matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ragfirst"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        name: The key's name; "anonymous" without a key.
        collections: Those that may be read; None: all.
        writes: Whether documents may be uploaded, replaced and deleted.
    """

    name: str
    collections: frozenset[str] | None
    writes: bool

    def reads(self, collection: str) -> bool:
        """Whether documents of the collection are there for this caller."""
        return self.collections is None or collection in self.collections


ANONYMOUS = "anonymous"

EVERYONE = Caller(ANONYMOUS, None, writes=True)
NOBODY = Caller(ANONYMOUS, frozenset(), writes=False)


class AccessRefused(Exception):
    """A request that is not answered; the message says why and what would be.

    Attributes:
        status: Of the problem that it becomes.
        headers: Of its response.
    """

    status = 403

    def __init__(self, reason: str, headers: Mapping[str, str] | None = None) -> None:
        """Refuse for a reason."""
        super().__init__(reason)
        self.headers = dict(headers or {})


class KeyRefused(AccessRefused):
    """No key, or none that is known here."""

    status = 401

    def __init__(self, reason: str) -> None:
        """Refuse, naming the way to ask."""
        super().__init__(reason, CHALLENGE)


class WriteRefused(AccessRefused):
    """The caller may read only."""


class SiteRefused(AccessRefused):
    """A browser was made to send this by a page of another site."""


class HostRefused(AccessRefused):
    """The request is for a host name that the service does not go by."""

    status = 421


class KeysUnusable(AccessRefused):
    """The file of the keys cannot be read, so nobody's key can be told."""

    status = 503


async def caller_of(request: Request) -> Caller:
    """The caller that the guard found; everyone where no guard stands before the app."""
    # A coroutine, as the one below: FastAPI would hand a plain function to a thread.
    found: object = getattr(request.state, "caller", EVERYONE)
    if not isinstance(found, Caller):
        raise TypeError(f"request.state.caller is {found!r}: the guard sets a Caller")
    return found


Asking = Annotated[Caller, Depends(caller_of)]
"""The caller as a route's parameter."""


async def writer_of(caller: Asking) -> Caller:
    """The caller, who may change documents. Raises `WriteRefused`."""
    if not caller.writes:
        raise WriteRefused(
            f"{caller.name!r} may not change documents: use a key made with --writes"
        )
    return caller


Writing = Annotated[Caller, Depends(writer_of)]
"""The caller as the parameter of a route that changes documents."""
