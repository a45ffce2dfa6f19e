"""The models beside the first: adapters on the embedded one, and others behind servers."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.answer import Answerer
from service.llm import LLM, LLMError
from service.queue import Queue
from service.settings import SERVER_TOKENS, OtherModel, ServiceSettings


def load_others(settings: ServiceSettings, first: LLM) -> dict[str, LLM]:
    """The models of the setting `models`, by the names that they are asked by.

    `first`: the model that answers where none is named. Raises `LLMError`, naming the one that
    cannot be loaded.
    """
    return {name: _load(name, one, settings, first) for name, one in settings.models.items()}


def other_answerers(
    settings: ServiceSettings, answerer: Answerer, others: Mapping[str, LLM]
) -> dict[str, Answerer]:
    """An answerer for each, over the same index. Adapters wait in line with their base."""
    found: dict[str, Answerer] = {}
    for name, llm in others.items():
        if settings.models[name].adapter:
            # Worked examples are for models that have not learnt to answer from passages.
            found[name] = replace(answerer, llm=llm, examples=False)
        else:
            queue = Queue(settings.llm_concurrency, settings.queue)
            tokens = settings.max_tokens or SERVER_TOKENS
            found[name] = replace(answerer, llm=llm, max_tokens=tokens, queue=queue)
    return found


def _load(name: str, other: OtherModel, settings: ServiceSettings, first: LLM) -> LLM:
    if name == first.name:
        raise LLMError(f"RAGFIRST_MODELS: {name!r} is what the first model goes by: name it anew")
    if other.adapter is None:
        from service.openai_chat import OpenAIChat

        return OpenAIChat(
            base_url=other.base_url,
            api_key=other.api_key.get_secret_value() if other.api_key else None,
            model=other.model,
            timeout=settings.llm_timeout,
        )
    from service.local_chat import LocalChat

    if not isinstance(first, LocalChat):
        raise LLMError(
            f"RAGFIRST_MODELS: the adapter {name!r} needs its base in this process: set "
            "RAGFIRST_LLM=local, or let a server serve it and give its base_url and model"
        )
    return first.beside(name, Path(other.adapter))
