from pathlib import Path

import pytest

from eval.findings import (
    SHOWN,
    Finding,
    GuardBroken,
    UnknownGuard,
    finding,
    read_findings,
    refuse,
    write_findings,
)
from eval.task import GUARDS

HOLDS = finding("dates", "not checked: no dates")
BROKEN = finding("leaks", "12 test questions", [f"q-{at}: the same as train" for at in range(12)])


def test_a_guard_passes_without_records():
    assert HOLDS.passed and not BROKEN.passed


def test_the_first_records_of_all_are_listed_with_the_remedy():
    with pytest.raises(GuardBroken) as refused:
        refuse([HOLDS, BROKEN])
    told = str(refused.value)
    assert "guard 'leaks' is broken: 12 test questions; the first 10 of 12 records:" in told
    assert told.count("the same as train") == SHOWN
    assert "Remedy: take these questions out of training and dev, or out of test." in told
    assert "dates" not in told


@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_has_a_remedy(guard: str):
    with pytest.raises(GuardBroken, match=f"(?s){guard}.*Remedy: [a-z]"):
        refuse([finding(guard, "one", ["q-1: wrong"])])


def test_all_broken_guards_are_told_at_once():
    with pytest.raises(GuardBroken, match=r"(?s)'leaks' is broken.*'closed-book' is broken"):
        refuse([BROKEN, finding("closed-book", "two", ["q-1: told"])])


def test_an_override_lets_the_run_go_on_and_says_so():
    findings = refuse([HOLDS, BROKEN], ["leaks"])
    assert findings[0] == HOLDS
    assert (findings[1].passed, findings[1].waived) == (False, True)
    assert findings[1].note == "OVERRIDDEN for this run: 12 test questions"
    assert findings[1].records == BROKEN.records


def test_an_override_that_was_not_needed_says_that_too():
    (one,) = refuse([HOLDS], ["dates"])
    assert one.passed and one.waived
    assert one.note == "OVERRIDDEN for this run, though it holds: not checked: no dates"


def test_an_override_excuses_no_other_guard():
    with pytest.raises(GuardBroken):
        refuse([BROKEN], ["dates"])


def test_an_override_names_a_guard():
    with pytest.raises(UnknownGuard, match="override 'leak': no such guard; there are gold-in-"):
        refuse([HOLDS], ["leak"])


def test_findings_are_read_as_they_were_written(tmp_path: Path):
    findings = refuse([HOLDS, BROKEN], ["leaks"])
    write_findings(tmp_path / "run" / "guards.json", findings)
    assert read_findings(tmp_path / "run" / "guards.json") == findings


@pytest.mark.parametrize("text", ["", "{}x", '[{"name": "leaks"}]', "[1]", '{"name": "leaks"}'])
def test_a_file_that_holds_no_findings_is_named(text: str, tmp_path: Path):
    (tmp_path / "guards.json").write_text(text)
    with pytest.raises(ValueError, match=r"guards.json: not a list of findings"):
        read_findings(tmp_path / "guards.json")


def test_an_item_has_what_a_report_reads():
    assert Finding("dates", True, False, "ok").as_dict() == {
        "name": "dates",
        "passed": True,
        "waived": False,
        "note": "ok",
        "records": [],
    }
