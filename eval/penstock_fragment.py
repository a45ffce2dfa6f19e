"""What a fragment of Penstock says, its canonical text and its construct family. Pure.

The language is described in the Lockhouse manual of the demo company (LH-M-14 rev. E, chapters 7
to 11 and 16). A fragment is any of the six blocks of a configuration.
"""

from dataclasses import dataclass

BLOCKS = ("device", "zones", "ports", "schedules", "tunnels", "rules")
ACTIONS = ("allow", "deny", "divert")
PROTOCOLS = ("tcp", "udp")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RESERVED = ("self", "any")
"""Zones that always exist: the gateway itself, and every zone. Only rules may name them."""

MODELS = {
    "lh-210": {"ports": 4, "zones": 8, "rules": 256, "tunnels": 12, "schedules": 16},
    "lh-210r": {"ports": 4, "zones": 8, "rules": 256, "tunnels": 16, "schedules": 16},
    "lh-420": {"ports": 8, "zones": 16, "rules": 1024, "tunnels": 64, "schedules": 32},
    "lh-480": {"ports": 12, "zones": 32, "rules": 4096, "tunnels": 200, "schedules": 64},
}
"""Model → how many of each it carries, by the manual's chapter 15."""

PORTS = max(limits["ports"] for limits in MODELS.values())


@dataclass(frozen=True, slots=True)
class Device:
    """The gateway: its name and its model, a key of `MODELS`."""

    name: str
    model: str


@dataclass(frozen=True, slots=True)
class Port:
    """An Ethernet port (1 is `p1`) and the zone it belongs to."""

    number: int
    zone: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A range of days and of hours, UTC; an end before the start lies on the following day."""

    name: str
    days: tuple[str, str]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel to a peer's IPv4 address, and the zone it belongs to."""

    name: str
    peer: str
    zone: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to traffic between two zones; None does not restrict. Only diverts tunnel."""

    number: int
    action: str
    source: str
    target: str
    proto: str | None = None
    port: int | None = None
    schedule: str | None = None
    tunnel: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """The blocks of a fragment, each in the order written; a block without statements is empty.

    Two fragments are equal when they mean the same: the order in which zones, ports, schedules and
    tunnels are declared means nothing, that of the rules is in their numbers.
    """

    device: Device | None = None
    zones: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fragment) and self._meaning() == other._meaning()

    def __hash__(self) -> int:
        return hash(self._meaning())

    def _meaning(self) -> tuple[object, ...]:
        declared = (self.zones, self.ports, self.schedules, self.tunnels)
        return self.device, *map(frozenset[object], declared), self.rules


def render(fragment: Fragment) -> str:
    """The canonical text: blocks in order, statements indented by two, no newline at the end."""
    lines: list[str] = []
    if fragment.device:
        lines.append(f"device {fragment.device.name} model {fragment.device.model}")
    for heading, statements in (
        ("zones", [f"zone {zone}" for zone in fragment.zones]),
        ("ports", [f"port p{port.number} zone {port.zone}" for port in fragment.ports]),
        ("schedules", [_schedule_line(schedule) for schedule in fragment.schedules]),
        ("tunnels", [f"tunnel {t.name} peer {t.peer} zone {t.zone}" for t in fragment.tunnels]),
        ("rules", [_rule_line(rule) for rule in fragment.rules]),
    ):
        if statements:
            lines += [heading, *(f"  {statement}" for statement in statements)]
    return "\n".join(lines)


def family(fragment: Fragment) -> str:
    """The construct family: which statements occur together, however often, in the fixed order.

    A rule is its action and the options that narrow it: "schedule & rule:deny+proto+schedule".
    """
    blocks = {
        "device": fragment.device,
        "zone": fragment.zones,
        "port": fragment.ports,
        "schedule": fragment.schedules,
        "tunnel": fragment.tunnels,
    }
    kinds = {
        (ACTIONS.index(rule.action), bool(rule.proto), bool(rule.port), bool(rule.schedule))
        for rule in fragment.rules
    }
    rules = (
        "+".join([f"rule:{ACTIONS[action]}", *(["proto"] * proto), *(["port"] * port)])
        + "+schedule" * schedule
        for action, proto, port, schedule in sorted(kinds)
    )
    return " & ".join([*(name for name, block in blocks.items() if block), *rules])


def _schedule_line(schedule: Schedule) -> str:
    days = "-".join(schedule.days)
    return f"schedule {schedule.name} days {days} from {schedule.start} to {schedule.end}"


def _rule_line(rule: Rule) -> str:
    options = {name: getattr(rule, name) for name in ("proto", "port", "schedule", "tunnel")}
    narrowed = "".join(f" {name} {value}" for name, value in options.items() if value is not None)
    return f"rule {rule.number} {rule.action} from {rule.source} to {rule.target}{narrowed}"
