"""The format task's question files: what they hold, and that they are what the build writes."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from corpus.tasks.format import build, phrases
from corpus.tasks.format.families import FAMILIES, SPLITS, WANTED, atoms
from corpus.tasks.format.spoken import NUMBERS, ORDINALS, Voice, expand, fill
from corpus.tasks.format.values import pools
from eval.penstock import Fragment, family, parse, render
from eval.questions import Question, read_questions

FILES = {split: build.HERE / f"{split}.jsonl" for split in SPLITS}
QUESTIONS = {split: read_questions(file) for split, file in FILES.items()}
EVERY = [question for split in SPLITS for question in QUESTIONS[split]]


def golds(split: str) -> list[Fragment]:
    return [parse(question.answers[0]) for question in QUESTIONS[split]]


def test_the_build_writes_the_same_bytes_again(tmp_path: Path):
    build.write(tmp_path)
    for split, file in FILES.items():
        assert (tmp_path / f"{split}.jsonl").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("split", SPLITS)
def test_each_split_has_the_pairs_it_wants(split: str):
    assert len(QUESTIONS[split]) == WANTED[split]


def test_the_splits_are_as_large_as_the_data_test_asks():
    least = {"train": 1500, "dev": 160, "test": 420}
    assert all(len(QUESTIONS[split]) >= least[split] for split in SPLITS)


def test_no_family_is_in_two_splits():
    families = {split: {question.source for question in QUESTIONS[split]} for split in SPLITS}
    assert {split: len(found) for split, found in families.items()} == {
        "train": 61,
        "dev": 13,
        "test": 44,
    }
    assert len(set[str]().union(*families.values())) == 61 + 13 + 44


@pytest.mark.parametrize("split", SPLITS)
def test_the_source_of_a_question_is_the_family_of_its_answer(split: str):
    assert [question.source for question in QUESTIONS[split]] == [*map(family, golds(split))]


@pytest.mark.parametrize("split", SPLITS)
def test_every_answer_is_canonical_and_equal_to_itself(split: str):
    for question, gold in zip(QUESTIONS[split], golds(split), strict=True):
        assert question.answers == (render(gold),)
        assert parse(render(gold)) == gold


@pytest.mark.parametrize("split", ["dev", "test"])
def test_each_construct_of_a_split_occurs_often_in_train(split: str):
    train = Counter(atom for gold in golds("train") for atom in atoms(gold))
    assert {atom for gold in golds(split) for atom in atoms(gold) if train[atom] < 10} == set()


def test_about_half_of_the_names_of_the_test_split_are_new():
    known = {zone for gold in golds("train") for zone in gold.zones}
    found = [zone for gold in golds("test") for zone in gold.zones]
    assert 0.35 < sum(zone not in known for zone in found) / len(found) < 0.65


def test_ids_and_dates_tell_the_split():
    for split, months in {"train": (6, 7), "dev": (8,), "test": (9, 10)}.items():
        asked = [question.asked_at for question in QUESTIONS[split]]
        assert {(day.year, day.month) for day in asked if day} == {(2026, m) for m in months}
        assert QUESTIONS[split][0].id == f"format-{split}-0001"


def test_no_request_resembles_another_one():
    requests = build.Requests()
    assert [question.id for question in EVERY if not requests.add(question.question)] == []


def test_near_duplicates_are_noticed():
    requests = build.Requests()
    words = "let the harbour office reach the northern quay over udp on port 99 under rule 40"
    assert requests.add(words)
    assert not requests.add(words.upper())
    assert not requests.add(f"{words} please")
    assert requests.add("keep the harbour office off the northern quay under rule 40 please")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def _said(number: int) -> set[str]:
    """How a request may say the number of a rule or of a port of the case."""
    ordinal = ORDINALS[number] if number < len(ORDINALS) else ""
    return {str(number), f"p{number}", NUMBERS.get(number, ""), ordinal} - {""}


def _unsaid(question: Question) -> list[str]:
    """Names, addresses and numbers of the answer that the request does not say."""
    gold = parse(question.answers[0])
    zones = {*gold.zones, *(one.zone for one in (*gold.ports, *gold.tunnels))}
    zones |= {zone for rule in gold.rules for zone in (rule.source, rule.target)}
    wanted = [{zone} for zone in zones - {"any", "self"}]
    wanted += [{schedule.name} for schedule in gold.schedules]
    wanted += [{value} for tunnel in gold.tunnels for value in (tunnel.name, tunnel.peer)]
    wanted += [_said(port.number) for port in gold.ports]
    for rule in gold.rules:
        wanted += [_said(rule.number), {str(rule.port)} if rule.port else set()]
        wanted += [{name} for name in (rule.proto, rule.schedule, rule.tunnel) if name]
    if gold.device:
        model = gold.device.model.removeprefix("lh-")
        wanted += [{gold.device.name}, {model, f"lh{model}", "210 the r"}]
    said = f" {_plain(question.question)} "
    return [
        " or ".join(sorted(ways))
        for ways in wanted
        if ways and not any(f" {_plain(way)} " in said for way in ways)
    ]


def test_every_request_says_the_values_of_its_answer():
    assert {question.id: _unsaid(question) for question in EVERY if _unsaid(question)} == {}


def test_two_times_are_never_said_alike():
    for manner in ("clock", "dot", "bare", "half", "word"):
        said: dict[str, str] = {}
        for quarter in range(96):
            time = f"{quarter // 4:02}:{quarter % 4 * 15:02}"
            for seed in range(4):
                words = Voice(random.Random(seed)).time(time, manner).replace(" ", "")
                assert said.setdefault(words, time) == time


@pytest.mark.parametrize(
    ("templates", "slots"),
    [
        (phrases.ALLOW, ("n num", "a ra", "b rb d", "t o tt", "w first ws")),
        (phrases.DENY, ("n num", "a ra", "b rb d", "t o tt", "w first ws")),
        (phrases.DIVERT, ("n num", "a ra", "b rb d", "t o tt", "w first ws", "u ru")),
        (phrases.DEVICE, ("g", "m")),
        (phrases.ZONE, ("z",)),
        (phrases.ZONES, ("zs",)),
        (phrases.PORT, ("p", "z rz")),
        (phrases.PORTS, ("ps", "z rz")),
        (phrases.SCHEDULE, ("s", "days", "hours start", "hours end")),
        (phrases.TUNNEL, ("u", "ip", "z rz")),
    ],
)
def test_each_statement_has_many_wordings_and_each_says_every_value(
    templates: tuple[str, ...], slots: tuple[str, ...]
):
    assert len(set(templates)) >= 12
    for template in templates:
        found = set(re.findall(r"\{(\w+)\}", template))
        assert all(found & set(slot.split()) for slot in slots), template


def test_templates_are_expanded_and_filled():
    template = expand(random.Random(1), "[let|let] {n} [in |]")
    assert fill(template, {"n": "[field|plant]"}).startswith("let [field|plant] ")


def test_the_test_split_draws_on_names_that_train_does_not_have():
    assert set(pools("test").zones) - set(pools("train").zones)
    assert set(pools("test").zones) & set(pools("train").zones)


def test_enough_pairs_are_written_by_hand():
    least = {"train": 150, "dev": 25, "test": 80}
    pairs = build.read_handwritten(build.HANDWRITTEN)
    assert all(len(pairs[split]) >= least[split] for split in SPLITS)
    assert {pair.request for split in SPLITS for pair in pairs[split]} <= {
        question.question for question in EVERY
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"split": "trial"}, "field 'split': 'trial'"),
        ({"answer": "zones\n  zone Quay"}, "zone name 'Quay'"),
        ({"answer": "zones\nzone quay"}, "not canonical"),
        (
            {"answer": "ports\n  port p1 zone quay\nrules\n  rule 1 allow from quay to any"},
            "family",
        ),
        ({"question": None}, "field 'question'"),
    ],
)
def test_a_wrong_hand_written_pair_is_refused(
    tmp_path: Path, change: dict[str, object], reason: str
):
    pair = {"split": "train", "question": "a zone quay", "answer": "zones\n  zone quay"}
    file = tmp_path / "handwritten.jsonl"
    file.write_text(json.dumps(pair | change))
    with pytest.raises(build.BadPair, match=re.escape(reason)):
        build.read_handwritten(file)


def test_a_construct_that_train_lacks_is_refused():
    train = [build.Pair("a zone quay", "zones\n  zone quay")] * 20
    test = [build.Pair("p1 is quay", "ports\n  port p1 zone quay")]
    with pytest.raises(build.BadPair, match=r"port \(0\), port p1 \(0\)"):
        build.check_constructs({"train": train, "dev": [], "test": test})


def test_families_are_named_as_the_parser_names_them():
    for split in SPLITS:
        assert set(FAMILIES[split]) == {family(gold) for gold in golds(split)}
