"""Files of an index that are damaged are refused or rebuilt: what is answered is never wrong."""

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect as open_database

import pytest
from fastapi.testclient import TestClient

from ingest import derive
from ingest.schema import DATABASE, IndexRefused, connect
from ingest.snapshot import Reader
from ingest.verify import verify
from service.answer import Answerer
from service.app import create_app
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import contents, documents, page, pages, reader, run, write
from tests.fakes import FakeEmbedder, OneReply

QUESTION = "The bee number 1 weighs"


Use = Callable[[Path], object]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "wiki", {**pages("ant", "bee", "cow"), "dog.md": page("dog", 20)})


@pytest.fixture
def index(tmp_path: Path, corpus: Path) -> Path:
    run(tmp_path / "index", corpus)
    return tmp_path / "index"


def answers(index: Path) -> set[object]:
    """All that a question gets from an index, each thing by itself."""
    embedder = FakeEmbedder()
    with Reader(index, embedder).snapshot() as snapshot:
        query = embedder.embed_query(QUESTION)
        dense, lexical = snapshot.dense(query, 9), snapshot.lexical(QUESTION, 9)
        chunks = snapshot.chunks([*dense, *lexical])
        near = {
            one: snapshot.closeness(query, [one])[one] for one in (chunk.id for chunk in chunks)
        }
        named = [(one.id, one.document.path, one.document.title) for one in chunks]
        texts = [(one.id, one.text, one.start, one.end, one.section) for one in chunks]
        listed = [(one.id, one.path, one.title, one.collection) for one in snapshot.documents()]
        return {*dense.items(), *lexical.items(), *near.items(), *named, *texts, *listed}


def flipped(path: Path, chance: random.Random) -> None:
    """Flip one bit of a file, not in its empty space."""
    content = bytearray(path.read_bytes())
    used = [at for at, byte in enumerate(content) if byte]
    content[chance.choice(used)] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(4))
def test_a_bit_that_flips_in_the_database_never_makes_an_answer_wrong(index: Path, seed: int):
    """What is lost with it is missing at the worst, and `verify` says so."""
    path, chance = index / DATABASE, random.Random(seed)
    whole, before, held = path.read_bytes(), answers(index), contents(index)
    for _ in range(25):
        path.write_bytes(whole)
        flipped(path, chance)
        missing = False
        try:
            found = answers(index)
            assert found <= before
            missing = found != before
        except IndexRefused:
            pass
        try:
            sound = verify(index) == []
        except IndexRefused:
            sound = False
        if sound:
            assert not missing
            after = contents(index)
            assert [*after] == [*held]
            assert all((after[one] == held[one]).all() for one in held)


@pytest.mark.parametrize("kept", [0, 100, 4096, 9000, 0.5, 0.9])
def test_a_database_that_was_cut_short_is_refused(index: Path, corpus: Path, kept: float):
    path = index / DATABASE
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content) if kept < 1 else kept)])
    uses: list[Use] = [answers, verify, lambda folder: run(folder, write(corpus, pages("elk")))]
    for use in uses:
        with pytest.raises(IndexRefused, match="restore a backup"):
            use(index)


def test_a_database_of_another_program_is_left_alone(index: Path, corpus: Path):
    (index / DATABASE).unlink()
    with closing(open_database(index / DATABASE)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = (index / DATABASE).read_bytes()
    uses: list[Use] = [answers, lambda folder: run(folder, corpus)]
    for use in uses:
        with pytest.raises(IndexRefused, match="another program's .*no table 'chunks'"):
            use(index)
    assert (index / DATABASE).read_bytes() == before


@pytest.mark.parametrize("table", ["chunks", "documents", "generations", "manifest", "roots"])
def test_a_database_that_lost_a_table_is_refused_by_its_name(index: Path, table: str):
    with closing(open_database(index / DATABASE)) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(IndexRefused, match=f"no table '{table}'.*restore a backup"):
        answers(index)


@pytest.mark.parametrize(
    "manifest", ["", "[", "{}", "[1]", '{"format_version": 2}', '{"format_version": "2"}', "null"]
)
def test_a_damaged_manifest_is_refused(index: Path, corpus: Path, manifest: str):
    with closing(connect(index)) as connection:
        connection.execute("UPDATE manifest SET value = ? WHERE key = 'manifest'", (manifest,))
    uses: list[Use] = [answers, verify, lambda folder: run(folder, corpus)]
    for use in uses:
        with pytest.raises(IndexRefused, match="ingest again into a new folder"):
            use(index)


def test_an_emptied_database_is_not_taken_for_a_new_one(index: Path, corpus: Path):
    (index / DATABASE).write_bytes(b"")
    with pytest.raises(IndexRefused, match="lost its content.*remove that file and ingest again"):
        run(index, corpus)
    (index / DATABASE).unlink()
    run(index, corpus)
    assert len(documents(index)) == 4


def derived_files(index: Path) -> list[Path]:
    """Those that are read; locks are not."""
    files = (path for path in derive.folder(index, 1).rglob("*") if path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


@pytest.mark.parametrize("seed", range(3))
def test_a_bit_that_flips_in_any_derived_file_is_refused_and_rebuilt(
    index: Path, corpus: Path, seed: int
):
    chance, before = random.Random(seed), answers(index)
    for path in derived_files(index):
        whole = path.read_bytes()
        flipped(path, chance)
        try:
            assert answers(index) == before
        except IndexRefused as error:
            assert "missing or damaged" in str(error)
        path.write_bytes(whole)
    flipped(chance.choice(derived_files(index)), chance)
    run(index, corpus)
    assert verify(index) == []
    assert answers(index) == before


def spoil_database(index: Path) -> None:
    with closing(open_database(index / DATABASE)) as connection, connection:
        connection.execute("UPDATE chunks SET text = replace(text, 'weighs', 'weights')")


def spoil_vectors(index: Path) -> None:
    path = derive.folder(index, 1) / "vectors.faiss"
    flipped(path, random.Random(1))


def test_an_index_made_anew_under_a_running_reader_is_never_mixed_with_the_old(
    index: Path, tmp_path: Path
):
    running = reader(index)
    shutil.rmtree(index)
    run(index, write(tmp_path / "other", {"cow.md": page("ant"), **pages("yak")}))
    with running.snapshot() as snapshot:
        (found,) = snapshot.chunks(list(snapshot.lexical("ant", 3)))
        assert found.document.path == "cow.md"
        assert snapshot.lexical("bee", 3) == {}


def empty_database(index: Path) -> None:
    (index / DATABASE).write_bytes(b"")


@pytest.mark.parametrize("harm", [spoil_database, spoil_vectors, empty_database])
def test_a_service_that_starts_on_a_damaged_index_says_so_and_answers_nothing(
    index: Path, harm: Callable[[Path], None]
):
    harm(index)
    settings = ServiceSettings().model_copy(update={"index": index})
    try:
        answerer = Answerer(reader(index), FakeEmbedder(), OneReply("3 stones [1]."))
    except IndexRefused as error:
        assert "damaged" in str(error) or "is empty" in str(error)
        return
    with TestClient(
        create_app(Loading(settings, answerer)), raise_server_exceptions=False
    ) as client:
        response = client.post("/v1/search", json={"query": QUESTION})
    assert response.status_code == 503
    assert "restore a backup" in response.json()["detail"]
