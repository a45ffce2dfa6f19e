"""Training questions as examples: the nearest ones to a question, by the embedder's cosine."""

from collections.abc import Sequence

import numpy as np

from eval.questions import Question
from ingest.embed import Embedder
from service.llm import Message
from service.prompt import UNKNOWN


class Examples:
    """Training questions with their vectors; made once, asked for each question."""

    def __init__(self, questions: Sequence[Question], embedder: Embedder) -> None:
        self._questions = list(questions)
        self._embedder = embedder
        texts = [question.question for question in questions]
        self._vectors = embedder.embed(texts) if texts else np.zeros((0, 1), np.float32)

    def nearest(self, question: str, count: int) -> list[Question]:
        """The `count` nearest, nearest last, next to the question; ties in the file's order."""
        if not self._questions:
            return []
        cosines = self._vectors @ self._embedder.embed_query(question)[0]
        best = np.argsort(-cosines, kind="stable")[:count]
        return [self._questions[i] for i in reversed(best.tolist())]


def turns(questions: Sequence[Question]) -> list[Message]:
    """Examples as turns of a chat: the question, then its first gold answer."""
    shown: list[Message] = []
    for question in questions:
        shown += [Message("user", question.question), Message("assistant", gold(question))]
    return shown


def gold(question: Question) -> str:
    """What a model should have said."""
    return question.answers[0] if question.answerable else UNKNOWN
