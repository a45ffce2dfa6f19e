"""What stands around the clauses of a request: greetings, reasons, thanks, joints, slips.

Nothing here names a value of Penstock.
"""

import random
import re
from dataclasses import dataclass

from corpus.tasks.format.spoken import expand


@dataclass(frozen=True, slots=True)
class Register:
    """A manner of writing: openings, ends, and what stands between two clauses."""

    openings: tuple[str, ...]
    ends: tuple[str, ...]
    joints: tuple[str, ...]


PLAIN = Register(
    openings=(
        "",
        "",
        "",
        "Please change the config: ",
        "I need this in Penstock: ",
        "Config change: ",
        "For the next commit, ",
        "What we want is this: ",
        "Write me the lines for this: ",
        "Next change for the station. ",
    ),
    ends=("", "", "", ".", ".", ". Thanks.", ". That is all."),
    joints=(". ", ", and ", "; ", ". Also, ", ". Then ", ", then "),
)
TERSE = Register(
    openings=("", "", "", "todo: ", "cfg: ", "pen: ", "need: ", "chg - "),
    ends=("", "", "", ".", " thx", " pls"),
    joints=("; ", " / ", ", ", " + ", ". "),
)
CHATTY = Register(
    openings=(
        "Hi, ",
        "Morning! ",
        "Hello again, sorry to bother you. ",
        "Hi there, the painters have finally left the cabinet alone, so: ",
        "Hey, quick one before I drive off. ",
        "Hi all, it is pouring here and the laptop is getting wet, so in short: ",
        "Afternoon, [the customer rang again|the customer keeps asking]. ",
        "Hi, as discussed over coffee, ",
        "Hello, the old logger was swapped last week, so now ",
        "Me again from the van. ",
        "Evening, one more for the list: ",
        "Good news, the cable arrived. So ",
    ),
    ends=(
        ". Thanks a lot!",
        ". Cheers",
        ". No hurry, but before the next spring tide would be nice.",
        ". I will test it once it is in.",
        ", thank you!",
        ". Shout if that makes no sense.",
        ". The rest stays as it is.",
        "",
    ),
    joints=(". ", ". Oh, and ", ", and ", ". Besides that, ", " and then ", ". Also "),
)
FORMAL = Register(
    openings=(
        "Change request. ",
        "Change request: ",
        "The following change is requested. ",
        "On behalf of the operator we request the following: ",
        "To the configuration team. ",
        "Requested change, agreed with the site owner: ",
        "As agreed at the last site meeting, ",
        "",
    ),
    ends=(".", ".", ". Kind regards.", ". Please confirm once committed.", ". No other changes."),
    joints=(". ", "; ", ". Furthermore, ", ". In addition, ", "; moreover, "),
)
FIELD = Register(
    openings=(
        "On site now. ",
        "At the cabinet: ",
        "standing in front of the box, need this: ",
        "field note - ",
        "Wiring done. ",
        "Cabling finished, now the config. ",
        "quick fix needed: ",
        "",
        "",
    ),
    ends=("", "", ".", ". Will test after.", ". Confirm when done pls", " ok?"),
    joints=(". ", ", ", " and ", ". then ", "; "),
)
REGISTERS = (PLAIN, PLAIN, TERSE, CHATTY, FORMAL, FIELD)

_SLIPS = {
    "please": "plese",
    "should": "shoud",
    "traffic": "trafic",
    "through": "trough",
    "schedule": "shedule",
    "tunnel": "tunel",
    "from": "form",
    "between": "betwen",
    "allow": "alow",
    "called": "caled",
    "belongs": "belogns",
    "gateway": "gatway",
    "reach": "raech",
    "with": "wiht",
    "want": "wnat",
    "number": "numer",
    "and": "adn",
    "the": "teh",
}


def slip(rng: random.Random, template: str) -> str:
    """Misspell one word of a template, never a value in a slot."""
    words = [word for word in _SLIPS if re.search(rf"(?<![\w{{]){word}(?![\w}}])", template)]
    if not words:
        return template
    word = rng.choice(words)
    return re.sub(rf"(?<![\w{{]){word}(?![\w}}])", _SLIPS[word], template, count=1)


def frame(rng: random.Random, clauses: list[str]) -> str:
    """One request out of its clauses, as running text or as a list."""
    register = rng.choice(REGISTERS)
    opening = expand(rng, rng.choice(register.openings))
    if len(clauses) > 1 and rng.random() < 0.15:
        mark = rng.choice(("- ", "* ", "> "))
        lines = "".join(f"\n{mark}{clause}" for clause in clauses)
        return f"{opening.rstrip(' .:,') or 'Changes'}:{lines}"
    text = clauses[0]
    if not opening or opening.rstrip().endswith((".", "!", "?")):
        text = _capital(text) if register not in (TERSE, FIELD) else text
    for clause in clauses[1:]:
        joint = rng.choice(register.joints)
        text += joint + (_capital(clause) if joint == ". " and register is not FIELD else clause)
    text = re.sub(r",(?=[.,;]| and|$)", "", f"{opening}{text}{rng.choice(register.ends)}")
    text = text.replace(", ,", ",").replace("..", ".")
    return text.lower() if rng.random() < 0.08 else text


def _capital(clause: str) -> str:
    """With a capital, unless the clause begins with a value in lower case, such as p3."""
    return clause if re.match(r"[a-z]*\d|[a-z]+-", clause) else clause[:1].upper() + clause[1:]
