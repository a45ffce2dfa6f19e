"""Does the service keep to its own description? schemathesis over its OpenAPI document.

    python -m bench.schema [--calls 5000] [--seed 1]

A real server, its index in a temporary folder, and a stub for the model's server. A third of the
calls come without a key, a third with a key for one collection, a third with a key that does not
exist. Half of them are valid by the description, half are not. Found and named: statuses of 500 and
more, what the description does not say (status, media type, headers, body), requests that it rules
out and that are taken, and whatever stands in a collection that the key may not read. Exit status 1
where there is any.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bench.client import ROOT, started

SECRET = "Vermilion-4711-Quagga"
"""Stands in the collection that may not be read, and nowhere else."""

OPEN = {"wiki": {"tank.md": "# The tow tank\n\nThe tow tank at Tullaweir is 62 metres long.\n"}}
CLOSED = {"board": {"minutes.md": f"# The tow tank\n\nThe tow tank is sold to {SECRET}.\n"}}

QUESTION = "How long is the tow tank at Tullaweir, and who buys it?"
IDS = 4

TRIES = 8
"""Rounds at most: an operation of which there are few different calls is not asked for more."""


@dataclass(slots=True)
class Findings:
    """What came back: calls by operation and status, and each kind of fault once, with a call."""

    calls: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    faults: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    @property
    def total(self) -> int:
        """How many calls were made."""
        return self.calls.total()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        index = make_index(Path(folder))
        key = make_key(index)
        settings = {"RAGFIRST_INDEX": str(index), "RAGFIRST_ABSTAIN_BELOW": "0"}
        with (
            started("-m", "bench.stub", "stub", "--delay", "0") as model,
            started(
                *("ragfirst.py", "serve", "--port", "0"),
                OPENAI_BASE_URL=model,
                RAGFIRST_LOG_LEVEL="error",
                **settings,
            ) as address,
        ):
            wait(address)
            findings = Findings()
            callers = ("", key, "rf_" + secrets.token_urlsafe(24))
            for number, one in enumerate(callers, start=1):
                upto = options.calls * number // len(callers)
                drive(address, upto, findings, key=one, seed=options.seed, forbidden=one != "")
    report(findings, time.monotonic() - begun)
    sys.exit(1 if findings.faults else 0)


def make_index(folder: Path) -> Path:
    """An index with a collection for everyone and one for few, by the batch command."""
    import subprocess

    for name, files in {**OPEN, **CLOSED}.items():
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file).write_text(text, encoding="utf-8")
    index = folder / "index"
    places = [str(folder / name) for name in (*OPEN, *CLOSED)]
    command = [sys.executable, "ragfirst.py", "ingest", *places, "--index", str(index)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return index


def make_key(index: Path) -> str:
    """A key that may read what is open to everyone, and write."""
    from service.keys import Keys

    _, text = Keys(index / "keys.db").create("fuzz", frozenset(OPEN), writes=True)
    return text


def wait(address: str) -> None:
    """Until the service is ready."""
    import httpx

    while httpx.get(f"{address}/health/ready", timeout=60).status_code != 200:
        time.sleep(0.5)


def drive(
    address: str,
    upto: int,
    findings: Findings,
    *,
    key: str = "",
    seed: int = 1,
    forbidden: bool = False,
    leave_out: Sequence[str] = (),
) -> None:
    """Call the service's operations until `findings` counts `upto` calls, or nothing new is left.

    `forbidden`: no response may hold `SECRET`. `leave_out`: operations, as "GET /path".
    """
    import schemathesis

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    schema: Any = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [one.ok() for one in schema.get_all_operations()]
    chosen = [one for one in operations if one.label not in leave_out]
    modes = list(schemathesis.GenerationMode)
    pairs = [(operation, mode) for operation in chosen for mode in modes]
    for number in range(TRIES):
        left = upto - findings.total
        if left <= 0 or not pairs:
            return
        share = -(-left // len(pairs))
        pairs = [
            (operation, mode)
            for at, (operation, mode) in enumerate(pairs)
            if _calls(
                operation,
                mode,
                min(share, upto - findings.total),
                headers,
                findings,
                forbidden,
                seed + 1000 * number + at,
            )
        ]


def _calls(
    operation: Any,
    mode: Any,
    count: int,
    headers: Mapping[str, str],
    findings: Findings,
    forbidden: bool,
    seed: int,
) -> bool:
    """Make so many calls of one kind; whether there may be more of them."""
    import hypothesis
    from hypothesis.errors import Unsatisfiable

    if count <= 0:
        return True
    made = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=cast("list[hypothesis.HealthCheck]", list(hypothesis.HealthCheck)),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        nonlocal made
        made += 1
        if mode.is_positive:
            _aim(case)
        _call(case, operation.label, headers, findings, forbidden)

    try:
        call()
    except Unsatisfiable:  # an operation of which no call is invalid
        return False
    return made >= count


def _aim(case: Any) -> None:
    """Turn a valid call on what there is: ids that are taken, a conversation that asks."""
    for name in ("document_id", "chunk_id"):
        if name in case.path_parameters:
            case.path_parameters[name] = case.path_parameters[name] % IDS + 1
    body: Any = case.body
    if isinstance(body, dict) and "messages" in body:
        body["messages"] = [*body["messages"], {"role": "user", "content": QUESTION}]
        cast("dict[str, Any]", body).pop("model", None)


def _call(
    case: Any, label: str, headers: Mapping[str, str], findings: Findings, forbidden: bool
) -> None:
    from schemathesis.core.failures import Failure, FailureGroup

    response = case.call(headers=dict(headers))
    findings.calls[label, response.status_code] += 1
    if forbidden and SECRET.encode() in response.content:
        findings.faults.setdefault((label, "forbidden content"), case.as_curl_command())
    try:
        case.validate_response(response, checks=_checks())
    except (Failure, FailureGroup) as error:
        group = error.exceptions if isinstance(error, FailureGroup) else [error]
        for one in group:
            kind = f"{response.status_code} {one.title}"
            findings.faults.setdefault((label, kind), f"{one.message}\n{case.as_curl_command()}")


def _checks() -> list[Any]:
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as described

    general, known = cast(Any, checks), cast(Any, described)
    return [
        general.not_a_server_error,
        known.status_code_conformance,
        known.content_type_conformance,
        known.response_headers_conformance,
        known.response_schema_conformance,
        known.negative_data_rejection,
    ]


def report(findings: Findings, seconds: float) -> None:
    """Print how often each operation was called, with which statuses, and the faults."""
    print(f"{findings.total} calls in {seconds:.0f} s")
    labels = sorted({label for label, _ in findings.calls})
    for label in labels:
        statuses = sorted(
            (status, n) for (one, status), n in findings.calls.items() if one == label
        )
        shown = "  ".join(f"{status}: {count}" for status, count in statuses)
        print(f"  {label:44} {shown}")
    print(f"{len(findings.faults)} kinds of fault")
    for (label, kind), detail in findings.faults.items():
        print(f"\n{label}: {kind}\n  " + detail[:1500].replace("\n", "\n  "))


if __name__ == "__main__":
    main()
