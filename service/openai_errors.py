"""What an OpenAI-compatible server's errors mean: try again or not, and in which words."""

import math
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import openai

from service.llm import LLMBusy, LLMError

_EXCERPT = 200


class Explained:
    """Errors of one server in words that name its address and the remedy, never the key."""

    def __init__(self, url: str, key: str) -> None:
        """`url` may hold a user and password: they are not shown either."""
        self._url = url
        self._secrets = [key] if key else []
        parts = _split(url)
        self.address = url
        if parts:
            user, _, host = parts.netloc.rpartition("@")
            self._secrets += [one for one in user.split(":", 1) if one]
            self.address = parts._replace(netloc=host, query="", fragment="").geturl()
            self._secrets += [parts.query] if parts.query else []
        self._key = key
        self.server = f"the model server at {self.address}"

    def check(self) -> None:
        """Raise `LLMError` for an address or a key that no request can be made with."""
        parts = _split(self._url)
        if not parts or parts.scheme not in ("http", "https") or not parts.hostname:
            raise LLMError(
                f"OPENAI_BASE_URL is {self.address!r}: it must be like http://localhost:8080/v1"
            )
        if not self._key.isascii() or not self._key.isprintable():
            raise LLMError(
                f"OPENAI_API_KEY holds characters that no key for {self.server} can have: set it "
                "again, without quotes or line breaks"
            )

    def error(self, error: openai.APIError, model: str | None) -> LLMError:
        """The error to raise; `model` is None where the list of models was asked for."""
        server, said = self.server, self.excerpt(_said(error))
        if isinstance(error, openai.APIConnectionError):
            cause = self.excerpt(str(error.__cause__ or error))
            return LLMError(
                f"cannot reach {server} ({cause}): is it running, is OPENAI_BASE_URL right?"
            )
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return LLMError(f"{server} refused the key ({error.status_code}): set OPENAI_API_KEY")
        if isinstance(error, openai.NotFoundError):
            what = f"no model {model!r}, or no chat completions" if model else "no list of models"
            return LLMError(
                f"{server} has {what} (404, {said}): check RAGFIRST_MODEL and OPENAI_BASE_URL, "
                "which mostly ends in /v1"
            )
        if error.code == "insufficient_quota":
            return LLMError(f"{server} has no quota left for this key (429): check its plan")
        wait = retry_after(error)
        if isinstance(error, openai.RateLimitError):
            return LLMBusy(f"{server} is over its limit (429): ask again later", wait)
        if isinstance(error, openai.APIStatusError):
            if error.status_code == 503 and wait is not None:
                return LLMBusy(f"{server} is busy (503, {said}): ask again later", wait)
            if error.status_code < 500:
                return LLMError(
                    f"{server} refused the request ({error.status_code}, {said}): if it is too "
                    "long, ask with fewer passages (top_k)"
                )
            return LLMError(f"{server} failed ({error.status_code}, {said}): see the server's log")
        return LLMError(f"{server} failed ({said}): see the server's log")

    def excerpt(self, text: str) -> str:
        """The start of what a server said, on one line and without secrets it may have echoed."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        text = " ".join(text.split())
        return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def passing(error: openai.APIError) -> bool:
    """Whether trying again may help."""
    if isinstance(error, openai.APIStatusError):
        if error.code == "insufficient_quota":
            return False
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def refused(error: openai.BadRequestError, parameter: str) -> bool:
    """Whether the server does not know this parameter, or its only value here, at all."""
    said = f"{error.message} {error.code}".lower()
    named = error.param == parameter or f"'{parameter}'" in said or parameter in said.split()
    return named and ("support" in said or "unrecognized" in said or "unknown" in said)


def retry_after(error: openai.APIError) -> float | None:
    """Seconds that the server asks to wait, by Retry-After as a number or a date."""
    if not isinstance(error, openai.APIStatusError):
        return None
    value: str = error.response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _said(error: openai.APIError) -> str:
    """The server's own words, where it sent an error as OpenAI does; else the client's."""
    body: Any = error.body
    said: Any = body.get("message") if isinstance(body, dict) else None  # pyright: ignore
    return said if isinstance(said, str) else error.message


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
