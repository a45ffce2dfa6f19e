from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.penstock import (
    Device,
    Fragment,
    NotPenstock,
    Port,
    Rule,
    Schedule,
    Tunnel,
    family,
    parse,
    render,
)
from eval.penstock_fragment import ACTIONS, DAYS, MODELS, PROTOCOLS, RESERVED

# The example station of the manual, chapter 7.
SLUICE = """device sluice-07 model lh-210r
zones
  zone field
  zone plant
ports
  port p1 zone field
  port p2 zone plant
schedules
  schedule night days mon-sun from 22:00 to 05:00
tunnels
  tunnel hq peer 203.0.113.10 zone plant
rules
  rule 10 allow from field to plant proto tcp port 502 schedule night
  rule 20 divert from field to any tunnel hq"""

SLUICE_READ = Fragment(
    device=Device("sluice-07", "lh-210r"),
    zones=("field", "plant"),
    ports=(Port(1, "field"), Port(2, "plant")),
    schedules=(Schedule("night", ("mon", "sun"), "22:00", "05:00"),),
    tunnels=(Tunnel("hq", "203.0.113.10", "plant"),),
    rules=(
        Rule(10, "allow", "field", "plant", proto="tcp", port=502, schedule="night"),
        Rule(20, "divert", "field", "any", tunnel="hq"),
    ),
)


def rules(*statements: str) -> str:
    return "\n".join(["rules", *statements])


def test_the_example_of_the_manual_is_read():
    assert parse(SLUICE) == SLUICE_READ


def test_the_example_of_the_manual_is_canonical():
    assert render(SLUICE_READ) == SLUICE


def test_comments_blank_lines_and_indentation_mean_nothing():
    text = "-- asked for by the harbour\n\nzones -- two\n\t zone quay --mine\r\n\nzone lock\n-- end"
    assert parse(text) == Fragment(zones=("quay", "lock"))


def test_a_name_may_be_a_keyword_and_hold_two_hyphens():
    assert parse("zones\n  zone rules\n  zone a--b").zones == ("rules", "a--b")


def test_an_empty_rules_block_is_the_same_as_none():
    assert parse("zones\n  zone quay\nrules") == Fragment(zones=("quay",))


def test_the_order_of_declarations_means_nothing():
    one = parse("zones\n  zone quay\n  zone lock\nports\n  port p1 zone quay\n  port p2 zone lock")
    two = parse("zones\n  zone lock\n  zone quay\nports\n  port p2 zone lock\n  port p1 zone quay")
    assert one == two
    assert hash(one) == hash(two)


@pytest.mark.parametrize(
    "change",
    [
        {"device": None},
        {"zones": ("field",)},
        {"ports": (Port(1, "plant"), Port(2, "plant"))},
        {"schedules": (Schedule("night", ("mon", "sun"), "22:00", "05:15"),)},
        {"tunnels": ()},
        {"rules": SLUICE_READ.rules[:1]},
        {"rules": (replace(SLUICE_READ.rules[0], proto="udp"), SLUICE_READ.rules[1])},
    ],
)
def test_any_other_difference_makes_fragments_differ(change: dict[str, object]):
    assert replace(SLUICE_READ, **change) != SLUICE_READ  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: no statement"),
        ("-- nothing yet\nrules", "line 1: no statement"),
        ("rules\n  rule 1 deny from any to any\nzones\n  zone aa", "line 3: P-114: block 'zones'"),
        ("zones\n  zone aa\nzones\n  zone bb", "line 3: P-114: a second block"),
        (rules("rule 20 deny from aa to bb", "rule 20 deny from bb to aa"), "line 3: P-131"),
        (rules("rule 20 deny from aa to bb", "rule 10 deny from bb to aa"), "line 3: P-131"),
        ("ports\n  port p1 zone aa\n  port p1 zone bb", "line 3: P-157"),
        ("ports\n  port p1 zone aa\n  port p1 zone aa", "line 3: port 'p1' stands in line 2"),
        ("schedules\n  schedule aa days mon-fri from 22:05 to 05:00", "line 2: P-163"),
        ("schedules\n  schedule aa days mon-fri from 24:00 to 05:00", "line 2: time '24:00'"),
        ("schedules\n  schedule aa days mon-fri from 9:00 to 05:00", "line 2: time '9:00'"),
        ("schedules\n  schedule aa days weekdays from 09:00 to 10:00", "line 2: days 'weekdays'"),
        ("schedules\n  schedule aa days mon from 09:00 to 10:00", "line 2: days 'mon'"),
        ("zones\n  zone a", "line 2: zone name 'a'"),
        ("zones\n  zone abcdefghijklmnopqrstuvwxy", "line 2: zone name 'abc"),
        ("zones\n  zone Quay", "line 2: zone name 'Quay'"),
        ("zones\n  zone pump_house", "line 2: zone name 'pump_house'"),
        ("zones\n  zone écluse", "line 2: zone name 'écluse'"),
        ("zones\n  zone self", "line 2: the zone name 'self' is reserved"),
        ("zones\n  zone any", "line 2: the zone name 'any' is reserved"),
        ("ports\n  port p1 zone any", "line 2: the zone name 'any' is reserved"),
        ("zones\n  zone aa\n  zone aa", "line 3: zone 'aa' stands in line 2 already"),
        ("ports\n  port p13 zone aa", "line 2: no port 'p13'"),
        ("ports\n  port 3 zone aa", "line 2: no port '3'"),
        ("device aa model lh-300", "line 1: model 'lh-300'"),
        ("device aa model lh-210\nports\n  port p5 zone aa", "line 1: model lh-210 has 4 ports"),
        ("tunnels\n  tunnel hq peer 192.0.2.256 zone aa", "line 2: peer '192.0.2.256'"),
        (rules("rule 0 deny from aa to bb"), "line 2: rule number '0'"),
        (rules("rule 10000 deny from aa to bb"), "line 2: rule number '10000'"),
        (rules("rule ten deny from aa to bb"), "line 2: rule number 'ten'"),
        (rules("rule 1 reject from aa to bb"), "line 2: action 'reject'"),
        (rules("rule 1 deny from aa to bb proto icmp"), "line 2: protocol 'icmp'"),
        (rules("rule 1 deny from aa to bb port 0"), "line 2: port '0'"),
        (rules("rule 1 deny from aa to bb port 65536"), "line 2: port '65536'"),
        (rules("rule 1 divert from aa to bb"), "line 2: rule 1: a divert must name its tunnel"),
        (rules("rule 1 allow from aa to bb tunnel hq"), "line 2: rule 1: only a divert"),
        (rules("rule 1 deny from aa to bb port 80 proto tcp"), "line 2: 'proto' is not expected"),
        (rules("rule 1 deny from aa"), "line 2: the end of the line is not expected"),
        ("zones zone aa", "line 1: 'zone' is not expected"),
        ("zone aa", "line 1: 'zone' is not expected"),
        ("zones\n  zone-aa", "line 2: 'zone-aa' is not expected"),
        ("```\nzones\n  zone aa\n```", "line 1: '```' is not expected"),
        ("Here it is:\nzones\n  zone aa", "line 1: 'Here' is not expected"),
    ],
)
def test_what_the_compiler_would_refuse_is_refused_with_line_and_reason(text: str, reason: str):
    with pytest.raises(NotPenstock) as refused:
        parse(text)
    assert str(refused.value).startswith(reason)


def test_a_refusal_says_what_was_expected():
    with pytest.raises(NotPenstock, match="expected: schedule, the end of the line, tunnel"):
        parse(rules("rule 1 deny from aa to bb port 80 proto tcp"))


@pytest.mark.parametrize("number", ["1", "9999"])
def test_the_ends_of_the_range_of_rule_numbers_are_accepted(number: str):
    assert parse(rules(f"rule {number} deny from aa to bb")).rules[0].number == int(number)


def test_the_limits_of_a_model_are_those_of_the_manual():
    zones = "\n".join(f"  zone z{number}" for number in range(9))
    parse(f"device aa model lh-420\nzones\n{zones}")
    with pytest.raises(NotPenstock, match="lh-210r has 8 zones at most, found 9"):
        parse(f"device aa model lh-210r\nzones\n{zones}")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("device aa model lh-210", "device"),
        ("zones\n  zone aa\n  zone bb", "zone"),
        (rules("rule 1 allow from aa to bb proto tcp port 80"), "rule:allow+proto+port"),
        (
            "schedules\n  schedule aa days mon-fri from 09:00 to 10:00\n"
            + rules("rule 1 divert from aa to bb schedule aa tunnel hq"),
            "schedule & rule:divert+schedule",
        ),
        (
            rules("rule 1 deny from aa to bb port 1", "rule 2 allow from aa to bb"),
            "rule:allow & rule:deny+port",
        ),
        (
            rules("rule 1 deny from aa to bb", "rule 2 deny from bb to aa"),
            "rule:deny",
        ),
    ],
)
def test_a_family_names_the_constructs_that_occur_together(text: str, name: str):
    assert family(parse(text)) == name


NAMES = st.from_regex(r"(?!--)[a-z0-9-]{2,24}", fullmatch=True)
ZONES = NAMES.filter(lambda name: name not in RESERVED)
TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
SCHEDULES = st.builds(
    Schedule, NAMES, st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)), TIMES, TIMES
)
TUNNELS = st.builds(Tunnel, NAMES, st.ip_addresses(v=4).map(str), ZONES)


@st.composite
def rule(draw: st.DrawFn, number: int) -> Rule:
    action = draw(st.sampled_from(ACTIONS))
    return Rule(
        number,
        action,
        draw(NAMES),
        draw(NAMES),
        proto=draw(st.none() | st.sampled_from(PROTOCOLS)),
        port=draw(st.none() | st.integers(1, 65535)),
        schedule=draw(st.none() | NAMES),
        tunnel=draw(NAMES) if action == "divert" else None,
    )


@st.composite
def fragments(draw: st.DrawFn) -> Fragment:
    numbers = sorted(draw(st.sets(st.integers(1, 9999), max_size=4)))
    sockets = draw(st.lists(st.integers(1, 4), unique=True, max_size=4))
    return Fragment(
        device=draw(st.none() | st.builds(Device, NAMES, st.sampled_from(list(MODELS)))),
        zones=tuple(draw(st.lists(ZONES, unique=True, max_size=4))),
        ports=tuple(Port(number, draw(ZONES)) for number in sockets),
        schedules=tuple(draw(st.lists(SCHEDULES, unique_by=lambda one: one.name, max_size=3))),
        tunnels=tuple(draw(st.lists(TUNNELS, unique_by=lambda one: one.name, max_size=3))),
        rules=tuple(draw(rule(number)) for number in numbers),
    )


@given(fragments().filter(lambda fragment: fragment != Fragment()))
def test_what_is_rendered_is_read_back_in_its_order(fragment: Fragment):
    text = render(fragment)
    assert parse(text) == fragment
    assert render(parse(text)) == text


@given(st.text(alphabet="az-19:. \n\tdevicznorulmp", max_size=80))
def test_any_text_is_read_or_refused(text: str):
    try:
        fragment = parse(text)
    except NotPenstock:
        return
    assert parse(render(fragment)) == fragment
