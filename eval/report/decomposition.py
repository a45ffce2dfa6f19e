"""Where a retrieval arm wins and loses its answers: found, read, answered. Pure.

Over the answerable questions whose gold passage is known, with R = gold retrieved, P = gold
reached the prompt and A = right:

    accuracy = share(R) x share(P given R) x share(A given R and P) + share(A without gold)

The first term is the share of questions that were answered right with the gold passage in the
prompt, by the chain rule. The rest was answered right without it. The two and the three ways of
being wrong add up to one.
"""

from eval.report.folder import Json
from eval.report.weights import Weighed, share
from eval.rows import Row


def decompose(answerable: Weighed) -> Json | None:
    """The decomposition of an arm over its answerable questions; None for arms without retrieval.

    Rows without the score `retrieved` (the place of their gold is not known) are left out, and
    counted. `parts` add up to one; a rate is None where it has nothing to be a rate of.
    """
    placed = answerable.where(lambda row: "retrieved" in row.scores)
    if not placed.rows:
        return None
    found = placed.where(_found)
    read = found.where(_reached)
    known = read.where(_right)
    unread = placed.where(lambda row: not (_found(row) and _reached(row)))
    guessed = unread.where(_right)
    parts = {
        "right_with_gold": share(known, placed),
        "right_without_gold": share(guessed, placed),
        "wrong_with_gold": share(read.where(_wrong), placed),
        "wrong_not_in_prompt": share(
            found.where(lambda row: not _reached(row) and _wrong(row)), placed
        ),
        "wrong_not_retrieved": share(
            placed.where(lambda row: not _found(row) and _wrong(row)), placed
        ),
    }
    return {
        "questions": placed.questions,
        "left_out": answerable.questions - placed.questions,
        "accuracy": placed.mean(_as_right),
        "retrieved": share(found, placed),
        "reached_given_retrieved": share(read, found),
        "right_given_gold": share(known, read),
        "right_given_no_gold": share(guessed, unread),
        "product": parts["right_with_gold"],
        "rest": parts["right_without_gold"],
        "parts": parts,
    }


def _found(row: Row) -> bool:
    return row.scores["retrieved"] > 0


def _reached(row: Row) -> bool:
    return row.scores.get("reached", 0) > 0


def _right(row: Row) -> bool:
    return row.right == 1


def _wrong(row: Row) -> bool:
    return row.right != 1


def _as_right(row: Row) -> float:
    return float(row.right or 0)
