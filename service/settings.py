"""Settings of the service, on top of those of the index. The other file that reads the environment.

OPENAI_API_KEY and OPENAI_BASE_URL (or OPENAI_API_BASE) are the openai client's own; all others
begin with RAGFIRST_.
"""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from ingest.settings import IngestSettings
from service import abstain

LLMChoice = Literal["auto", "local", "openai"]


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

    llm: LLMChoice = Field(
        default="auto",
        description="Which model answers; auto: openai where a key or base URL is set, else local.",
    )
    model: str | None = Field(
        default=None,
        description="Model name at the OpenAI-compatible server, or a local folder or hub id.",
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

    top_k: int = Field(default=3, ge=1, le=20, description="Passages in the prompt.")
    candidates: int = Field(
        default=50, ge=3, description="Hits that each of dense and lexical search contributes."
    )
    dense_weight: float = Field(
        default=0.7, ge=0, le=1, description="Share of the dense score in the fused one."
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
