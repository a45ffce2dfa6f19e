"""Put a fragment into words: a clause for each statement, in some order, with a frame around."""

import random
from collections.abc import Sequence

from corpus.tasks.format import phrases
from corpus.tasks.format.frames import frame, slip
from corpus.tasks.format.spoken import NUMBERS, Voice, expand, fill
from eval.penstock import Fragment, Port, Rule, Schedule, Tunnel

_RULES = {"allow": phrases.ALLOW, "deny": phrases.DENY, "divert": phrases.DIVERT}


class Writer:
    """Writes requests; the same generator in the same state writes the same words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._voice = Voice(rng)
        self._careless = False

    def request(self, fragment: Fragment) -> str:
        """A request from which every value of the fragment can be told."""
        self._careless = self._rng.random() < 0.08
        shuffled = self._rng.random() < 0.3
        groups = [
            self._device(fragment),
            self._zones(fragment.zones),
            self._ports(fragment.ports),
            [self._schedule(schedule) for schedule in fragment.schedules],
            [self._tunnel(tunnel) for tunnel in fragment.tunnels],
        ]
        groups = [group for group in groups if group]
        rules = self._rules(fragment, known=bool(fragment.schedules) and not shuffled)
        if rules:
            groups.append(rules)
        if shuffled:
            self._rng.shuffle(groups)
        return frame(self._rng, [clause for group in groups for clause in group])

    def _say(self, templates: Sequence[str], **values: str) -> str:
        template = expand(self._rng, self._rng.choice(templates))
        if self._careless and self._rng.random() < 0.7:
            template = slip(self._rng, template)
        return fill(template, values)

    def _device(self, fragment: Fragment) -> list[str]:
        if not (device := fragment.device):
            return []
        voice = self._voice
        return [self._say(phrases.DEVICE, g=voice.name(device.name), m=voice.model(device.model))]

    def _zones(self, zones: Sequence[str]) -> list[str]:
        names = [self._voice.name(zone) for zone in zones]
        if len(names) == 1:
            return [self._say(phrases.ZONE, z=names[0])]
        many = NUMBERS[len(names)]
        return [self._say(phrases.ZONES, zs=self._voice.list(names), many=many)] if names else []

    def _ports(self, ports: Sequence[Port]) -> list[str]:
        clauses: list[str] = []
        for zone in dict.fromkeys(port.zone for port in ports):
            numbers = [port.number for port in ports if port.zone == zone]
            said = self._voice.zone(zone)
            bare = self._voice.name(zone)
            if len(numbers) == 1:
                socket = self._voice.socket(numbers[0])
                clauses.append(self._say(phrases.PORT, p=socket, z=said, rz=bare))
            else:
                sockets = self._voice.sockets(numbers)
                clauses.append(self._say(phrases.PORTS, ps=sockets, z=said, rz=bare))
        return clauses

    def _schedule(self, schedule: Schedule) -> str:
        voice = self._voice
        start, end = voice.times(schedule)
        return self._say(
            phrases.SCHEDULE,
            s=voice.name(schedule.name),
            days=voice.days(schedule.days),
            hours=voice.hours(schedule),
            start=start,
            end=end,
        )

    def _tunnel(self, tunnel: Tunnel) -> str:
        voice = self._voice
        return self._say(
            phrases.TUNNEL,
            u=voice.name(tunnel.name),
            ip=tunnel.peer,
            z=voice.zone(tunnel.zone),
            rz=voice.name(tunnel.zone),
        )

    def _rules(self, fragment: Fragment, *, known: bool) -> list[str]:
        rules = list(fragment.rules)
        # Said out of order now and then: the numbers alone decide the order of the answer.
        if len(rules) > 1 and self._rng.random() < 0.1:
            rules.reverse()
        return [
            self._rule(rule, above if above and above.number < rule.number else None, known=known)
            for rule, above in zip(rules, (None, *rules), strict=False)
        ]

    def _rule(self, rule: Rule, above: Rule | None, *, known: bool) -> str:
        voice = self._voice
        rest = bool(
            above
            and (above.proto or above.port)
            and (above.source, above.target) == (rule.source, rule.target)
            and not (rule.proto or rule.port or rule.schedule)
        )
        open_end = rule.action == "divert" and rule.target == "any" and self._rng.random() < 0.6
        target = voice.zone(rule.target)
        # "Not every zone may" would say something else than "no zone may".
        nobody = rule.action == "deny" and rule.source == "any"
        where = voice.one(" to {}", " to {}", " bound for {}", " with destination {}")
        tunnel = rule.tunnel or ""
        return self._say(
            _RULES[rule.action],
            n=voice.number(rule.number),
            num=str(rule.number),
            a=voice.one("any zone", "any") if nobody else voice.zone(rule.source),
            b=target,
            d="" if open_end else where.format(target),
            t=voice.traffic(rule, rest),
            o=voice.over(rule, rest),
            w=voice.when(rule.schedule, known=known),
            first=voice.when_first(rule.schedule),
            u=voice.tunnel(tunnel),
            ra=rule.source,
            rb=rule.target,
            ru=tunnel,
            tt=voice.brief(rule),
            ws=voice.one(" schedule {}", " sched {}", " {} only").format(rule.schedule)
            if rule.schedule
            else "",
        )
