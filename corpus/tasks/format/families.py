"""Which construct families each split holds: no family of one split occurs in another.

Every block and every option of a rule occurs often in the training split; what is new in the
others is only which of them stand together.
"""

from eval.penstock import Fragment, family
from eval.penstock_fragment import RESERVED

SPLITS = ("train", "dev", "test")

WANTED = {"train": 1600, "dev": 170, "test": 440}
"""How many pairs a split holds, spread evenly over its families."""

_TRAIN = """
device
zone
port
schedule
tunnel
rule:allow
rule:allow+proto
rule:allow+proto+port
rule:allow+schedule
rule:allow+proto+port+schedule
rule:deny
rule:deny+port
rule:deny+proto+port
rule:deny+schedule
rule:deny+proto+schedule
rule:divert
rule:divert+proto
rule:divert+proto+port
rule:divert+schedule
device & zone
device & schedule
device & tunnel
zone & port
zone & tunnel
port & schedule
schedule & tunnel
device & zone & port
device & port & tunnel
zone & port & tunnel
zone & schedule & tunnel
device & rule:deny
device & rule:allow+proto+port
zone & rule:allow
zone & rule:allow+proto+port
zone & rule:deny
zone & rule:divert
port & rule:allow+proto
port & rule:deny+proto+port
port & rule:divert+proto
schedule & rule:allow+schedule
schedule & rule:allow+proto+port+schedule
schedule & rule:deny+schedule
schedule & rule:divert+schedule
tunnel & rule:allow
tunnel & rule:divert
tunnel & rule:divert+proto+port
zone & port & rule:allow+proto+port
zone & port & rule:deny
zone & schedule & rule:deny+proto+schedule
zone & tunnel & rule:divert
schedule & tunnel & rule:divert+schedule
rule:allow & rule:deny
rule:allow & rule:divert
rule:allow+proto & rule:deny+port
rule:allow+proto+port & rule:deny
rule:allow+proto+port & rule:deny+proto+port
rule:allow+schedule & rule:deny
rule:deny & rule:divert+proto+port
zone & rule:allow+proto+port & rule:deny
schedule & rule:allow+schedule & rule:deny
tunnel & rule:allow+proto+port & rule:divert
"""

_DEV = """
device & schedule & tunnel
rule:allow+proto & rule:divert+proto
rule:allow+proto+port & rule:deny+schedule
rule:deny+port & rule:divert
rule:divert+proto+schedule
device & port & rule:allow
device & rule:divert+proto
port & rule:allow+schedule
schedule & rule:deny+port+schedule
tunnel & rule:deny+port
zone & rule:deny+proto
zone & port & schedule & tunnel
zone & tunnel & rule:allow+proto+port
"""

_TEST = """
rule:allow+port
rule:allow+port+schedule
rule:allow+proto+schedule
rule:deny+proto
rule:deny+proto+port+schedule
rule:divert+port
rule:divert+proto+port+schedule
device & port
port & tunnel
zone & schedule
device & zone & schedule
device & zone & tunnel
port & schedule & tunnel
zone & port & schedule
device & rule:allow
device & rule:deny+proto+port
device & zone & rule:allow+proto+port
zone & rule:allow+schedule
zone & rule:deny+proto+port
zone & rule:divert+proto
port & rule:allow
port & rule:allow+proto+port
port & rule:deny+schedule
port & rule:divert
schedule & rule:allow+proto+schedule
schedule & rule:deny+proto+schedule
schedule & rule:deny+proto+port+schedule
tunnel & rule:allow+proto+port
tunnel & rule:deny
tunnel & rule:divert+proto
tunnel & rule:divert+schedule
zone & port & rule:allow
zone & port & rule:divert
zone & schedule & rule:allow+schedule
zone & tunnel & rule:divert+proto+port
schedule & tunnel & rule:divert+proto+schedule
rule:allow & rule:deny+proto+port
rule:allow+proto & rule:deny
rule:allow+proto+port & rule:divert
rule:allow+proto+port+schedule & rule:deny
rule:deny & rule:divert
rule:deny+schedule & rule:divert
zone & rule:allow & rule:deny
schedule & rule:allow+proto+port+schedule & rule:deny
"""

FAMILIES = {
    split: tuple(text.split("\n")[1:-1])
    for split, text in zip(SPLITS, (_TRAIN, _DEV, _TEST), strict=True)
}
"""Split → its families, as `eval.penstock.family` names them."""


def quotas(split: str) -> dict[str, int]:
    """How many pairs each family of a split gets; the first ones take what does not divide."""
    share, rest = divmod(WANTED[split], len(FAMILIES[split]))
    return {family: share + (place < rest) for place, family in enumerate(FAMILIES[split])}


def atoms(fragment: Fragment) -> set[str]:
    """The single constructs of a fragment: its statements, actions, options and fixed words."""
    found = {name for name in family(fragment).split(" & ") if not name.startswith("rule:")}
    if fragment.device:
        found.add(f"model {fragment.device.model}")
    found |= {f"port p{port.number}" for port in fragment.ports}
    found |= {f"days {'-'.join(schedule.days)}" for schedule in fragment.schedules}
    for name in ("zones", "ports", "schedules", "tunnels", "rules"):
        found |= {f"{name}: several"} if len(getattr(fragment, name)) > 1 else set[str]()
    for rule in fragment.rules:
        options = {"port": rule.port, "schedule": rule.schedule, rule.proto: rule.proto}
        found.add(rule.action)
        found |= {f"{rule.action} {option}" for option, value in options.items() if value}
        found |= {f"from {rule.source}"} if rule.source in RESERVED else set[str]()
        found |= {f"to {rule.target}"} if rule.target in RESERVED else set[str]()
    return found
