"""`/v1/uploads`, and what changes `/v1/documents`: uploading, replacing and deleting."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi import Path as FromPath
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ingest.readers import KINDS
from ingest.roots import Place
from service import problems
from service.access import AccessRefused, Caller, Writing
from service.documents import Id, no_document
from service.multipart import Form, received
from service.upload_names import (
    COLLECTION,
    LONGEST_COLLECTION,
    UploadRefused,
    check_collection,
    check_content,
    safe_name,
)
from service.uploads import Status, Upload, Uploads, no_upload
from service.worker import Worker

Number = Annotated[str, FromPath(max_length=40, description="As uploading gives it.")]


class AcceptedBody(BaseModel):
    """A file that was taken. `status`: "queued", unless the same file is there already."""

    upload: str
    name: str
    collection: str
    bytes: int
    status: Status


class UploadBody(AcceptedBody):
    """How far an upload is.

    `reason`: why it failed or waits, or what of it cannot be read. `document_id`: the document that
    is shown of it, perhaps of the version before; null where there is none, or several.
    """

    reason: str | None
    document_id: int | None


class UploadsBody(BaseModel):
    """All uploads, by collection and name."""

    uploads: list[UploadBody]


def add_uploads(app: FastAPI, worker: Worker, most: int) -> None:
    """Add the routes. `most`: bytes of a file."""
    uploads = worker.uploads

    @app.post("/v1/documents", **_takes_file(collection=True))
    async def upload(request: Request, response: Response, caller: Writing) -> AcceptedBody:
        """Upload a file, which is read in the background.

        It can be asked about as soon as /v1/uploads/{upload} says that it is ready. Sending the
        same file again changes nothing; another one of the same name is a 409.
        """

        def keep(form: Form) -> tuple[Upload, bool]:
            collection = check_collection(form.fields.get("collection", COLLECTION))
            _may_use(caller, collection)
            name = safe_name(form.filename)
            check_content(form.file, name)
            return uploads.place(form.file, collection, name)

        def place(filename: str) -> Path:
            return uploads.files.incoming(safe_name(filename))

        with _storing(uploads):
            async with received(request, place, ("collection",), most) as form:
                return _accepted(request, response, *await run_in_threadpool(keep, form))

    @app.put("/v1/documents/{document_id}/file", **_takes_file(collection=False))
    async def replace(
        document_id: Id, request: Request, response: Response, caller: Writing
    ) -> AcceptedBody:
        """Replace an uploaded file, whose name stays.

        Answers come from the old version until the new one is readable, and then from that alone.
        """
        of = await run_in_threadpool(_uploaded, document_id, caller)

        def keep(form: Form) -> tuple[Upload, bool]:
            check_content(form.file, of.file)
            return uploads.replace(form.file, of.root.name, of.file)

        def place(filename: str) -> Path:
            _check_kind(safe_name(filename), of.file)
            return uploads.files.incoming(of.file)

        with _storing(uploads):
            async with received(request, place, (), most) as form:
                return _accepted(request, response, *await run_in_threadpool(keep, form))

    @app.delete(
        "/v1/documents/{document_id}",
        tags=["documents"],
        status_code=204,
        responses=problems.responses(403, 404, 409, 422, 503, 507),
    )
    def delete(document_id: Id, caller: Writing) -> None:
        """Delete an uploaded document; no answer that begins after this comes from it."""
        of = _uploaded(document_id, caller)
        others = len(uploads.documents_of(of.root.name, of.file)) - 1
        if others > 0:
            number = uploads.at(of.root.name, of.file).id
            raise HTTPException(
                409,
                f"document {document_id} is in the file {of.file!r} with {others} others: delete "
                f"all of them by DELETE /v1/uploads/{number}, or replace the file",
            )
        _remove(of.root.name, of.file)

    @app.get("/v1/uploads", tags=["documents"], responses=problems.responses(403, 503))
    def every(caller: Writing) -> UploadsBody:
        """The uploads, and how far each is; for those who may upload."""
        found = uploads.all(worker.trouble)
        shown = [_body(one) for one in found if caller.reads(one.collection)]
        return UploadsBody(uploads=shown)

    @app.get(
        "/v1/uploads/{upload}",
        tags=["documents"],
        responses=problems.responses(403, 404, 422, 503),
    )
    def one(upload: Number, caller: Writing) -> UploadBody:
        """How far an upload is."""
        return _body(_readable(upload, caller))

    @app.delete(
        "/v1/uploads/{upload}",
        tags=["documents"],
        status_code=204,
        responses=problems.responses(403, 404, 422, 503, 507),
    )
    def cancel(upload: Number, caller: Writing) -> None:
        """Delete an uploaded file with all its documents, also before it was read."""
        found = _readable(upload, caller)
        _remove(found.collection, found.name)

    def _readable(number: str, caller: Caller) -> Upload:
        found = uploads.one(number, worker.trouble)
        if not caller.reads(found.collection):
            raise no_upload(number)
        return found

    def _uploaded(document: int, caller: Caller) -> Place:
        of = uploads.place_of(document)
        if of is None or not caller.reads(of.collection):
            raise no_document(document)
        if not uploads.holds(of.root):
            raise HTTPException(
                409,
                f"document {document} ({of.file!r}) was not uploaded: change its file in the "
                "folder that it comes from and run `ragfirst ingest`",
            )
        return of

    def _remove(collection: str, name: str) -> None:
        with _storing(uploads):
            uploads.remove(collection, name)
        worker.wake()

    def _accepted(
        request: Request, response: Response, found: Upload, changed: bool
    ) -> AcceptedBody:
        if changed:
            worker.wake()
        else:
            response.status_code = 200
        prefix = request.scope.get("root_path", "")
        response.headers["Location"] = f"{prefix}/v1/uploads/{found.id}"
        body = _body(found)
        return AcceptedBody.model_validate(body.model_dump(include=set(AcceptedBody.model_fields)))


def _takes_file(*, collection: bool) -> dict[str, Any]:
    """What the two routes that take a file have in common."""
    properties: dict[str, Any] = {"file": {"type": "string", "format": "binary"}}
    if collection:
        properties["collection"] = {
            "type": "string",
            "default": COLLECTION,
            "minLength": 1,
            "maxLength": LONGEST_COLLECTION,
        }
    form = {
        "type": "object",
        "required": ["file"],
        "properties": properties,
        "additionalProperties": False,
    }
    missing = () if collection else (404,)
    return {
        "tags": ["documents"],
        "status_code": 202,
        "responses": {
            200: {"model": AcceptedBody, "description": "The same file is there already."},
            **problems.responses(403, *missing, 409, 413, 415, 422, 503, 507),
        },
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}
        },
    }


def _body(found: Upload) -> UploadBody:
    return UploadBody(
        upload=found.id,
        name=found.name,
        collection=found.collection,
        bytes=found.bytes,
        status=found.status,
        reason=found.reason,
        document_id=found.document,
    )


def _may_use(caller: Caller, collection: str) -> None:
    if not caller.reads(collection):
        known = sorted(caller.collections or ())
        raise AccessRefused(
            f"{caller.name!r} may not upload to the collection {collection!r}: name one of {known}"
        )


def _check_kind(sent: str, name: str) -> None:
    kinds = [KINDS.get(PurePosixPath(one).suffix.casefold(), "dump") for one in (sent, name)]
    if kinds[0] != kinds[1]:
        raise UploadRefused(
            415,
            "file",
            f"{sent!r} cannot replace {name!r}, which is of another kind: upload it beside that "
            "one, and delete that",
        )


@contextmanager
def _storing(uploads: Uploads) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise HTTPException(
            507,
            f"the folder of uploads, {str(uploads.files.folder)!r}, cannot be written "
            f"({error.strerror or error}): free or mend that and send it again",
        ) from error
