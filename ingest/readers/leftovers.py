"""Leftovers of wikitext: markup so broken that the parser takes it for text.

Unclosed HTML cells (`<tr><td>a<td>b`) are common in old tables, and MediaWiki itself repairs them.
"""

import html
import re

from ingest.readers.wikitables import ROW

_SHIELDED = {"<": "\ufdd1", "[": "\ufdd2", "{": "\ufdd3", "|": "\ufdd4"}
_SHIELD = str.maketrans(_SHIELDED)
_UNSHIELD = str.maketrans({shield: sign for sign, shield in _SHIELDED.items()})
_NOWIKI = re.compile(r"</?nowiki\s*/?>", re.IGNORECASE)
_ROW_TAG = re.compile(r"<tr\b[^<>]*>", re.IGNORECASE)
_FIRST_CELL = re.compile(rf"({ROW})\s*<t[dh]\b[^<>]*>", re.IGNORECASE)
_CELL = re.compile(r"\s*<t[dh]\b[^<>]*>\s*", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:t[dhr]|table|tbody|caption|font|small|big|tt|span|div|center|b|i|u|s|strike|sub|sup|br"
    r"|li|ul|ol|dl|dd|dt|p|hr|nowiki|code|del|ins|abbr|cite|em|strong|noinclude|onlyinclude|var"
    r"|blockquote|kbd|samp|poem|ref|references|gallery)\b[^<>]*>",
    re.IGNORECASE,
)
_TABLE_LINE = re.compile(r"^[ ]*(?:\{\|[^\n<]*|\|\}|\|-[^\n<]*)", re.MULTILINE)
_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
_TEMPLATE = re.compile(r"\{\{[^{}\\]*\}\}")


def shield(verbatim: str) -> str:
    """Mark text that is shown as it is (code, <nowiki>), so that `tidy` leaves it alone."""
    return html.unescape(_NOWIKI.sub("", verbatim)).translate(_SHIELD)


def tidy(text: str) -> str:
    """Read what is left of markup in rendered text, as far as it can be, and drop the rest."""
    if "<" in text:
        text = _FIRST_CELL.sub(r"\1", _ROW_TAG.sub(f"\n{ROW}", text))
        text = _TAG.sub("", _ITEM.sub("\n* ", _CELL.sub(" | ", text)))
    if "[[" in text:
        text = _LINK.sub(r"\1", text)
    if "{" in text:
        text = _TEMPLATE.sub("", text)
    if "{|" in text or "|}" in text:
        text = _TABLE_LINE.sub("", text)
    return text


def unshield(text: str) -> str:
    """Give shielded text its own signs back."""
    return text.translate(_UNSHIELD)
