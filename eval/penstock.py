"""Penstock 2, the configuration language of Lockhouse gateways: reading fragments of it. Pure.

A fragment may use names that the rest of the file declares, so an unknown zone (P-142) is no error
here. What else the compiler refuses by the manual's chapter 16 is refused here, with its code.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from eval.penstock_fragment import (
    ACTIONS,
    BLOCKS,
    DAYS,
    MODELS,
    PORTS,
    PROTOCOLS,
    RESERVED,
    Device,
    Fragment,
    Port,
    Rule,
    Schedule,
    Tunnel,
    family,
    render,
)

__all__ = (
    "GUIDE",
    "Device",
    "Fragment",
    "NotPenstock",
    "Port",
    "Rule",
    "Schedule",
    "Tunnel",
    "family",
    "parse",
    "render",
)

GUIDE = r"""
start: device after_device | zones after_zones | ports after_ports
     | schedules after_schedules | tunnels after_tunnels | rules

after_device: ("\n" (zones after_zones | ports after_ports | schedules after_schedules
                     | tunnels after_tunnels | rules))?
after_zones: ("\n" (ports after_ports | schedules after_schedules | tunnels after_tunnels | rules))?
after_ports: ("\n" (schedules after_schedules | tunnels after_tunnels | rules))?
after_schedules: ("\n" (tunnels after_tunnels | rules))?
after_tunnels: ("\n" rules)?

device: "device " NAME " model " MODEL
zones: "zones" ("\n  zone " ZONE)+
ports: "ports" ("\n  port " SOCKET " zone " ZONE)+
schedules: "schedules" ("\n  schedule " NAME " days " DAY "-" DAY " from " TIME " to " TIME)+
tunnels: "tunnels" ("\n  tunnel " NAME " peer " ADDRESS " zone " ZONE)+
rules: "rules" ("\n  rule " NUMBER " " (kept | diverted))+
kept: KEEP way
diverted: "divert" way " tunnel " NAME
way: " from " NAME " to " NAME (" proto " PROTOCOL)? (" port " PORT)? (" schedule " NAME)?

KEEP: "allow" | "deny"
PROTOCOL: "tcp" | "udp"
MODEL: "lh-210" | "lh-210r" | "lh-420" | "lh-480"
DAY: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun"
NAME: /[a-z0-9-]{2,24}/ & ~/--.*/
ZONE: /[a-z0-9-]{2,24}/ & ~/--.*|self|any/
SOCKET: /p([1-9]|1[0-2])/
TIME: /([01][0-9]|2[0-3]):(00|15|30|45)/
OCTET: /25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]/
ADDRESS: OCTET "." OCTET "." OCTET "." OCTET
NUMBER: /[1-9][0-9]{0,3}/
PORT: /[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]/
"""
"""The canonical text of fragments as a grammar for constrained decoding, in llguidance's dialect of
Lark. That rule numbers ascend and that no name is declared twice is beyond it."""


class NotPenstock(ValueError):
    """A text that the compiler would refuse; the message names line and reason."""


def parse(text: str) -> Fragment:
    """Read a fragment; comments, blank lines and any indentation are allowed.

    Raises `NotPenstock` for the first thing wrong, with the compiler's code where it has one.
    """
    try:
        tree = cast(Any, _grammar()).parse(f"{text}\n")
    except UnexpectedInput as error:
        raise NotPenstock(_unexpected(error, text)) from error
    blocks = cast(list[Tree[Token]], tree.children)
    _check_order(blocks)
    found = {str(block.data): _statements(block) for block in blocks}
    devices = [_device(words) for words in found.get("device", [])]
    fragment = Fragment(
        device=devices[0] if devices else None,
        zones=_unique("zone", found.get("zones", []), _zone),
        ports=_unique("port", found.get("ports", []), _port),
        schedules=_unique("schedule", found.get("schedules", []), _schedule),
        tunnels=_unique("tunnel", found.get("tunnels", []), _tunnel),
        rules=tuple(_rules(found.get("rules", []))),
    )
    if fragment == Fragment():
        raise NotPenstock("line 1: no statement; a fragment has at least one")
    _check_model(fragment)
    return fragment


@cache
def _grammar() -> Lark:
    grammar = Path(__file__).with_name("penstock.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


def _unexpected(error: UnexpectedInput, text: str) -> str:
    line = max(1, min(getattr(error, "line", 1), len(text.splitlines())))
    token = cast(str, getattr(error, "token", "this"))
    found = repr(str(token)) if token.strip() else "the end of the line"
    accepted = cast(Iterable[str], getattr(error, "accepts", None) or getattr(error, "allowed", ()))
    wanted = sorted(_TERMINALS.get(name, name.strip("_").lower()) for name in accepted)
    return f"line {line}: {found} is not expected here; expected: {', '.join(wanted)}"


_TERMINALS = {"WORD": "a name or value", "_NEWLINE": "the end of the line", "$END": "the end"}


def _check_order(blocks: list[Tree[Token]]) -> None:
    above = -1
    for block in blocks:
        block_name = str(block.data)
        place = BLOCKS.index(block_name)
        line = cast(Token, block.children[0]).line
        if place == above:
            raise NotPenstock(f"line {line}: P-114: a second block {block_name!r}")
        if place < above:
            raise NotPenstock(
                f"line {line}: P-114: block {block_name!r} stands below {BLOCKS[above]!r}; the "
                f"order is {', '.join(BLOCKS)}"
            )
        above = place


_Statement = TypeVar("_Statement")
_Words = list[Token]
"""The words of a statement without its keywords; an option that is left out is None."""


def _statements(block: Tree[Token]) -> list[_Words]:
    if block.data == "device":
        return [cast(_Words, block.children[1:])]
    return [cast(_Words, tree.children) for tree in cast(list[Tree[Token]], block.children[1:])]


def _unique(
    kind: str, statements: Iterable[_Words], read: Callable[[_Words], _Statement]
) -> tuple[_Statement, ...]:
    """The statements of a block, refusing two that declare the same thing."""
    lines: dict[str, tuple[int, _Statement]] = {}
    for words in statements:
        name = words[0]
        statement = read(words)
        if name in lines:
            line, above = lines[name]
            code = "P-157: " if kind == "port" and statement != above else ""
            raise _wrong(name, f"{code}{kind} {str(name)!r} stands in line {line} already")
        lines[name] = (name.line or 1, statement)
    return tuple(statement for _, statement in lines.values())


def _device(words: _Words) -> Device:
    return Device(_name("device", words[0]), _one_of("model", words[1], tuple(MODELS)))


def _zone(words: _Words) -> str:
    zone = _name("zone", words[0])
    if zone in RESERVED:
        raise _wrong(words[0], f"the zone name {zone!r} is reserved; only rules may use it")
    return zone


def _port(words: _Words) -> Port:
    found = re.fullmatch("p([1-9][0-9]?)", words[0])
    if not found or int(found[1]) > PORTS:
        raise _wrong(words[0], f"no port {str(words[0])!r}; ports are p1 to p{PORTS}")
    return Port(int(found[1]), _zone(words[1:]))


def _schedule(words: _Words) -> Schedule:
    name, days, start, end = words
    first, _, last = days.partition("-")
    if first not in DAYS or last not in DAYS:
        raise _wrong(days, f"days {str(days)!r}; a range of days is wanted, like mon-fri")
    return Schedule(_name("schedule", name), (first, last), _time(start), _time(end))


def _tunnel(words: _Words) -> Tunnel:
    name, peer, zone = words
    try:
        address = str(ipaddress.IPv4Address(peer))
    except ValueError as error:
        raise _wrong(peer, f"peer {str(peer)!r} is not an IPv4 address ({error})") from error
    return Tunnel(_name("tunnel", name), address, _zone([zone]))


def _rules(statements: Iterable[_Words]) -> Iterable[Rule]:
    above = 0
    for words in statements:
        rule = _rule(words)
        if rule.number <= above:
            raise _wrong(words[0], f"P-131: rule {rule.number} stands below rule {above}")
        above = rule.number
        yield rule


def _rule(words: _Words) -> Rule:
    number, action, source, target = words[:4]
    proto, port, schedule, tunnel = cast(list[Token | None], words[4:])
    rule = Rule(
        number=_number("rule number", number, 9999),
        action=_one_of("action", action, ACTIONS),
        source=_name("zone", source),
        target=_name("zone", target),
        proto=_one_of("protocol", proto, PROTOCOLS) if proto else None,
        port=_number("port", port, 65535) if port else None,
        schedule=_name("schedule", schedule) if schedule else None,
        tunnel=_name("tunnel", tunnel) if tunnel else None,
    )
    if (rule.action == "divert") != bool(rule.tunnel):
        reason = (
            "a divert must name its tunnel" if not rule.tunnel else "only a divert has a tunnel"
        )
        raise _wrong(number, f"rule {rule.number}: {reason}")
    return rule


def _check_model(fragment: Fragment) -> None:
    """Whether the device named in the fragment carries it all."""
    if not fragment.device:
        return
    model = fragment.device.model
    for kind, most in MODELS[model].items():
        declared = getattr(fragment, kind)
        count = max((port.number for port in fragment.ports), default=0)
        count = count if kind == "ports" else len(declared)
        if count > most:
            raise NotPenstock(f"line 1: model {model} has {most} {kind} at most, found {count}")


def _name(kind: str, word: Token) -> str:
    if not re.fullmatch("[a-z0-9-]{2,24}", word):
        raise _wrong(
            word,
            f"{kind} name {str(word)!r}; names are 2 to 24 lower-case letters, digits and hyphens",
        )
    return str(word)


def _one_of(kind: str, word: Token, known: tuple[str, ...]) -> str:
    if word not in known:
        raise _wrong(word, f"{kind} {str(word)!r}; known are {', '.join(known)}")
    return str(word)


def _number(kind: str, word: Token, most: int) -> int:
    if not re.fullmatch("[1-9][0-9]{0,4}", word) or int(word) > most:
        raise _wrong(word, f"{kind} {str(word)!r}; a number from 1 to {most} is wanted")
    return int(word)


def _time(word: Token) -> str:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", word):
        raise _wrong(word, f"time {str(word)!r}; a time like 22:00 is wanted")
    if int(word[3:]) % 15:
        raise _wrong(word, f"P-163: time {str(word)!r} is not on a quarter hour")
    return str(word)


def _wrong(word: Token, reason: str) -> NotPenstock:
    return NotPenstock(f"line {word.line}: {reason}")
