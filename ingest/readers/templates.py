"""Templates of MediaWiki: what to show for each, without the wiki that defines them."""

import re
from collections.abc import Callable

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from ingest.readers.characters import has_words, one_line
from ingest.readers.wikitables import ROW, one_line_of

Render = Callable[[Wikicode], str]

# Names of templates that show nothing worth reading: sources, notices, navigation, media.
_DROPPED = re.compile(
    r"(?:cite|citation|citation needed|cn|fact|sfn|sfnp|sfnm|harv\w*|refn|efn|notelist|reflist"
    r"|refs?|refbegin|refend|r|rp|main|main article|see|see also|further|details|about|for"
    r"|other uses|redirect\w*|distinguish|hatnote|dablink|short description|use \w+ dates"
    r"|use \w+ english|pp|toc|tocleft|tocright|clear|-|anchor|coord|coords|portal|portal bar"
    r"|commons\w*|sister\w*|wikt\w*|wikiquote|wikisource\w*|wikibooks|wikivoyage|defaultsort"
    r"|authority control|good article|featured article|dead link|clarify|when|who|which|by whom"
    r"|why|vague|dubious|update|unreferenced|more citations needed|refimprove|expand\b.*"
    r"|cleanup\b.*|\w*navbox\w*|navbar|sidebar|succession|s-\w+|start box|end box|ipa-[\w-]*"
    r"|ipac[\w-]*|respell|listen|audio|pronunciation|image\b.*|multiple image|double image"
    r"|triple image|gallery|location map\w*|tree\w* list\w*|family tree\w*|chart\w*|col-\w+"
    r"|div col\w*|infobox mapframe|webarchive|page needed|full|verify\b.*|failed|open access"
    r"|subscription\w*|registration\w*|isbn|issn|oclc|doi|pmid|arxiv|ietf rfc|imdb\b.*"
    r"|official website|\w+ stub|disambig\w*|dmoz|find a grave|gutenberg\b.*|librivox\b.*"
    r"|internet archive\b.*|flagicon|taxonbar|stack\b.*|for loop|if\w*|nowiki|category\w*)"
    r"(?:[ /-].*)?",
    re.IGNORECASE,
)
_SHOWN_LAST = frozenset({"lang", "transl", "transliteration", "color", "fontcolor", "font color"})
_SHOWN_FIRST = frozenset(
    "nowrap nobr small smaller big larger sub sup abbr tooltip quote cquote bq blockquote quotation"
    " strong em bold italic mvar math var code mono flag flagcountry flagu ill interlanguage"
    " interlanguage-link url sic visible nihongo nihongo2 zh-tw proper spell sortname sort hidden"
    " underline center noitalic not-a-typo vanchor visible-anchor text longitem nobold resize uss"
    " hms ship term defn ipa ipalink ipa-link ipaslink unichar script linktext audio-ipa".split()
)
_LISTS = frozenset(
    "hlist ubl ublist plainlist flatlist unbulleted-list bulleted-list list"
    " unordered-list ordered-list comma-separated-entries flowlist".split()
)
_SIGNS = {
    "ndash": "–",
    "spaced-ndash": " – ",
    "snd": " – ",
    "spnd": " – ",
    "mdash": "—",
    "emdash": "—",
    "!": "|",
    "=": "=",
    "'": "'",
    "'s": "'s",
    "nbsp": " ",
    "spaces": " ",
    "·": " · ",
    "dot": " · ",
    "•": " • ",
    "bull": " • ",
    "middot": " · ",
    "pi": "π",
    "euro": "€",
    "pound": "£",
    "break": "\n",
    "br": "\n",
    "crlf": "\n",
    "number-sign": "#",
    "colon": ":",
    "@": "@",
    "okina": "ʻ",
}
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_DATES = re.compile(
    r"(?:birth|death|start|end|film|release|launch|opening|event)[ -]?date.*|dob|bda"
)
_JOINS = frozenset({"to", "and", "or", "by", "x", "-", "–", "+/-", "±", "to(-)"})
_SKIPPED_KEYS = re.compile(
    r".*(?:image|photo|caption|logo|map|coord|lat|long|width|height|size|alt|colou?r|bg|style|class"
    r"|align|file|flag|icon|seal|shield|emblem|footnote|ref|note|website|url|audio|sound|video"
    r"|signature|skyline|pushpin|module|embed|float|bild|attēls|pikselis|картинка|изображение|сайт"
    r"|портрет|снимка|описание).*|\d+|name_?\d*_?(?:lang|native)?_lang|(?:dim|scale|zoom|type)\w*",
    re.IGNORECASE,
)
_FILE = re.compile(r".*\.(?:jpe?g|png|svg|gif|ogg|ogv|webm|tiff?|pdf)\b.*", re.IGNORECASE)


def expand(template: Template, render: Render, title: str, alone: bool) -> str:
    """What a reader would see of a template, or nothing.

    Args:
        template: The template with its parameters.
        render: Turns a parameter's value into text.
        title: The page's title, for {{PAGENAME}}.
        alone: Whether the template has its line for itself.
    """
    name = one_line(str(template.name)).replace("_", " ")
    lower = name.casefold()
    if ":" in lower:
        return _function(lower, name, template, render)
    if lower in {"pagename", "fullpagename", "subjectpagename"}:
        return title
    key = lower.replace(" ", "-")
    if key in _SIGNS:
        return _SIGNS[key]
    if _DROPPED.fullmatch(lower):
        return ""
    return _known(key, template, render, alone)


def _known(key: str, template: Template, render: Render, alone: bool) -> str:
    values = _positional(template, render)
    if key in _SHOWN_LAST or key.startswith("lang-"):
        texts = values[1:2] if key in {"lang", "transl"} else values[-1:]
        return "".join((values[:1] if key.startswith("lang-") else texts) or values[-1:])
    if key in _SHOWN_FIRST:
        return (values or _named(template, ("1", "text", "quote"), render) or [""])[0]
    if key in _LISTS:
        return ", ".join(_items(values))
    if key in {"convert", "cvt"}:
        return _convert(values)
    if key in {"as-of", "since"}:
        return f"{key.replace('-', ' ').capitalize()} {' '.join(values[:1])}".strip()
    if key == "oldstyledate":
        return " ".join(values[:2])
    if key in {"circa", "c.", "ca"}:
        return f"c. {' – '.join(values[:2])}" if values else "c."
    if key in {"frac", "fraction", "sfrac"}:
        return _fraction(values)
    if key in {"val", "formatnum", "nts", "number-table-sorting", "dts", "us$", "inr"}:
        return _number(key, values, template, render)
    if key in {"chem", "chem2"}:
        return "".join(values)
    if _DATES.fullmatch(key):
        return _date(values)
    return _unknown([] if alone else values, template, render)


def _unknown(values: list[str], template: Template, render: Render) -> str:
    """Named parameters read as an infobox; a single text is most likely only dressed up."""
    lines = _infobox(template, render)
    if len(lines) >= 2:
        return "\n" + "\n".join(f"* {line}" for line in lines) + "\n"
    if len(values) == 1 and not lines and any(map(str.isalpha, values[0])):
        return values[0]
    return ""


def _infobox(template: Template, render: Render) -> list[str]:
    lines: list[str] = []
    for parameter in template.params:
        key = one_line(str(parameter.name)).replace("_", " ")
        if not parameter.showkey or _SKIPPED_KEYS.fullmatch(key):
            continue
        value = one_line_of(_items([render(parameter.value).replace(ROW, "\n")]))
        if has_words(value) and len(value) <= 500 and not _FILE.fullmatch(value):
            lines.append(f"{key}: {value}")
    return lines


def _function(lower: str, name: str, template: Template, render: Render) -> str:
    """A parser function, such as {{formatnum:1234}} or {{lc:Text}}."""
    verb = lower.partition(":")[0].strip()
    if verb in {"formatnum", "lc", "uc", "lcfirst", "ucfirst", "nowrap", "plural"}:
        text = render(template.name).partition(":")[2].strip()
        return text.lower() if verb == "lc" else text.upper() if verb == "uc" else text
    return ""


def _positional(template: Template, render: Render) -> list[str]:
    values = [render(p.value).strip() for p in template.params if not p.showkey]
    return [value for value in values if value]


def _named(template: Template, keys: tuple[str, ...], render: Render) -> list[str]:
    found = [p.value for p in template.params if one_line(str(p.name)) in keys]
    return [text for value in found if (text := render(value).strip())]


def _items(values: list[str]) -> list[str]:
    lines = (line.strip(" *#:;,\n") for value in values for line in value.split("\n"))
    return [" ".join(line.split()) for line in lines if line]


def _convert(values: list[str]) -> str:
    """{{convert|5|to|10|km|mi}} gives "5 to 10 km", {{convert|6|ft|2|in|m}} "6 ft 2 in"."""
    shown: list[str] = []
    for at, value in enumerate(values):
        number = re.fullmatch(r"[−+-]?[\d.,/⁄ ]+", value) is not None
        if not number and value not in _JOINS:
            following = values[at + 1 : at + 2]
            shown.append(value)
            if not following or re.fullmatch(r"\d[\d.,/]*", following[0]) is None or at >= 3:
                break
            if value not in {"ft", "lb", "st", "mi", "yd"}:
                break
            continue
        shown.append("×" if value == "x" else "–" if value == "-" else value)
    return " ".join(shown).replace(" – ", "–").replace("sqkm", "km²").replace("km2", "km²")


def _fraction(values: list[str]) -> str:
    if len(values) == 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return "/".join(values) if len(values) == 2 else f"1/{values[0]}" if values else ""


def _number(key: str, values: list[str], template: Template, render: Render) -> str:
    unit = " ".join(_named(template, ("u", "ul", "unit"), render)[:1])
    sign = {"us$": "US$", "inr": "₹"}.get(key, "")
    return f"{sign}{' '.join(values[:1])} {unit}".strip()


def _date(values: list[str]) -> str:
    """{{birth date|1950|1|2}} gives "2 January 1950"; what is no date stays as it is."""
    numbers = [value for value in values if value.isdigit()]
    if not numbers or len(numbers[0]) < 3:
        return " ".join(values[:1])
    year, *rest = numbers[:3]
    month = _MONTHS[int(rest[0]) - 1] if rest and 1 <= int(rest[0]) <= 12 else ""
    day = str(int(rest[1])) if month and len(rest) > 1 and int(rest[1]) <= 31 else ""
    return " ".join(part for part in (day, month, year) if part)
