"""Random fragments of a family: invented names, addresses and numbers, drawn from one generator."""

import random
from dataclasses import dataclass

from eval.penstock import Device, Fragment, Port, Rule, Schedule, Tunnel
from eval.penstock_fragment import MODELS, PORTS

_ZONES = """
field plant yard camera office control workshop sensors loggers basin intake outfall culvert pumps
gate sluice spillway weir lock quay harbour ferry radar telemetry scada store dosing chlorine filter
wet-well dry-well pump-house valve-room gate-house control-room fish-pass tide-gate fore-bay
tail-race guest-lan site-office stilling-well crane-deck boat-yard inner-basin upper-pond lower-pond
bridge-1 bridge-2 cabinet-4 mast-east mast-west siding
""".split()
_ZONES_NEW = """
lagoon turbine screens penthouse slipway jetty marina dredger aerator clarifier boiler archive
visitors contractor tide-pool north-bank south-bank eel-ladder log-boom trash-rack meter-pit
switch-room staff-mess kiosk-3 shaft-2 canal-head leat mill-pond
""".split()
_DEVICES = """
sluice-07 sluice-12 weir-01 weir-18 lock-3 lock-22 pump-05 pump-41 gauge-14 gauge-9 harbour-2
tidegate-06 basin-33 quay-17 dam-04 intake-8 outfall-21 mill-16 ferry-11 canal-29 ford-east
bridge-west station-50 reach-13 pond-27
""".split()
_DEVICES_NEW = """
marsh-02 fen-15 brook-38 causeway-1 lagoon-9 culvert-44 spillway-10 jetty-23 ness-06 delta-north
""".split()
_SCHEDULES = """
night weekend office-hours daytime morning low-tide high-water lunch dusk dawn evening summer-hours
shift-a shift-b backup low-tariff quiet-hours spring-tide market-day staffed patrol upload cleaning
""".split()
_SCHEDULES_NEW = """
slack-water graveyard early-shift late-shift ebb flood-watch cheap-rate siesta inspection
""".split()
_TUNNELS = """
hq depot backhaul head-office north-link south-link mainland uplink control-a control-b lab
archive-link region-1 region-2 coast river-office spare vault west-end harbourmaster
""".split()
_TUNNELS_NEW = """
back-office east-link ops-centre island-2 agency hilltop dispatch twin relay-7
""".split()

SERVICES = {
    ("tcp", 22): "ssh",
    ("tcp", 80): "http",
    ("tcp", 443): "https",
    ("tcp", 502): "modbus",
    ("tcp", 554): "rtsp",
    ("tcp", 1883): "mqtt",
    ("tcp", 2404): "iec 104",
    ("tcp", 4840): "opc ua",
    ("tcp", 20000): "dnp3",
    ("udp", 53): "dns",
    ("udp", 123): "ntp",
    ("udp", 161): "snmp",
    ("udp", 514): "syslog",
    ("udp", 47808): "bacnet",
}
"""Protocol and port → what uses them. Requests that say the name give both all the same."""

_DAYS = {
    ("mon", "sun"): 4,
    ("mon", "fri"): 4,
    ("sat", "sun"): 3,
    ("mon", "sat"): 2,
    ("mon", "thu"): 2,
    ("mon", "wed"): 2,
    ("tue", "thu"): 2,
    ("tue", "sat"): 2,
    ("wed", "fri"): 2,
    ("thu", "sun"): 2,
    ("fri", "sun"): 2,
    ("fri", "mon"): 2,
    ("sun", "thu"): 2,
}


@dataclass(frozen=True, slots=True)
class Pools:
    """The names that a split draws from."""

    zones: tuple[str, ...]
    devices: tuple[str, ...]
    schedules: tuple[str, ...]
    tunnels: tuple[str, ...]


def pools(split: str) -> Pools:
    """The pools of a split; about half of the test names occur in no training pair."""
    known = (_ZONES, _DEVICES, _SCHEDULES, _TUNNELS)
    if split != "test":
        return Pools(*map(tuple, known))
    new = (_ZONES_NEW, _DEVICES_NEW, _SCHEDULES_NEW, _TUNNELS_NEW)
    return Pools(*(tuple(old[: len(fresh)] + fresh) for old, fresh in zip(known, new, strict=True)))


class Draw:
    """Draws fragments; the same generator in the same state gives the same fragment."""

    def __init__(self, rng: random.Random, names: Pools) -> None:
        self._rng = rng
        self._names = names

    def fragment(self, family: str) -> Fragment:
        """A fragment of a family, named as `eval.penstock.family` does. Small families repeat."""
        kinds = family.split(" & ")
        blocks = [kind for kind in kinds if not kind.startswith("rule")]
        small = len(kinds) == 1 or (
            len(kinds) == 2 and not any(k.startswith("rule") for k in kinds)
        )
        zones = self._some(self._names.zones, self._count(small or len(kinds) == 2))
        zones = zones if "zone" in blocks else []
        model = self._rng.choice(list(MODELS))
        schedules = self._some(self._names.schedules, 1 + (small and self._rng.random() < 0.22))
        tunnels = self._some(self._names.tunnels, 1 + (small and self._rng.random() < 0.22))
        most = MODELS[model]["ports"] if "device" in blocks else PORTS
        ports = self._ports(zones, most, small) if "port" in blocks else []
        known = zones or list(dict.fromkeys(port.zone for port in ports))
        device = Device(self._rng.choice(self._names.devices), model)
        return Fragment(
            device=device if "device" in blocks else None,
            zones=tuple(zones),
            ports=tuple(ports),
            schedules=tuple(map(self._schedule, schedules)) if "schedule" in blocks else (),
            tunnels=tuple(self._tunnel(name, known) for name in tunnels)
            if "tunnel" in blocks
            else (),
            rules=tuple(self._rules(kinds[len(blocks) :], known, schedules, tunnels)),
        )

    def _some(self, pool: tuple[str, ...], count: int) -> list[str]:
        return self._rng.sample(pool, count)

    def _count(self, more: bool) -> int:
        return self._rng.choices((1, 2, 3), (55, 30, 15) if more else (80, 18, 2))[0]

    def _zone(self, zones: list[str]) -> str:
        known = zones and self._rng.random() < 0.85
        return self._rng.choice(zones if known else self._names.zones)

    def _ports(self, zones: list[str], most: int, small: bool) -> list[Port]:
        numbers = sorted(self._rng.sample(range(1, most + 1), self._count(small)))
        shared = self._zone(zones)
        together = self._rng.random() < 0.3
        return [Port(number, shared if together else self._zone(zones)) for number in numbers]

    def _schedule(self, name: str) -> Schedule:
        days = self._rng.choices(list(_DAYS), list(_DAYS.values()))[0]
        night = name in {"night", "graveyard", "low-tariff", "cheap-rate"} or (
            self._rng.random() < 0.3
        )
        start, end = (
            (self._rng.randint(18, 23), self._rng.choice((0, 4, 5, 5, 6, 6, 7, 8)))
            if night
            else sorted(self._rng.sample(range(4, 24), 2))
        )
        return Schedule(name, days, self._time(start), self._time(end))

    def _time(self, hour: int) -> str:
        minute = self._rng.choices((0, 15, 30, 45), (55, 13, 20, 12))[0]
        return f"{hour % 24:02}:{minute:02}"

    def _tunnel(self, name: str, zones: list[str]) -> Tunnel:
        network = self._rng.choice(("203.0.113", "198.51.100", "192.0.2", "10.20.30", "10.8.0"))
        return Tunnel(name, f"{network}.{self._rng.randint(1, 254)}", self._zone(zones))

    def _rules(
        self, kinds: list[str], zones: list[str], schedules: list[str], tunnels: list[str]
    ) -> list[Rule]:
        if len(kinds) == 1 and not zones and self._rng.random() < 0.12:
            kinds = kinds * 2
        if len(kinds) == 2 and self._rng.random() < 0.25:
            kinds = kinds[::-1]
        rules: list[Rule] = []
        number = 0
        for kind in kinds:
            number += self._step()
            again = rules and kinds[0] != kinds[1] and self._rng.random() < 0.45
            above = rules[-1] if again else None
            rules.append(self._rule(kind, number, zones, schedules, tunnels, above))
        return rules

    def _step(self) -> int:
        return self._rng.choices(
            (
                self._rng.randrange(10, 130, 10),
                self._rng.randrange(5, 100, 5),
                self._rng.randrange(100, 1000, 50),
                self._rng.randint(1, 4000),
            ),
            (60, 15, 15, 10),
        )[0]

    def _rule(
        self,
        kind: str,
        number: int,
        zones: list[str],
        schedules: list[str],
        tunnels: list[str],
        above: Rule | None,
    ) -> Rule:
        action, *options = kind.removeprefix("rule:").split("+")
        source, target = (above.source, above.target) if above else self._ends(action, zones)
        proto, port = self._rng.choice(list(SERVICES))
        if self._rng.random() < 0.45:
            proto = self._rng.choice(("tcp", "udp"))
            port = self._rng.choice((self._rng.randint(1024, 65535), 8080, 8443, 5000, 9100, 3389))
        return Rule(
            number=number,
            action=action,
            source=source,
            target=target,
            proto=proto if "proto" in options else None,
            port=port if "port" in options else None,
            schedule=schedules[0] if "schedule" in options else None,
            tunnel=tunnels[0] if action == "divert" else None,
        )

    def _ends(self, action: str, zones: list[str]) -> tuple[str, str]:
        one, two = self._some(self._names.zones, 2)
        if zones:
            one, two = self._rng.choice(zones), self._rng.choice(zones)
            two = (
                two
                if two != one
                else self._some(tuple(name for name in self._names.zones if name != one), 1)[0]
            )
            one, two = (one, two) if self._rng.random() < 0.6 else (two, one)
        special = self._rng.random()
        if special < (0.55 if action == "divert" else 0.1):
            two = "any"
        elif special < 0.18 and action != "divert":
            two = "self"
        elif special > 0.9:
            one = "any" if special < 0.96 else "self"
        return one, two
