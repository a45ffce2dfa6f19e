"""`/v1/me`: who one is to the service, and what one may do there."""

from fastapi import FastAPI
from pydantic import BaseModel

from service import problems
from service.access import Asking


class MeBody(BaseModel):
    """Whoever asks. `collections`: those that may be read, null for all."""

    name: str
    collections: list[str] | None
    writes: bool


def add_me(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/v1/me", tags=["access"], responses=problems.responses())
    def me(caller: Asking) -> MeBody:
        """By which name one is known, what one may read, and whether one may upload and delete."""
        readable = None if caller.collections is None else sorted(caller.collections)
        return MeBody(name=caller.name, collections=readable, writes=caller.writes)
