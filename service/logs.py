"""The log: lines on stderr, for people or as JSON, one for each request.

A line has the id of the request that it belongs to. No line has the text of a question or an
answer, also not in the message of an error, unless the setting `log_questions` says so.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

from service.answer import Answer
from service.records import CURRENT, Record, Stage
from service.settings import LogFormat, LogLevel, ServiceSettings

OWN = ("service", "ingest")
"""Packages whose records are logged from the level of the settings on. Of others warnings: the
debug lines of HTTP clients hold what is sent."""

SHORTEST = 4
"""Characters of a text that is looked for and left out: shorter ones stand in any word."""

_requests = logging.getLogger("service.requests")


def configure(settings: ServiceSettings, stream: TextIO | None = None) -> None:
    """Log as the settings say, to stderr unless told otherwise. Replaces what was set up before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(make_formatter(settings.log_format, settings.log_questions))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(_level(settings.log_level))


def make_formatter(kind: LogFormat, questions: bool) -> logging.Formatter:
    """`questions`: whether texts of questions and answers may show."""
    return JsonLines(questions) if kind == "json" else TextLines(questions)


class RequestLog:
    """A `Watcher` that logs each request once it is over."""

    def __init__(self, questions: bool = False) -> None:
        """`questions`: log the text of question and answer, too."""
        self._questions = questions

    def begun(self, record: Record) -> None:
        """See `Watcher`."""

    def passed(self, record: Record, stage: Stage) -> None:
        """See `Watcher`."""

    def answered(self, record: Record, answer: Answer) -> None:
        """See `Watcher`."""

    def ended(self, record: Record) -> None:
        """See `Watcher`."""
        level = logging.WARNING if record.status >= 500 else logging.INFO
        if record.probe:
            level = logging.DEBUG if record.status < 400 else logging.INFO
        fields = request_fields(record, self._questions)
        text = f"{record.method} {record.route} {record.status}"
        _requests.log(level, "%s", text, extra={"fields": fields})


def request_fields(record: Record, questions: bool) -> dict[str, Any]:
    """What a request's line holds; members without a value are left out."""
    answer = record.answer
    first, failure = record.first_token_seconds, record.failure
    fields: dict[str, Any] = {
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "ms": round(record.seconds * 1000, 1),
        "first_token_ms": None if first is None else round(first * 1000, 1),
        "caller": record.caller or None,
        "disconnected": record.left or None,
        "problem": failure.kind if failure else None,
        "trace_id": record.trace_id or None,
    }
    if answer:
        fields |= {
            "model": answer.model,
            "prompt_tokens": answer.usage.prompt_tokens,
            "completion_tokens": answer.usage.completion_tokens,
            "grounding": answer.grounding,
            "generation": answer.generation,
        }
    if questions:
        fields |= {"question": record.question or None, "answer": answer.answer if answer else None}
    return {name: value for name, value in fields.items() if value is not None}


class _Lines(logging.Formatter):
    def __init__(self, questions: bool) -> None:
        super().__init__()
        self._questions = questions

    def values(self, record: logging.LogRecord) -> dict[str, Any]:
        """Everything that a line says."""
        request = CURRENT.get()
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._without_texts(record.getMessage(), request),
        }
        if request:
            values["request_id"] = request.id
        values |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            values["exception"] = self._without_texts(trace, request)
        return values

    def _without_texts(self, text: str, request: Record | None) -> str:
        if self._questions or request is None:
            return text
        answer = request.answer.answer if request.answer else ""
        for name, known in (("question", request.question), ("answer", answer)):
            if len(known) >= SHORTEST:
                # As it is, as repr() writes it, as JSON does.
                for form in (known, repr(known)[1:-1], json.dumps(known)[1:-1]):
                    text = text.replace(form, f"[{name}]")
        return text


class JsonLines(_Lines):
    """A JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return json.dumps(self.values(record), default=str)


class TextLines(_Lines):
    """Time, level and message, then the rest as name=value; an exception below."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        values = self.values(record)
        start = f"{values.pop('time')} {values.pop('level'):7} {values.pop('message')}"
        exception = values.pop("exception", None)
        for said in ("logger", "method", "route", "status"):
            values.pop(said, None)
        rest = [f"{name}={_word(value)}" for name, value in values.items()]
        line = " ".join([start.replace("\n", "\\n"), *rest])
        return f"{line}\n{exception}" if exception else line


def _word(value: object) -> str:
    """A value without blanks as it is, others in quotes, so that a line stays one."""
    text = str(value)
    return text if text.isprintable() and not set(text) & set(' "=') else json.dumps(text)


def _level(name: LogLevel) -> int:
    return logging.getLevelNamesMapping()[name.upper()]
