"""Settings of the service, on top of those of the index. The other file that reads the environment.

OPENAI_API_KEY and OPENAI_BASE_URL (or OPENAI_API_BASE) are the openai client's own; all others
begin with RAGFIRST_.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from ingest.settings import IngestSettings
from service import abstain

LLMChoice = Literal["auto", "local", "openai"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _split(value: Any) -> Any:
    """The names of a text with commas between them."""
    if not isinstance(value, str):
        return value
    return [name for one in value.split(",") if (name := one.strip())]


def _check_origins(origins: frozenset[str]) -> frozenset[str]:
    found = frozenset(origin.rstrip("/").lower() for origin in origins)
    for origin in found - {"*"}:
        parts = urlsplit(origin)
        if not parts.netloc or f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError(f"{origin!r} is no site: write it as https://example.org")
    return found


LOCAL_TOKENS = 64
SERVER_TOKENS = 1024
"""Longest answers: beyond a sentence the embedded model rambles; a server's may think first."""


class OtherModel(BaseModel):
    """A model that is asked for by name: an adapter of the embedded one, or one behind a server."""

    model_config = ConfigDict(extra="forbid")

    adapter: Path | None = None
    base_url: str | None = None
    model: str | None = None
    api_key: SecretStr | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "OtherModel":
        if (self.adapter is None) == (self.base_url is None):
            raise ValueError("give either 'adapter', a folder, or 'base_url', a server's address")
        if self.adapter and (self.model or self.api_key):
            raise ValueError("'model' and 'api_key' go with 'base_url', not with 'adapter'")
        return self


Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_split)]
Origins = Annotated[
    frozenset[str], NoDecode, BeforeValidator(_split), AfterValidator(_check_origins)
]


class ServiceSettings(IngestSettings):
    """Everything that `serve`, `ask` and `search` can be told by the environment or `.env`."""

    # Compose files pass on what is not set as an empty value.
    model_config = SettingsConfigDict(env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("RAGFIRST_PORT", "PORT"),
        description="Port to listen on.",
    )
    published: str | None = Field(
        default=None,
        description="Address by which others reach the service where that is not the one it "
        "listens on: a container's port on its host. Whether a key is needed goes by it.",
    )

    llm: LLMChoice = Field(
        default="auto",
        description="Which model answers; auto: openai where a key or base URL is set, else local.",
    )
    model: str | None = Field(
        default=None,
        description="Model name at the OpenAI-compatible server, or a local folder or hub id.",
    )
    reader: str = Field(
        default="none",
        description="Adapter by which the embedded model reads: packaged, none, or a folder in "
        "peft's format.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_API_KEY", "RAGFIRST_OPENAI_API_KEY")
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "OPENAI_BASE_URL", "OPENAI_API_BASE", "RAGFIRST_OPENAI_BASE_URL"
        ),
    )
    llm_timeout: float = Field(
        default=60.0, gt=0, description="Seconds an answer may take the model, retries included."
    )
    max_tokens: int | None = Field(
        default=None,
        ge=8,
        description="Longest answer of the model, in tokens; 64 in this process, 1024 at a server "
        "(which may think first) unless set.",
    )
    cache: str = Field(
        default="~/.cache/ragfirst", description="Where converted model weights are kept."
    )

    queue: int = Field(
        default=16, ge=0, description="Questions that may wait for the model; others are told 429."
    )
    llm_concurrency: int = Field(
        default=64, ge=1, description="Questions that a model's server is asked at once."
    )
    shutdown_seconds: int = Field(
        default=30, ge=0, description="Seconds that answers under way are given at the end."
    )

    models: dict[str, OtherModel] = Field(
        default_factory=dict[str, OtherModel],
        description="Models beside the first, by name, as JSON: an adapter's folder, or base_url, "
        "model and api_key of a server. /v1/chat/completions picks one by `model`.",
    )

    top_k: int = Field(default=3, ge=1, le=20, description="Passages in the prompt.")
    candidates: int = Field(
        default=50, ge=3, description="Hits that each of dense and lexical search contributes."
    )
    dense_weight: float = Field(
        default=0.5, ge=0, le=1, description="Share of the dense score in the fused one."
    )
    sentence_share: float = Field(
        default=0.6, ge=0, le=1, description="Share of the best sentence in the dense score."
    )
    title_weight: float = Field(
        default=0.1, ge=0, le=1, description="Added for the question's words in a title."
    )
    abstain_below: float = Field(
        default=abstain.THRESHOLD,
        ge=0,
        le=1,
        description="Abstain where retrieval's confidence (0…1) is lower; 0 never abstains.",
    )

    upload_bytes: int = Field(
        default=50_000_000, ge=1, description="Bytes that an uploaded file may have."
    )
    upload_seconds: float = Field(
        default=3600.0, gt=0, description="Seconds that reading one upload may take."
    )

    report: Path | None = Field(
        default=None,
        description="The comparison report of /v1/report: its file, a run's folder or a folder of "
        "runs; the newest in runs/ and docs/reports/ unless set.",
    )

    log_format: LogFormat = Field(
        default="text", description="Lines of the log: for people, or a JSON object each."
    )
    log_level: LogLevel = Field(
        default="info",
        description="Least level that is logged; a request is info, a healthy probe debug.",
    )
    log_questions: bool = Field(
        default=False, description="Log the text of questions and answers, too."
    )
    metrics_open: bool = Field(
        default=False, description="Hand out /metrics without a key where others need one."
    )

    # Those that OpenTelemetry names; its library reads OTEL_… variables beside them, such as
    # OTEL_EXPORTER_OTLP_HEADERS and OTEL_TRACES_SAMPLER.
    otlp_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Where traces go, without /v1/traces; none are made unless set.",
    )
    otlp_traces_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        description="The whole address that traces go to, in place of the former.",
    )
    otel_service_name: str = Field(
        default="ragfirst",
        validation_alias="OTEL_SERVICE_NAME",
        description="The name that traces are found by.",
    )

    @property
    def traces_url(self) -> str | None:
        """Where traces go; None: none are made."""
        if self.otlp_traces_endpoint or not self.otlp_endpoint:
            return self.otlp_traces_endpoint
        return self.otlp_endpoint.rstrip("/") + "/v1/traces"

    keys: Path | None = Field(
        default=None,
        description="The file of the API keys; keys.db in the index folder unless set.",
    )
    anonymous: bool | None = Field(
        default=None,
        description="Answer requests without a key; on loopback, and nowhere else, unless set.",
    )
    anonymous_collections: Annotated[frozenset[str] | None, NoDecode, BeforeValidator(_split)] = (
        Field(default=None, description="Collections that are read without a key; all unless set.")
    )
    anonymous_writes: bool | None = Field(
        default=None,
        description="Take uploads and deletes without a key; on loopback alone unless set.",
    )
    allowed_hosts: Names = Field(
        default=frozenset(),
        description="Names, beside localhost, by which it may be asked without a key; * for any.",
    )
    cors_origins: Origins = Field(
        default=frozenset(),
        description="Sites whose pages may use the service, as https://example.org; * for any.",
    )
    body_limit: int = Field(
        default=1_000_000, ge=1000, description="Bytes that a JSON body may have."
    )

    @property
    def keys_file(self) -> Path:
        """Where the API keys are."""
        return self.keys or self.index / "keys.db"

    @property
    def remote(self) -> bool:
        """Whether a server answers, not the model in this process."""
        named = bool(self.openai_api_key or self.openai_base_url)
        return self.llm == "openai" or (self.llm == "auto" and named)

    @model_validator(mode="after")
    def _reader_of_its_base(self) -> Self:
        if self.reader != "none" and self.remote:
            raise ValueError(
                f"RAGFIRST_READER is {self.reader!r}, an adapter of the embedded model, but a "
                "server answers: set RAGFIRST_READER=none, or RAGFIRST_LLM=local"
            )
        return self
