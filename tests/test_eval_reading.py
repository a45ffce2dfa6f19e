"""What the prompts of a batch have in common is found, level by level, and read once."""

import random
from collections.abc import Generator
from typing import Any

import pytest

from eval.live import Voice
from eval.reading import LEAST, Branch, Rows, branches
from service.llama import Llama
from tests.letters import letters_model, one_thread

LONG = list(range(100, 100 + 2 * LEAST))


def test_all_then_some_then_fewer():
    prompts = [
        [*LONG, *LONG, 1],
        [*LONG, 7, *LONG, 2, 2],
        [*LONG, *LONG, 1, 3],
        [*LONG, 7, *LONG, 4],
        [*LONG, 9],
    ]
    long = len(LONG)
    assert branches(prompts) == [
        [Branch((1, 3, 4, 0, 2), 0, long)],
        [Branch((1, 3), long, 2 * long + 1), Branch((0, 2), long, 2 * long)],
    ]


def test_few_tokens_in_common_are_none():
    assert branches([[*range(LEAST - 1), 1, 2], [*range(LEAST - 1), 2, 2]]) == []
    assert branches([[*range(LEAST), 1], [*range(LEAST), 2]]) == [[Branch((0, 1), 0, LEAST)]]
    assert branches([[1]]) == []


def test_equal_prompts_keep_a_token_each():
    assert branches([LONG, LONG, LONG]) == [[Branch((0, 1, 2), 0, len(LONG) - 1)]]


def test_a_prompt_that_others_go_on_from_keeps_a_token():
    assert branches([[*LONG, 5, 6], LONG, [*LONG, 5, 7]]) == [[Branch((1, 0, 2), 0, len(LONG) - 1)]]


@pytest.mark.parametrize("seed", range(20))
def test_branches_hold_what_they_say_and_no_beginning_is_missed(seed: int):
    chance = random.Random(seed)
    some = [[chance.randrange(9) for _ in range(chance.randint(1, 90))] for _ in range(3)]
    prompts = [
        [token for _ in range(chance.randint(1, 4)) for token in chance.choice(some)]
        for _ in range(chance.randint(1, 12))
    ]
    read = [0] * len(prompts)
    for level in branches(prompts):
        for one in level:
            assert one.end - one.start >= LEAST
            assert len({tuple(prompts[row][: one.end]) for row in one.rows}) == 1
            for row in one.rows:
                assert read[row] == one.start
                read[row] = one.end
                assert one.end < len(prompts[row])
    for row, ids in enumerate(prompts):
        for other in prompts[row + 1 :]:
            alike = next(
                (at for at, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b),
                min(len(ids), len(other)),
            )
            assert min(alike, len(ids) - 1, len(other) - 1) - read[row] < LEAST


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Generator[Llama]:
    import torch

    with one_thread():
        found = Llama.load(letters_model(tmp_path_factory.mktemp("letters"), 512), torch.float32)
        assert found
        yield found


class Counting:
    """A Llama that notes how many tokens it reads."""

    def __init__(self, llama: Llama) -> None:
        self.llama, self.tokens = llama, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.llama, name)

    def read(self, cache: Any, texts: dict[int, list[int]], adapter: Any = None) -> Any:
        self.tokens += sum(map(len, texts.values()))
        return self.llama.read(cache, texts, adapter)


def test_a_tree_of_prompts_is_read_once_and_gives_what_each_alone_gives(llama: Llama):
    import torch

    passages = [[(3 * place + number) % 50 + 1 for place in range(60)] for number in range(3)]
    prompts: list[list[int]] = [
        [5] * 40 + passages[first] + passages[second] + [number + 1] * (number + 2)
        for number, (first, second) in enumerate([(0, 1), (0, 2), (1, 0), (0, 1), (1, 0), (0, 1)])
    ]
    counting: Any = Counting(llama)
    together = Rows(Voice(counting), 4)
    logits = together.read(prompts)
    # The beginning, two first and three second passages, and what each has of its own.
    assert counting.tokens == 40 + 5 * 60 + sum(number + 2 for number in range(6))
    further = together.step([7] * 6)
    for row, ids in enumerate(prompts):
        alone = Rows(Voice(llama), 4)
        torch.testing.assert_close(logits[row], alone.read([ids])[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(further[row], alone.step([7])[0], rtol=1e-4, atol=1e-5)
