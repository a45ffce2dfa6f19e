"""`/v1/report`: the last comparison report, which cannot act on the service that hands it out."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service import problems
from service.access import Asking, Caller

FILE = "report.html"

FOLDERS = (Path("runs"), Path("docs/reports"))
"""Where runs are put unless a setting says otherwise."""

HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
"""A report is one file with its script in it. The sandbox gives it an origin of its own: its script
reaches neither the service nor what the page keeps, and nothing is loaded or sent."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report file; `modified` is in seconds since 1970."""

    file: Path
    modified: float


class ReportBody(BaseModel):
    """The last report: the name of its run, and when it was written; null where there is none."""

    name: str | None = None
    made: datetime | None = None


def add_report(app: FastAPI, place: Path | None) -> None:
    """Add the routes; `place`: a report, a run's folder or a folder of runs; None: `FOLDERS`."""

    @app.get(
        "/v1/report",
        tags=["feedback"],
        response_class=FileResponse,
        responses={200: {"content": {"text/html": {}}}, **problems.responses(404)},
    )
    def report(caller: Asking) -> FileResponse:
        """The last comparison report, one self-contained page of HTML.

        It quotes from all documents, so it is there for those who may read every collection.
        """
        found = _for(caller, place)
        if found is None:
            raise HTTPException(
                404, "there is no comparison report: `ragfirst eval run` writes one into runs/"
            )
        return FileResponse(found.file, media_type="text/html; charset=utf-8", headers=HEADERS)

    @app.get("/v1/report/status", tags=["feedback"], responses=problems.responses())
    def status(caller: Asking) -> ReportBody:
        """Which report /v1/report hands out, if any."""
        found = _for(caller, place)
        if found is None:
            return ReportBody()
        name, made = found.file.resolve().parent.name, datetime.fromtimestamp(found.modified, UTC)
        return ReportBody(name=name, made=made)


def _for(caller: Caller, place: Path | None) -> Report | None:
    if caller.collections is not None:
        return None
    return newest(FOLDERS if place is None else (place,))


def newest(places: tuple[Path, ...]) -> Report | None:
    """The report that was written last.

    A place is a report, a folder with one, or a folder of such folders.
    """
    files = [
        file
        for place in places
        for file in (place, place / FILE, *sorted(place.glob(f"*/{FILE}")))
        if file.suffix == ".html" and file.is_file()
    ]
    found: list[Report] = []
    for file in files:
        with suppress(OSError):  # gone in between
            found.append(Report(file, file.stat().st_mtime))
    return max(found, key=lambda one: one.modified, default=None)
