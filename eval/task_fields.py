"""The fields of a task file: each of its type and within its range, or an error with its name."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

RATES = 3
"""Learning rates at most: an adapter gets no more configurations on dev than any other arm."""

MISSING = object()
"""The default of a field that has none."""

_RANGES: Mapping[str, tuple[float, float]] = {
    "rank": (1, math.inf),
    "epochs": (1, math.inf),
    "batch": (1, math.inf),
    "sweep_share": (0.01, 1),
}
_EXPONENT = re.compile(r"[0-9]+[eE][-+]?[0-9]+")
_Item = TypeVar("_Item")


class UnreadableTask(ValueError):
    """A task file is not what it should be; the message names file, field and value."""


class Loader(yaml.SafeLoader):
    """Refuses a field that stands twice, of which the YAML library would take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """See `yaml.SafeLoader`."""
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"field {name!r} stands there twice,{node.start_mark}")
        return super().construct_mapping(node, deep)


def check_names(given: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    """Refuse a field that is not known."""
    for name in given:
        if name not in known:
            raise UnreadableTask(f"{place}: unknown field {name!r}; known are {', '.join(known)}")


def one_of(value: Any, known: Sequence[str], place: str) -> str:
    """The value, one of those that there are."""
    if value not in known:
        raise UnreadableTask(f"{place}: {value!r} is none of {', '.join(known)}")
    return cast(str, value)


def typed(
    given: Mapping[str, Any], name: str, kind: type, file: Path, default: Any = MISSING
) -> Any:
    """A field of a type, not empty; `default` where it is not given."""
    value = given.get(name)
    if value is None and default is not MISSING:
        return default
    if not isinstance(value, kind) or value == "":
        raise UnreadableTask(f"{file}: field {name!r}: {kind.__name__} is wanted, found {value!r}")
    return value


def listed(given: Mapping[str, Any], name: str, kind: type, file: Path) -> list[Any]:
    """A list with items of a type; of one item where no list is given, empty where nothing is."""
    found = given.get(name)
    value = cast(list[Any], found if isinstance(found, list) else [] if found is None else [found])
    for item in value:
        if not isinstance(item, kind) or isinstance(item, bool):
            raise UnreadableTask(
                f"{file}: field {name!r}: a list of {kind.__name__} is wanted, found {item!r}"
            )
    return value


def distinct(values: tuple[_Item, ...], place: str) -> tuple[_Item, ...]:
    """The values, of which none comes twice."""
    for value in values:
        if values.count(value) > 1:
            raise UnreadableTask(f"{place}: {str(value)!r} stands there twice")
    return values


def share(given: Mapping[str, Any], name: str, file: Path) -> float:
    """A number from 0 to 1."""
    value = number(given[name])
    if value is None or not 0 <= value <= 1:
        raise UnreadableTask(
            f"{file}: field {name!r}: a share from 0 to 1 is wanted, found {given[name]!r}"
        )
    return value


def number(value: Any) -> float | None:
    """A finite number; None where it is none. YAML 1.1 takes 3e-4, without a point, for a text."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def part(kind: type[Any], value: Any, place: str) -> Any:
    """A nested group of settings, each checked against the type of its default.

    `place` names the file and opens a quotation with the group's name.
    """
    if value is None:
        return kind()
    if not isinstance(value, dict):
        raise UnreadableTask(f"{place}': a mapping is wanted, found {value!r}")
    given = cast(dict[str, Any], value)
    check_names(given, [item.name for item in fields(kind)], f"{place}'")
    defaults = kind()
    made = {
        name: _setting(name, setting, getattr(defaults, name), f"{place}.{name}'")
        for name, setting in given.items()
    }
    return kind(**made)


def _setting(name: str, value: Any, default: Any, place: str) -> Any:
    if name == "rates":
        return _rates(value, place)
    if isinstance(default, Mapping):
        return _counts(value, place)
    if isinstance(default, bool | str):
        if not isinstance(value, type(default)) or value == "":
            raise UnreadableTask(f"{place}: {type(default).__name__} is wanted, found {value!r}")
        return value
    whole = isinstance(default, int)
    found = number(value)
    least, most = _RANGES.get(name, (0, math.inf))
    if found is None or not least <= found <= most or (whole and type(value) is not int):
        wanted = "a whole number" if whole else "a number"
        upper = "" if most == math.inf else f" to {most:g}"
        raise UnreadableTask(f"{place}: {wanted} from {least:g}{upper} is wanted, found {value!r}")
    return value if whole else found


def _rates(value: Any, place: str) -> tuple[float, ...]:
    given = cast(list[Any], value) if isinstance(value, list) else []
    rates = tuple(rate for rate in map(number, given) if rate is not None and rate > 0)
    if len(rates) < len(given) or not 1 <= len(rates) <= RATES:
        raise UnreadableTask(
            f"{place}: a list of 1 to {RATES} numbers above 0 is wanted, found {value!r}"
        )
    return distinct(rates, place)


def _counts(value: Any, place: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise UnreadableTask(f"{place}: a mapping of numbers is wanted, found {value!r}")
    given = cast(dict[str, Any], value)
    for name, count in given.items():
        if type(count) is not int or count < 1:
            raise UnreadableTask(f"{place}: {name!r}: a number from 1 is wanted, found {count!r}")
    return given
