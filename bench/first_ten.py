"""Asks a running service the ten questions that were written before anything was tuned.

    python -m bench.first_ten [http://localhost:8000]

A question counts as answered right and cited when a gold answer stands in the answer and a citation
names a document that holds it. Beside it: how many have it in the first 40 words.
"""

import json
import sys
from pathlib import Path
from typing import Any

import httpx

from eval.grade import ANSWER_WORDS, contains

QUESTIONS = Path(__file__).resolve().parents[1] / "corpus" / "tasks" / "first-ten.jsonl"


def main() -> None:
    """The command."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"
    good = early = 0
    questions = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    for asked in questions:
        found = httpx.post(
            f"{url}/v1/answer", json={"question": asked["question"]}, timeout=120
        ).raise_for_status()
        answer = found.json()
        right = contains(answer["answer"], asked["answers"])
        early += contains(answer["answer"], asked["answers"], ANSWER_WORDS)
        cited = any(_is_evidence(citation, asked["evidence"]) for citation in answer["citations"])
        good += right and cited
        print(
            f"{'right' if right else 'WRONG'} {'cited' if cited else 'NOT CITED'}: "
            f"{asked['question']}\n    {answer['grounding']}: {answer['answer'][:200]}"
        )
        for citation in answer["citations"]:
            print(
                f"      [{citation['n']}] {citation['document']} p.{citation['page']} "
                f"{citation['section']}: {citation['quote'][:120]}"
            )
    print(f"{good} of {len(questions)} answered right and cited; {early} in the first 40 words")


def _is_evidence(citation: dict[str, Any], evidence: list[dict[str, str]]) -> bool:
    """Evidence paths begin at corpus/, documents' at their own source root below it."""
    return any(one["document"].endswith("/" + citation["document"]) for one in evidence)


if __name__ == "__main__":
    main()
