"""How people say the values of Penstock: names, times, days, ports, models, numbers.

The conventions (README.md of this folder) make each way of saying mean one value.
"""

import random
import re
from collections.abc import Sequence

from corpus.tasks.format.values import SERVICES
from eval.penstock import Rule, Schedule

NUMBERS = dict(
    enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
) | dict(
    zip(range(30, 100, 10), "thirty forty fifty sixty seventy eighty ninety".split(), strict=True)
)
ORDINALS = "- first second third fourth fifth sixth seventh eighth ninth tenth".split()
_WEEKDAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_DAY_SETS = {
    ("mon", "sun"): ("every day", "daily", "all week", "seven days a week", "each day"),
    ("mon", "fri"): ("on weekdays", "weekdays", "on working days", "Monday to Friday"),
    ("sat", "sun"): ("at weekends", "at the weekend", "weekends", "Saturday and Sunday"),
}
_ADVERBS = {
    "night": "at night",
    "weekend": "at the weekend",
    "office-hours": "in office hours",
    "daytime": "in the daytime",
    "morning": "in the morning",
    "low-tide": "at low tide",
    "high-water": "at high water",
    "lunch": "at lunch",
    "dusk": "at dusk",
    "dawn": "at dawn",
    "evening": "in the evening",
    "slack-water": "at slack water",
    "quiet-hours": "in quiet hours",
}
_WHILE = (
    " on schedule {s}",
    ", only while schedule {s} is in force",
    " during the {s} schedule",
    " during schedule {s} only",
    ", restricted to schedule {s}",
    ", but only when the {s} schedule applies",
    " (schedule {s})",
    ", tied to the {s} schedule",
    " inside schedule {s}",
    ", with schedule {s} on it",
    ", limited to the {s} schedule",
)
_WHILE_FIRST = (
    "on schedule {s}, ",
    "while the {s} schedule is in force, ",
    "during schedule {s} ",
    "only when schedule {s} applies, ",
    "inside the {s} schedule ",
)
_THEN = (
    " in those hours only",
    ", only then",
    " while it is in force",
    ", but only during that schedule",
    " on that schedule",
)


class Voice:
    """Says values at random, in one generator's order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def one(self, *ways: str) -> str:
        """One of several ways."""
        return self._rng.choice(ways)

    def name(self, name: str) -> str:
        """A name as written or with spaces and capitals: "Pump House" is pump-house."""
        if "-" in name:
            spaced = name.replace("-", " ")
            return self._rng.choices((name, spaced, spaced.title()), (60, 28, 12))[0]
        return self._rng.choices((name, name.capitalize(), f'"{name}"'), (84, 10, 6))[0]

    def zone(self, name: str) -> str:
        """A zone where the sentence does not say that it is one; "any" and "self" have words."""
        if name == "any":
            return self.one("any zone", "every zone", "any zone at all", "all zones", "any")
        if name == "self":
            return self.one("the gateway itself", "the gateway", "the box itself", "self")
        said = self.name(name)
        return self._rng.choices(
            (said, f"the {said} zone", f"zone {said}", f"the {said}"), (45, 25, 20, 10)
        )[0]

    def number(self, number: int) -> str:
        """A rule: "rule 40", "number 40", "rule forty"."""
        if number in NUMBERS and self._rng.random() < 0.12:
            return f"rule {NUMBERS[number]}"
        way = self._rng.choices(
            ("rule {}", "rule number {}", "rule no. {}", "number {}", "rule #{}")
        )
        return way[0].format(number)

    def socket(self, number: int) -> str:
        """An Ethernet port of the case: "p3", "Ethernet port 3", "the third port"."""
        ways = [f"p{number}", f"port p{number}", f"port {number}", f"P{number}"]
        ways += [f"Ethernet port {number}", f"port {NUMBERS[number]}", f"socket p{number}"]
        if number < len(ORDINALS):
            ways.append(f"the {ORDINALS[number]} port")
        return self._rng.choices(ways, (30, 20, 14, 6, 10, 6, 6, 8)[: len(ways)])[0]

    def sockets(self, numbers: Sequence[int]) -> str:
        """Several ports: "p1, p2 and p4"."""
        plain = [f"p{number}" for number in numbers]
        return self.one(self.list(plain), f"ports {self.list([str(n) for n in numbers])}")

    def list(self, words: Sequence[str]) -> str:
        """Words in their order: "a, b and c"."""
        if len(words) == 1:
            return words[0]
        return f"{', '.join(words[:-1])} {self.one('and', 'and', '&')} {words[-1]}"

    def model(self, model: str) -> str:
        """A model with its article: "an LH-210R", "a 210R"."""
        short = model.removeprefix("lh-").upper()
        return self.one(
            f"an LH-{short}", f"an LH-{short}", f"an {model}", f"an LH {short}", f"a {short}"
        )

    def days(self, days: tuple[str, str]) -> str:
        """A range of days: "on weekdays", "Monday to Thursday", "mon-thu"."""
        first, last = (_WEEKDAYS[day] for day in days)
        ways = [f"{first} to {last}", f"{first} through {last}", f"{first}s to {last}s"]
        ways += ["-".join(days), f"{first[:3]} to {last[:3]}", f"{first[:3]}-{last[:3]}"]
        known = _DAY_SETS.get(days, ())
        return self.one(*known) if known and self._rng.random() < 0.7 else self.one(*ways)

    def times(self, schedule: Schedule) -> tuple[str, str]:
        """Start and end, both said in the same manner."""
        manner = self.one("clock", "clock", "clock", "dot", "bare", "half", "word", "word")
        return self.time(schedule.start, manner), self.time(schedule.end, manner)

    def time(self, time: str, manner: str) -> str:
        """A time: "22:00", "22.00", "2200", "10 pm", "quarter past ten at night"."""
        hour, minute = int(time[:2]), int(time[3:])
        if manner == "dot":
            return f"{hour}.{minute:02}"
        if manner == "bare":
            return f"{hour:02}{minute:02}"
        if time in ("00:00", "12:00") and manner in ("half", "word"):
            return "midnight" if hour == 0 else "noon"
        if manner == "half" and hour:
            part = "am" if hour < 12 else "pm"
            clock = f"{(hour - 1) % 12 + 1}" + f":{minute:02}" * bool(minute)
            return f"{clock}{self.one(' ', '')}{part}"
        if manner == "word" and hour:
            return self._in_words(hour, minute)
        return time

    def _in_words(self, hour: int, minute: int) -> str:
        if minute == 45 and hour in (11, 23):
            return "quarter to noon" if hour == 11 else "quarter to midnight"
        spoken = hour + (minute == 45)
        word = NUMBERS[(spoken - 1) % 12 + 1]
        part = "in the morning" if spoken < 12 else "in the afternoon"
        part = "in the evening" if spoken >= 18 else part
        part = self.one("at night", "in the evening") if spoken >= 22 else part
        lead = {0: "", 15: "quarter past ", 30: "half past ", 45: "quarter to "}[minute]
        oclock = " o'clock" if not minute and self._rng.random() < 0.2 else ""
        return f"{lead}{word}{oclock} {part}"

    def hours(self, schedule: Schedule) -> str:
        """The hours of a schedule: "from 22:00 to 05:00"; overnight, the end needs no "am"."""
        start, end = int(schedule.start[:2]), int(schedule.end[:2])
        if start >= 18 and 1 <= end <= 9 and schedule.end.endswith(":00"):
            if self._rng.random() < 0.2:
                return f"overnight from {self.time(schedule.start, 'word')} to {NUMBERS[end]}"
        one, two = self.times(schedule)
        way = self.one("from {} to {}", "from {} until {}", "between {} and {}", "{} to {}")
        if one[0].isdigit() and "m" not in one + two and self._rng.random() < 0.3:
            way = self.one("{}-{}", "{} - {}")
        return way.format(one, two) + self.one("", "", "", "", " UTC")

    def traffic(self, rule: Rule, rest: bool) -> str:
        """What a rule is about, as a noun: "tcp port 502", "everything else"."""
        proto, port = rule.proto, rule.port
        if proto and port:
            service = SERVICES.get((proto, port))
            ways = [f"{proto} port {port}", f"{proto.upper()} port {port}", f"{proto}/{port}"]
            ways += [f"port {port} over {proto}", f"{proto} traffic on port {port}"]
            ways += [f"{proto} {port}"]
            if service and self._rng.random() < 0.5:
                return self.one(f"{service} ({proto} {port})", f"{service}, {proto} port {port},")
            return self.one(*ways)
        if proto:
            other = self.one("all ", "any ", "") + self.one(proto, proto.upper())
            return self.one(f"{other} traffic", f"{other} traffic", f"{proto} on any port")
        if port:
            return self.one(
                f"port {port}",
                f"traffic on port {port}",
                f"anything on port {port}",
                f"port {port}, tcp or udp,",
                f"port {port} with either protocol",
            )
        if rest:
            return self.one("everything else", "all other traffic", "the rest", "anything else")
        return self.one("everything", "all traffic", "any traffic", "all traffic", "anything")

    def over(self, rule: Rule, rest: bool) -> str:
        """The same after a verb: " on tcp port 502", " over udp"; nothing where all is meant."""
        proto, port = rule.proto, rule.port
        if proto and port:
            return self.one(
                f" on {proto} port {port}",
                f" on {proto.upper()} port {port}",
                f" over {proto} on port {port}",
                f" on port {port} ({proto})",
                f" using {proto} {port}",
            )
        if proto:
            return self.one(f" over {proto}", f" with {proto.upper()}", f" by {proto} on any port")
        if port:
            return self.one(
                f" on port {port}", f" on port {port}, whatever the protocol", f" using port {port}"
            )
        return self.one(" for anything else", " for the rest") if rest else ""

    def brief(self, rule: Rule) -> str:
        """The same in the shorthand of administrators: "tcp/502"."""
        if rule.proto and rule.port:
            return self.one(f"{rule.proto}/{rule.port}", f"{rule.proto} {rule.port}")
        if rule.port:
            return self.one(f"port {rule.port}", f"any/{rule.port}")
        return rule.proto or self.one("all", "all traffic", "everything")

    def tunnel(self, name: str) -> str:
        """A tunnel: "the hq tunnel", "tunnel hq"."""
        said = self.name(name)
        return self.one(f"tunnel {said}", f"the {said} tunnel", f"the tunnel called {said}")

    def when(self, schedule: str | None, *, known: bool) -> str:
        """The schedule of a rule at the end of its clause; `known` where it was just described."""
        if not schedule:
            return ""
        if known and self._rng.random() < 0.35:
            return self.one(*_THEN)
        if schedule in _ADVERBS and self._rng.random() < 0.5:
            said = _ADVERBS[schedule]
            return self.one(f", only {said}", f" {said} only", f", but just {said}")
        return self.one(*_WHILE).replace("{s}", self.name(schedule))

    def when_first(self, schedule: str | None) -> str:
        """The schedule of a rule before its clause."""
        if not schedule:
            return ""
        if schedule in _ADVERBS and self._rng.random() < 0.5:
            return f"only {_ADVERBS[schedule]}, "
        return self.one(*_WHILE_FIRST).replace("{s}", self.name(schedule))


def expand(rng: random.Random, template: str) -> str:
    """Resolve the choices of a template: "[let|allow] it" is "let it" or "allow it"."""
    while "[" in template:
        template = re.sub(
            r"\[([^\[\]]*)\]", lambda found: rng.choice(found[1].split("|")), template, count=1
        )
    return template


def fill(template: str, values: dict[str, str]) -> str:
    """Put values into the slots of a template: "{n}" is `values["n"]`."""
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], template)
