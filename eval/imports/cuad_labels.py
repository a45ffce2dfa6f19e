"""CUAD's labels as questions, and the forms in which their answers are right. Pure.

Labels and answer formats: CUAD v1 README, "Category List" (Hendrycks et al. 2021, 2103.06268).
"""

import re
from datetime import date

from eval.imports.records import distinct

# What a label asks for. Of any other label a question asks what the contract says about it.
_ASKED = {
    "parties": "Who are the parties to {contract}?",
    "agreementdate": "What is the date of {contract}?",
    "effectivedate": "When does {contract} take effect?",
    "expirationdate": "When does the initial term of {contract} expire?",
    "renewalterm": "What is the renewal term of {contract} after its initial term?",
    "noticeperiodtoterminaterenewal": (
        "How much notice is needed to terminate the renewal of {contract}?"
    ),
    "governinglaw": "What is the governing law of {contract}?",
}
_PHRASES = {
    "mostfavorednation": "most favored nation terms",
    "competitiverestrictionexception": "exceptions to its competitive restrictions",
    "noncompete": "not competing",
    "nosolicitofcustomers": "not soliciting customers",
    "nosolicitofemployees": "not soliciting or hiring employees",
    "rofrroforofn": "a right of first refusal, first offer or first negotiation",
    "antiassignment": "assigning it to a third party",
    "ipownershipassignment": "assigning ownership of intellectual property",
    "jointipownership": "joint ownership of intellectual property",
    "nontransferablelicense": "whether a license can be transferred",
    "affiliatelicenselicensor": "a license granted by affiliates of the licensor",
    "affiliatelicenselicensee": "a license granted to affiliates of the licensee",
    "unlimitedallyoucaneatlicense": "an unlimited license",
    "caponliability": "a cap on liability",
    "thirdpartybeneficiary": "third party beneficiaries",
}
_ALIAS = re.compile(r"\s*,?\s*\((?:[^()]|\([^()]*\))*[\"“”](?:[^()]|\([^()]*\))*\)")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")
_WRITTEN = re.compile(r"[^_\[]*\d{4}[^_\[]*")
_DATE_WORDS = 8


def folded(label: str) -> str:
    """A label's name, whatever its case, blanks and marks in a file."""
    return re.sub(r"[\W_]", "", label).casefold()


def asks(label: str, contract: str) -> str:
    """The question of a label about a contract."""
    name = folded(label)
    if name in _ASKED:
        return _ASKED[name].format(contract=contract)
    return f"What does {contract} say about {_PHRASES.get(name, label.lower())}?"


def gold_forms(label: str, answer: str, clauses: tuple[str, ...]) -> tuple[str, ...]:
    """The right answers of a label: the lawyers' answer in each form, or, without one, the clauses.

    Dates come as written in the contract and in the usual forms, parties with and without their
    short names, a law with and without the country that follows it.
    """
    if not answer:
        return distinct([clause.replace("<omitted>", " ... ") for clause in clauses])
    name = folded(label)
    if name.endswith("date"):
        forms = _date_forms(answer)
        written = [c for c in clauses if _WRITTEN.fullmatch(c) and len(c.split()) <= _DATE_WORDS]
        return distinct([answer, *forms, *(written if forms else [])])
    if name == "parties":
        return distinct([answer, *_party_forms(answer)])
    if name == "governinglaw" and ";" not in answer:
        return distinct([answer, answer.split(",")[0].strip() or answer])
    return (answer,)


def _date_forms(answer: str) -> list[str]:
    if not (matched := _DATE.fullmatch(answer)):
        return []
    month, day, year = map(int, matched.groups())
    if year < 100:
        year += 1900 if year >= 69 else 2000  # as POSIX reads %y
    try:
        when = date(year, month, day)
    except ValueError:
        return []
    named = when.strftime("%B")
    return [
        f"{named} {day}, {year}",
        f"{day} {named} {year}",
        f"{month}/{day}/{year}",
        when.strftime("%m/%d/%Y"),
        when.isoformat(),
    ]


def _party_forms(answer: str) -> list[str]:
    names = [_ALIAS.sub("", part).strip(" ,") for part in answer.split(";")]
    names = [name for name in names if name]
    if len(names) < 2:
        return names
    return [", ".join(names), f"{', '.join(names[:-1])} and {names[-1]}"]
