"""Uploads on the disk: how far each is, and what becomes of old and new versions."""

from pathlib import Path

import pytest

from ingest.schema import IndexRefused
from service.backlog import pending, prepare, take_up
from service.uploads import NameTaken, NoUpload, Trouble, Upload, Uploads
from tests.corpora import documents, dump, page, run
from tests.fakes import FakeEmbedder, PowerCut
from tests.uploading import read, resend, send, texts, with_corpus


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


def only(uploads: Uploads, trouble: Trouble | None = None) -> Upload:
    (found,) = uploads.all(trouble)
    return found


def test_an_upload_is_queued_then_ready(uploads: Uploads) -> None:
    sent = send(uploads, "cow.md", page("cow"), "barn")
    assert (sent.status, sent.reason, sent.document) == ("queued", None, None)
    read(uploads)
    found = only(uploads)
    assert (found.id, found.name, found.collection) == (sent.id, "cow.md", "barn")
    assert (found.status, found.bytes) == ("ready", len(page("cow")))
    assert found.document is not None
    place = uploads.place_of(found.document)
    assert place is not None and uploads.holds(place.root)
    assert documents(uploads.index) == ["ant.md", "bee.md", "cow.md"]


def test_the_first_upload_makes_the_index(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "new")
    assert uploads.all() == []
    assert send(uploads, "cow.md", page("cow")).status == "queued"
    read(uploads)
    assert only(uploads).status == "ready"


def test_one_that_is_being_read_says_so(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    with pytest.raises(PowerCut):
        read(uploads, FakeEmbedder(dies_after=0))
    assert only(uploads).status == "reading"


def test_one_that_is_read_and_not_published_is_not_ready(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise PowerCut

    send(uploads, "cow.md", page("cow"))
    with monkeypatch.context() as patched:
        patched.setattr("ingest.derive.build", power_cut)
        with pytest.raises(PowerCut):
            read(uploads)
    assert only(uploads).status == "reading"
    read(uploads)
    assert only(uploads).status == "ready"


def test_one_that_cannot_be_read_says_why_and_is_not_tried_again(uploads: Uploads) -> None:
    send(uploads, "bad.pdf", "%PDF-1.7\nbut nothing more")
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    bad, cow = uploads.all()
    assert (bad.status, cow.status) == ("failed", "ready")
    assert bad.reason and "PDF" in bad.reason
    assert pending(uploads) == frozenset()


def test_the_pages_of_a_dump_that_cannot_be_read_are_named(uploads: Uploads) -> None:
    send(uploads, "all.xml", dump(("One", "A tank."), ("Two", "A crane."), broken=["Two"]))
    read(uploads)
    found = only(uploads)
    assert found.status == "ready"
    assert found.reason and found.reason.startswith("all.xml#Two: ")


@pytest.mark.parametrize(("final", "status"), [(False, "queued"), (True, "failed")])
def test_trouble_of_the_workers_is_the_reason(uploads: Uploads, final: bool, status: str) -> None:
    send(uploads, "cow.md", page("cow"))
    found = only(uploads, Trouble("no room", final))
    assert (found.status, found.reason) == (status, "no room")


def test_trouble_does_not_touch_what_was_read_before(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    assert only(uploads, Trouble("no room", final=True)).status == "ready"


def test_the_same_bytes_again_are_the_same_upload(uploads: Uploads) -> None:
    first = send(uploads, "cow.md", page("cow"))
    read(uploads)
    file = uploads.files.incoming("cow.md")
    file.write_text(page("cow"))
    again, new = uploads.place(file, "uploads", "cow.md")
    assert (again.id, again.status, new) == (first.id, "ready", False)
    assert pending(uploads) == frozenset()


def test_other_bytes_of_the_same_name_are_refused_with_the_ways_out(uploads: Uploads) -> None:
    first = send(uploads, "cow.md", page("cow"))
    with pytest.raises(NameTaken, match=f"delete it first by DELETE /v1/uploads/{first.id}$"):
        send(uploads, "cow.md", page("cattle"))
    read(uploads)
    number = only(uploads).document
    with pytest.raises(NameTaken, match=f"replace it by PUT /v1/documents/{number}/file, or"):
        send(uploads, "cow.md", page("cattle"))
    assert uploads.files.current("uploads", "cow.md").read_text() == page("cow")
    send(uploads, "cow.md", page("cattle"), "barn")


# Replacing


def test_the_old_version_answers_until_the_new_one_does(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    old = only(uploads).document
    assert old is not None
    assert resend(uploads, "cow.md", page("cattle")).status == "queued"
    assert only(uploads).document == old
    take_up(uploads)
    assert uploads.files.kept(old).read_text() == page("cow")
    assert uploads.files.current("uploads", "cow.md").read_text() == page("cattle")
    assert "About cow" in texts(uploads)
    read(uploads)
    assert texts(uploads) == {"About ant", "About bee", "About cattle"}
    assert uploads.place_of(old) is None


def test_a_new_version_that_cannot_be_read_leaves_the_old_one(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    old = only(uploads).document
    assert old is not None
    resend(uploads, "cow.md", " \n")
    read(uploads)
    found = only(uploads)
    assert (found.status, found.document) == ("failed", old)
    assert uploads.files.kept(old).read_text() == page("cow")
    assert "About cow" in texts(uploads)


def test_the_version_sent_last_counts(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    resend(uploads, "cow.md", page("cattle"))
    resend(uploads, "cow.md", page("calf"))
    read(uploads)
    assert texts(uploads) == {"About ant", "About bee", "About calf"}


def test_replacing_by_the_same_bytes_changes_nothing(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    assert resend(uploads, "cow.md", page("cow")).status == "ready"
    assert pending(uploads) == frozenset()


def test_what_is_not_there_cannot_be_replaced(uploads: Uploads) -> None:
    with pytest.raises(NoUpload, match="'cow.md' is no longer in the collection 'uploads'"):
        resend(uploads, "cow.md", page("cow"))


def test_old_versions_are_removed_once_no_reader_can_be_on_them(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    for topic in ("cattle", "calf", "bull"):
        resend(uploads, "cow.md", page(topic))
        read(uploads)
    assert len(uploads.files.all_kept()) == 1
    uploads.remove("uploads", "cow.md")
    read(uploads)
    assert uploads.files.all_kept() == []


# Deleting


def test_a_deleted_upload_is_gone_at_once_and_for_good(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    send(uploads, "dog.md", page("dog"))
    read(uploads)
    resend(uploads, "cow.md", page("cattle"))
    uploads.remove("uploads", "cow.md")
    assert only(uploads).name == "dog.md"
    assert documents(uploads.index) == ["ant.md", "bee.md", "dog.md"]
    read(uploads)
    run(uploads.index, uploads.index.with_name("wiki"))
    assert documents(uploads.index) == ["ant.md", "bee.md", "dog.md"]
    assert pending(uploads) == frozenset()


def test_one_that_was_never_read_can_be_deleted(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    uploads.remove("uploads", "cow.md")
    assert (uploads.all(), pending(uploads)) == ([], frozenset())


def test_deleted_and_uploaded_again_it_is_read_again(uploads: Uploads) -> None:
    for _ in range(2):
        send(uploads, "cow.md", page("cow"))
        read(uploads)
        assert "cow.md" in documents(uploads.index)
        uploads.remove("uploads", "cow.md")
        assert "cow.md" not in documents(uploads.index)


# What happens to the folder


def test_an_index_that_has_moved_keeps_its_uploads(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    moved = Uploads(uploads.index.rename(uploads.index.with_name("elsewhere")))
    prepare(moved)
    assert only(moved).status == "ready"
    assert pending(moved) == frozenset()
    moved.remove("uploads", "cow.md")
    assert documents(moved.index) == ["ant.md", "bee.md"]


def test_uploads_that_were_moved_away_do_not_leave_the_index(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    uploads.files.folder.rename(uploads.index / "moved")
    assert pending(uploads) == frozenset()
    (uploads.index / "moved").rename(uploads.files.folder)
    assert only(uploads).status == "ready"


def test_what_broke_off_while_it_came_in_is_removed_by_the_next_service(uploads: Uploads) -> None:
    file = uploads.files.incoming("cow.md")
    file.write_text("# Ab")
    prepare(uploads)
    assert file.exists(), "it may be coming in now"
    prepare(Uploads(uploads.index))
    assert not file.exists()


def test_what_no_reader_knows_is_no_upload(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    (uploads.files.folder / "uploads" / "notes.docx").write_text("x")
    assert only(uploads).name == "cow.md"


def test_a_damaged_database_is_told(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    (uploads.index / "ragfirst.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(IndexRefused, match="cannot be used"):
        uploads.all()
