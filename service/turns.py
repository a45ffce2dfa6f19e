"""The last question of a conversation, made to stand alone. Pure; no model is asked.

Retrieval sees one question only, so what it leaves to the turns before it is put in by rule:

- A pronoun without a name before it gets the earlier question's topic behind it: "Who leads it?"
  becomes "Who leads it (Tullaweir)?". After he or she the last answer's name is tried first.
- A question that goes on from the earlier one ("And for the LH-480?", "What about 2025?") is that
  question with its one code, year or name of the same kind exchanged; where there is no such pair,
  the two are put one behind the other. So is a question without a word of its own ("Why?").
- Any other question stays as it is.
"""

import re
from collections.abc import Sequence

from service.llm import Message

LONGEST = 2000
"""Characters: a question that would become longer stays as it is."""

_CODE = r"[^\W\d_]+[-‑]?\d[\w-]*|\d+[-‑]?[^\W\d_][\w-]*|[^\W\d_]+(?:-\d[\w]*)+"
_YEAR = r"(?:19|20)\d\d"
_NAME = r"[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*)*"
_KINDS = tuple(re.compile(rf"(?<![\w-])(?:{kind})(?![\w-])") for kind in (_CODE, _YEAR, _NAME))

_ON = re.compile(
    r"^(and|but|or|also|then|so|ok(ay)?|what about|how about|what of|same for)\b[\s,]*", re.I
)
_PERSON = r"he|him|his|she|her|hers"
_PRONOUN = re.compile(
    rf"\b({_PERSON}|it|its|they|them|their|theirs|(?:the )?(?:same|former|latter)|"
    r"(?:this|that|these|those)(?: one| ones)?(?=\s*[?.!,]|\s+(?:is|are|was|were|has|have|had|be|"
    r"do|does|did|can|will|cost|costs|for)\b|\s*$)|there(?=\s*[?.!,]|\s*$))\b",
    re.I,
)
_EMPTY_IT = re.compile(
    r"\b(is|was|does|did|can|could|would) it (true|possible|necessary|allowed|safe|take|matter|"
    r"mean|cost|be|rain|legal|ok|normal|right|better|enough)\b(?! (it|its)\b).*\b(that|to|if|when|"
    r"for)\b",
    re.I,
)
_THERE = re.compile(r"\b(is|are|was|were) there\b", re.I)
_CITED = re.compile(r"\s*\[\d+(?:\s*[,;]\s*\d+)*\]")
_TOKEN = re.compile(r"\w[\w'’.-]*\w|\w")

_DETERMINERS = frozenset("the a an our your their this that these those my".split())
_JOINING = frozenset("of at in on for from de".split())
_COMMON = frozenset(
    "a an and any are as at be been but by can could did do does done for from get had has have "
    "how i if in is it its long many may might much must of on or our should so some than that the "
    "their them then there these they this those to up was we were what when where which who whom "
    "whose why will with would you your me my tell please about since until often far old big high "
    "many more most also else exactly again".split()
)
"""Words that no topic is made of."""


def standalone(messages: Sequence[Message]) -> str:
    """The last user message as a question of its own; "" where there is none.

    Each earlier question is made to stand alone first, so that "it" may lead back over several.
    """
    question, answer = "", ""
    for message in messages:
        if message.role == "assistant":
            answer = _CITED.sub("", message.content)
        elif message.role == "user" and message.content.strip():
            question = _resolved(" ".join(message.content.split()), question, answer)
    return question


def _resolved(question: str, earlier: str, answer: str) -> str:
    if not earlier:
        return question
    found = _went_on(question, earlier) or _named(question, earlier, answer)
    if found is None and not _own_words(question):
        found = f"{earlier} {question}"
    return found if found and len(found) <= LONGEST else question


def _went_on(question: str, earlier: str) -> str | None:
    """The earlier question, asked of another thing."""
    opening = _ON.match(question)
    if not opening:
        return None
    rest = question[opening.end() :]
    if _asks(rest):  # "And who leads it?": a question of its own, but for its pronoun
        return None
    for kind in _KINDS:
        new, old = _all(kind, rest, inner=False), _all(kind, earlier, inner=True)
        if len(new) == 1 and len(old) == 1:
            return earlier.replace(old[0], new[0])
        if new:
            break
    return f"{earlier} {question}"


def _asks(text: str) -> bool:
    """Whether it is a clause with a question word or a verb in front."""
    words = [word.casefold() for word in _TOKEN.findall(text)]
    return len(words) > 2 and bool(
        re.match(
            r"(who|whom|whose|what|which|where|when|why|how|is|are|was|were|do|does|did|can|"
            r"could|will|would|should|has|have|had)$",
            words[0],
        )
    )


def _named(question: str, earlier: str, answer: str) -> str | None:
    """The question with what its pronoun stands for behind it."""
    pronoun = _PRONOUN.search(question)
    if not pronoun or _EMPTY_IT.search(question) or _subjects(question[: pronoun.start()]):
        return None
    person = re.fullmatch(_PERSON, pronoun[0], re.I)
    topic = (_person(answer) if person else "") or _topic(earlier)
    if not topic or topic.casefold() in question.casefold():
        return None
    return f"{question[: pronoun.end()]} ({topic}){question[pronoun.end() :]}"


def _subjects(text: str) -> list[str]:
    return [found for kind in _KINDS[::2] for found in _all(kind, text, inner=True)]


def _topic(question: str) -> str:
    """What a question is about: its one code, else its noun phrase, its name, its words."""
    codes = _all(_KINDS[0], question, inner=True)
    phrase = _phrase(question)
    if codes:
        return codes[0]
    names = _all(_KINDS[2], question, inner=True)
    if phrase and (not names or any(name in phrase for name in names)):
        return phrase
    return names[0] if names else " ".join(_own_words(question))


def _phrase(question: str) -> str:
    """The longest run of words behind a determiner, joined over "of", "at", "in"."""
    best: list[str] = []
    run: list[str] = []
    for word in [*_TOKEN.findall(_parenthesised(question)), "is"]:
        low = word.casefold()
        if low in _DETERMINERS or (run and (low in _JOINING or low not in _COMMON)):
            run.append(word)
            continue
        while run and run[-1].casefold() in _DETERMINERS | _JOINING:
            run.pop()
        best, run = max(best, run, key=len), []
    return " ".join(best)


def _parenthesised(question: str) -> str:
    """What was put in by this module names the topic; else the question itself."""
    put_in = re.search(r"\(([^()]+)\)", question)
    return put_in[1] if put_in and _phrase_like(put_in[1]) else question


def _phrase_like(text: str) -> bool:
    return text.split()[0].casefold() in _DETERMINERS


def _person(answer: str) -> str:
    """The first name of two words or more in an answer."""
    names = [name for name in _all(_KINDS[2], answer, inner=False) if len(name.split()) > 1]
    return names[0] if names else ""


def _all(kind: re.Pattern[str], text: str, *, inner: bool) -> list[str]:
    """The different finds of a kind; a question's first word is capitalised whatever it is."""
    found: list[str] = []
    for one in kind.finditer(text):
        name = one[0]
        if kind is _KINDS[2]:
            words = name.split()
            first = inner and one.start() == 0
            while words and (words[0].casefold() in _COMMON or (first and len(words) == 1)):
                words, first = words[1:], False
            name = " ".join(words)
        if name and name not in found:
            found.append(name)
    return found


def _own_words(question: str) -> list[str]:
    return [word for word in _TOKEN.findall(question) if word.casefold() not in _COMMON]
