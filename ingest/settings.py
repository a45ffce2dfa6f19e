"""Settings of the index and the embedder. One of the two files that read the environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.parsing_messages import ParseLimits


class IngestSettings(BaseSettings):
    """Where the index lies and what makes it. Each field is an environment variable RAGFIRST_…."""

    model_config = SettingsConfigDict(
        env_prefix="RAGFIRST_", env_file=".env", extra="ignore", frozen=True
    )

    index: Path = Field(default=Path("index"), description="The index folder.")
    embedder: str = Field(
        default="all-MiniLM-L6-v2",
        description="The packaged all-MiniLM-L6-v2, a sentence-transformers folder, or a hub id.",
    )
    chunk_tokens: int | None = Field(
        default=None,
        ge=32,
        description="Longest chunk, heading included, in tokens of the embedder; its own limit "
        "unless set.",
    )
    chunk_overlap: int = Field(
        default=24, ge=0, description="Tokens of the chunk before that a chunk may repeat."
    )
    threads: int | None = Field(
        default=None, ge=1, description="Processor threads for the models; all cores unless set."
    )
    parse_seconds: float = Field(
        default=300.0,
        gt=0,
        le=1_000_000,
        description="Seconds of processor time that parsing may take, from one document of a file "
        "to the next.",
    )
    parse_memory: int = Field(
        default=2048, ge=128, description="Megabytes of memory that parsing a file may take."
    )

    @property
    def parse_limits(self) -> ParseLimits:
        """Both limits of parsing."""
        return ParseLimits(self.parse_seconds, self.parse_memory)
