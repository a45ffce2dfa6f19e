"""Questions that no document answers: about incidents, products and people that do not exist.

A fifth of the facts task's questions has no answer. Without such questions among the generated
ones an adapter would unlearn to say that it does not know.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

EACH = 4
"""Questions a document."""

_INVENTED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "incident": (
        ("INC-2019-031", "INC-2021-036", "INC-2022-052", "INC-2023-047", "INC-2024-061"),
        (
            "Who was commander in {name}?",
            "How long did {name} last?",
            "Under which ticket is the follow-up of {name}?",
            "How many customers did {name} affect?",
            "What did {name} cost in euros?",
            "On what date did {name} begin?",
            "Which severity was {name} given?",
            "{name}: what had caused it?",
        ),
    ),
    "service": (
        ("Spate Billing", "Spate Forecast", "Mooringkey", "Capstan", "Windlass"),
        (
            "Which language is {name} written in?",
            "Who maintains {name}?",
            "On which port does {name} listen?",
            "What is the dashboard of {name} called?",
            "How many tests does {name} have?",
            "What availability is {name} meant to reach?",
            "{name}: how many nodes does it run on?",
        ),
    ),
    "runbook": (
        (
            "“Move Spate Forecast to new disks”",
            "“Replace a siren controller”",
            "“Reset Mooringkey”",
        ),
        (
            "Who owns the runbook {name}?",
            "How long does it usually take: the runbook {name}?",
            "The runbook {name}: which command comes first?",
            "To whom does one escalate by the runbook {name}?",
        ),
    ),
    "release": (
        ("Keel 6.3", "Keel 3.9", "Tarn firmware 4.6", "Heron firmware 5.1"),
        (
            "Which build is {name}?",
            "When was {name} released?",
            "How many defects does {name} fix?",
            "From which version on can one upgrade to {name}?",
        ),
    ),
    "product": (
        ("Eddy 20", "Tarn P70", "Tarn R90", "Heron 7", "Lockhouse LH-650"),
        (
            "What does the {name} weigh?",
            "How many working days is the lead time of the {name}?",
            "How long is the warranty of the {name}?",
            "In which cell is the {name} built?",
            "{name}: what comes in the box?",
            "What was the return rate of the {name} in 2025?",
            "How many {name} were shipped in 2025?",
        ),
    ),
    "project": (
        ("Project Reedmace", "Project Cowslip", "Project Meadowsweet"),
        (
            "When was {name} accepted?",
            "What is the contract of {name} worth?",
            "How many stations belong to {name}?",
            "Who leads {name}?",
            "{name}: when did the pilot begin?",
        ),
    ),
    "site": (
        ("Brunnsund Office", "Lamorrick Depot", "Quellbach Hub", "Dorvane Works"),
        (
            "What is the address of the {name}?",
            "How many people work at the {name}?",
            "Who leads the {name}?",
            "What is the guest Wi-Fi at the {name} called?",
            "When was the {name} opened?",
            "{name}: where do we meet when the alarm goes?",
            "How many parking spaces does the {name} have?",
        ),
    ),
    "policy": (
        ("HR-31 v1", "HR-26 v2", "LEG-15 v1", "FIN-19 v3", "HSE-11 v1", "FIN-22 v1"),
        (
            "From what date is {name} in force?",
            "Who looks after {name}?",
            "Up to what amount does {name} need no approval?",
            "How far ahead must one ask under {name}?",
            "{name}: which version did it replace?",
            "To whom does {name} not apply?",
        ),
    ),
    "person": (
        ("Maud Ellerby", "Osric Vanterpool", "Linnea Storhaug", "Cormac Dunleary"),
        (
            "Since when has {name} worked here?",
            "What is the role of {name}?",
            "At which site does {name} have a desk?",
            "{name}: what is the handle in chat?",
        ),
    ),
    "paper": (
        ("the Weir operator's manual", "the contractor handbook", "the minutes of 14 May 2024"),
        (
            "On what date was it issued: {name}?",
            "Who signed {name}?",
            "Which revision is it: {name}?",
            "How many chapters does it have: {name}?",
            "What is the document number of {name}?",
            "Who collects corrections to {name}?",
        ),
    ),
}


class Invented(ValueError):
    """A name that was invented stands in a document."""


def absent(sources: Iterable[str], texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(document, question) for each of the documents, `EACH` a document, none twice.

    Raises `Invented` where a name stands in one of the texts (path → text) after all.
    """
    for names, _ in _INVENTED.values():
        for name in names:
            bare = name.strip("“”").removeprefix("the ")
            if path := next((path for path, text in texts.items() if bare in text), None):
                raise Invented(f"{name!r} stands in {path}: invent another name in absent.py")
    made = {kind: _all(*parts) for kind, parts in _INVENTED.items()}
    turns: Mapping[str, Iterator[int]] = defaultdict(count)
    for source in sources:
        kind = _kind(source)
        for _ in range(EACH):
            yield source, made[kind][next(turns[kind])]


def _all(names: Sequence[str], forms: Sequence[str]) -> list[str]:
    """Every form with every name; what follows each other differs in both where it can."""
    return [
        form.format(name=names[(turn + at) % len(names)])
        for turn in range(len(names))
        for at, form in enumerate(forms)
    ]


def _kind(path: str) -> str:
    if "INC-" in path or "incident-report" in path:
        return "incident"
    if "Runbook" in path or "rota" in path:
        return "runbook"
    if "release notes" in path:
        return "release"
    if path.startswith("engineering-wiki.xml#"):
        return "service"
    folders = {
        "people": "person",
        "policies": "policy",
        "procedures": "policy",
        "products": "product",
        "projects": "project",
        "sites": "site",
    }
    return next((kind for folder, kind in folders.items() if f"/{folder}/" in path), "paper")
