"""A sentence and an answer in it → a question, by rules of English word order. Pure.

First those that give a question as one would ask it ("On what date was it accepted?"); where none
fits, the question word takes the answer's place ("It weighs how many grams?") or a gap does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spans import UNITS, Span, unit

GAP = "____"

SHORTEST = 4
"""Words of a question, its context left out."""

_ALWAYS_LOWERED = frozenset(
    "The A An Each Every All Both Its Our Your It We You They Either Half This That These No Most "
    "Some There Until After Before With For In On At By From Within Up How What When Who Whose "
    "Which Whom Since Where If As Not His Her Only To Any Between Past About Nobody Anyone".split()
)
_NO_SUBJECT = frozenset(
    "If When Where Before After While Until From On In At For With As Since By There Here What So "
    "And But To Not Because Although Once Under Over Between During Up Above Below Whoever "
    "Wherever Nothing Then Anything Everybody".split()
)
_CLAUSE = frozenset("who which that when where if because while whose whom as until since".split())
_JOINING = _CLAUSE | {"and", "but", "or", "so"}
_OPENERS = re.compile(r"(?:It|He|She|They|That|This|These|Those|Both|Ours|His|Her|Half)\b")
_AUX = r"(?:is|are|was|were|has|have|had|can|may|must|will|should|could|would)"
_BE = frozenset({"is", "are", "was", "were"})
_PREP = (
    r"(?:on|at|in|for|from|by|until|since|within|after|before|to|under|over|above|below|up to|at "
    r"least|at most|every|about|of|with|in about|than)"
)
_FINITE = re.compile(rf"\b{_AUX}\b|\b(?:makes|came|went|goes|comes|takes|cost|sent|decides)\b")
_TAIL = re.compile(
    r"; |: | \(| – |, (?:and|but|so|which|who|since|because|whatever|where|while|when|with|most|"
    r"although|though|for|not|as|if|even|unless|never|or) |, (?:and|but) |\. "
)
_HEAD = re.compile(r"; |, (?:and|but|so) ")
_SUBJECT = re.compile(
    rf"(?P<subject>[A-Z0-9][^\s,;:()]*(?: [^\s,;:()]+){{0,9}}?) (?P<aux>{_AUX}) (?P<between>.*)"
)
_LEADS = re.compile(r"(?P<prep>On|In|At|From|By|Until|After|Within|Since|Over|With) ")
_LED = re.compile(
    r"(?P<time> at \d\d:\d\d(?: UTC)?)?,? (?P<rest>(?!of\b|and\b|or\b|to\b)[a-zA-Z].*)"
)
_ENDS = re.compile(rf"(?P<verb>[^,;:()]*?) ?(?P<prep>\b{_PREP})?")
_DEFINITE = re.compile(r"\b(?:all|both|the|our|first|last|next|these|those) $", re.IGNORECASE)
_COUNTED = re.compile(r" (?:[a-z]|[A-Z][\w-]+(?: \d+)? [a-z]+s\b)")
_CODES = {
    "ENG": "which ticket",
    "FIN": "which policy",
    "HR": "which policy",
    "HSE": "which policy",
    "INC": "which incident",
    "ISP": "which policy",
    "KT": "which course",
    "LEG": "which policy",
    "LH": "which model",
}
_QUESTION_WORDS = {
    "money": "how much",
    "percent": "what percentage",
    "time": "what time",
    "day": "which day",
    "name": "which organisation",
}
_NO_WORD = frozenset({"code", "quoted", "noun", "name", "person"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question without its context; `gap` where it is a sentence with a gap."""

    text: str
    gap: bool


def question(text: str, span: Span, proper: frozenset[str]) -> Asked | None:
    """A question whose answer is the span; None where no rule fits.

    `proper`: words that keep their capital wherever they stand.
    """
    cut, at = clause(text, span)
    answer = cut[at.start : at.end]
    word = _word(cut, at)
    if word is None or re.search(r"\b(?:I|me|my|myself)\b", cut) or _OPENERS.match(cut):
        return None
    made = _subject(cut, at, word) or _led(cut, at, word) or _fronted(cut, at, word, proper)
    if made is None:
        if at.kind in _NO_WORD:
            return None
        made = f"{cut[: at.start]}{word}{cut[at.end :]}"
    made = " ".join(made.strip(" .,;:!").split())
    made = made[0].upper() + made[1:]
    if answer in made or len(made.split()) < SHORTEST:
        return None
    return Asked(f"{made}?", gap=False)


def cloze(text: str, span: Span, before: str | None) -> Asked:
    """The sentence with a gap; where it leans on the one before it, that one stands before."""
    cut, at = clause(text, span)
    gapped = f"{cut[: at.start]}{GAP}{cut[at.end :]}"
    if before and _OPENERS.match(cut) and len(f"{before} {gapped}".split()) <= 45:
        gapped = f"{before} {gapped}"
    return Asked(gapped, gap=True)


def clause(text: str, span: Span) -> tuple[str, Span]:
    """The part of the sentence that states the fact, and the span in it."""
    start, end = 0, len(text)
    if tail := _TAIL.search(text, span.end):
        end = tail.start() if text[tail.start()] != "." else tail.start() + 1
    for head in _HEAD.finditer(text, 0, span.start + 1):
        rest = text[head.end() : end]
        if _FINITE.search(rest) and re.match(r"(?:the|a|an|we|you|\d|[A-Z])", rest):
            start = head.end()
    if text[start] == "(" and ")" not in text[start:end]:
        start += 1
    cut = text[start:end]
    cut = cut[0].upper() + cut[1:]
    return cut, Span(span.start - start, span.end - start, span.kind)


def lowered(text: str, proper: frozenset[str]) -> str:
    """The text as it goes on behind a colon or comma: names keep their capital."""
    first = re.split(r"[ ,'’]", text, maxsplit=1)[0]
    if re.match(r"[A-Z]\w+ [A-Z][a-z]", text) and first not in _ALWAYS_LOWERED:
        return text
    if first not in _ALWAYS_LOWERED and (first in proper or not first[1:].islower()):
        return text
    return text[0].lower() + text[1:]


def _word(text: str, span: Span) -> str | None:
    """The question word that stands for the span within the sentence; None where there is none."""
    answer, before = text[span.start : span.end], text[: span.start]
    if span.kind == "person":
        return "whom" if re.search(rf"\b{_PREP} $", before) else "who"
    if span.kind == "number":
        if re.match(r"(?:once|twice|each|every) ", answer):
            return None if re.search(rf"\b{_PREP} $", before) else "how often"
        if answer[0] == "±" or "votes" in answer or _DEFINITE.search(before):
            return None
        if re.fullmatch(r"\d+ hours? \d+ minutes?", answer):
            return "how much time"
        if counted := unit(answer):
            return f"how many {counted}"
        counts = answer.isdigit() and _COUNTED.match(text, span.end)
        return "how many" if counts else None
    if span.kind == "date":
        if re.fullmatch(r"\d{4}", answer):
            return "which year"
        return "what date" if re.search(r"\d{1,2} [A-Z]|-\d\d", answer) else "which month"
    if span.kind == "label":
        noun = answer.split()[0].lower()
        noun = "severity" if noun == "sev" else noun
        return None if noun in ("employee", "speed", "internal", "rev.") else f"which {noun}"
    if span.kind == "code":
        return _CODES.get(answer.split("-")[0], "what")
    if span.kind == "day" and (more := re.search(r" (at|and) ", answer)):
        return "which day and time" if more[1] == "at" else "which days"
    return _QUESTION_WORDS.get(span.kind, "what")


def _subject(text: str, span: Span, word: str) -> str | None:
    """Questions for what stands first: "Who leads it?", "How many units are there?"."""
    after = text[span.end :]
    if span.start == 0 and re.match(r" (?!and\b|or\b|to\b)[a-z]", after):
        if span.kind in ("person", "number", "name"):
            return f"{word}{after}"
    if match := re.fullmatch(r"(?:There|there) (is|are|was|were) ", text[: span.start]):
        counted = span.kind == "number" and unit(text[span.start : span.end])
        if counted and not after.startswith(" and "):
            return f"{word} {match[1]} there{after}"
    return None


def _led(text: str, span: Span, word: str) -> str | None:
    """A sentence that opens with time or place, which then goes to its end."""
    match = _LEADS.fullmatch(text[: span.start])
    rest = _LED.fullmatch(text[span.end :])
    if span.start == 0 and span.kind == "date" and rest:
        return f"{rest['rest'].strip(' .!')} – {word}"
    if not match or not rest:
        return None
    told = re.sub(r"^((?:[^ ,]+ ){3,}[^ ,]+), .*", r"\1", rest["rest"].strip(" .!"))
    return f"{told} {match['prep'].lower()} {word}{rest['time'] or ''}"


def _fronted(text: str, span: Span, word: str, proper: frozenset[str]) -> str | None:
    """Questions with subject and auxiliary turned round."""
    match = _SUBJECT.match(text)
    if not match or match.start("between") > span.start:
        return None
    subject, aux = match["subject"], match["aux"]
    words = subject.split()
    if words[0] in _NO_SUBJECT or _CLAUSE & set(words) or len(words) > 1 and words[-1] == "and":
        return None
    ends = _ENDS.fullmatch(text[match.start("between") : span.start].rstrip())
    if not ends or _JOINING & set(ends["verb"].split()):
        return None
    verb, prep = ends["verb"].strip(), ends["prep"] or ""
    after = text[span.end :].strip(" .!")
    subject = lowered(subject, proper)
    if after.startswith((",", "and ")):
        after = ""
    if not verb and aux in _BE and not prep:
        if span.kind == "code" and " " not in subject:
            subject = f"the {subject}"
        return _be(text, span, word, f"{aux} {subject} {after}")
    if not verb and aux in ("has", "have") and span.kind in ("number", "money", "percent"):
        joined = word == "how many" or after.startswith("of ")
        near, far = (after, "") if joined else ("", after)
        return f"{word} {near} {'does' if aux == 'has' else 'do'} {subject} have {far}"
    if span.kind in _NO_WORD and not prep:
        return None
    if prep == "of" or (verb and not prep and re.search(r"\b(?:the|a|an|its|our|and)$", verb)):
        return None
    if prep == "on" and span.kind in ("date", "day"):
        prep, word = "", "when"
    joined = word == "how many" or after.startswith(("of ", "from ", "a ", "an "))
    near, far = (after, "") if joined else ("", after)
    return f"{prep} {word} {near} {aux} {subject} {verb} {far}"


def _be(text: str, span: Span, word: str, rest: str) -> str:
    answer = text[span.start : span.end]
    measured = any(answer.endswith(f" {one}") for one in UNITS if one != "m²")
    if comparison := re.fullmatch(r"(\w+ .*?) (\w+er|long|high|deep|wide)", rest):
        return f"{word} {comparison[2]} {comparison[1]}"
    if span.kind == "number" and measured:
        word = "what"
    if span.kind in ("percent", "code"):
        word = "what"
    return f"{word} {rest}"


def framed(
    asked: Asked, names: Sequence[str], section: str | None, turn: int, proper: frozenset[str]
) -> str:
    """The question with what it is about, worded by turns."""
    name = names[turn % len(names)]
    where = f"{name}, “{section}”" if section and section not in name else name
    if asked.gap:
        return (
            f"What stands in the gap? “{asked.text}” ({name})",
            f"{where}: fill the gap. “{asked.text}”",
            f"From {name}: “{asked.text}” Which words are missing?",
            f"“{asked.text}” Complete this sentence of {name}.",
        )[turn // 2 % 4]
    inner = lowered(asked.text, proper)
    return (
        f"{where}: {inner}",
        f"{asked.text[:-1]}, according to {name}?",
        f"{asked.text} ({name})",
        f"According to {name}, {inner}",
        f"I'm asking about {name}. {asked.text}",
    )[turn % 5]
