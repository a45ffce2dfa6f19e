import pytest

from eval.returns import Returns, money
from eval.task import Costs

COSTS = Costs(
    currency="CHF",
    machine_hour=2.0,
    answers_month=1000,
    gain_answer=3.0,
    project=600.0,
    upkeep_month=50.0,
)


def test_three_months_are_reckoned_by_hand():
    returns = Returns(COSTS, training_hours=5.0, extra_1000=-20.0)
    assert returns.brings(0.2) == pytest.approx(0.2 * 3000 * 3)
    assert returns.total == pytest.approx(600 + 5 * 2 + 3 * 50 - 20 * 3)
    assert returns.break_even == pytest.approx(700 / 9000)


def test_every_figure_is_told_with_what_it_rests_on():
    assert Returns(COSTS, 5.0, 10.0).told == (
        "CHF 790 (project CHF 600, training CHF 10.00 for 5.0 h at CHF 2.00, upkeep CHF 150 at "
        "CHF 50.00 a month, answering CHF 30.00 beside the arm without training); it pays from a "
        "gain of 0.09 on"
    )


@pytest.mark.parametrize("costs", [Costs(gain_answer=0.0), Costs(answers_month=0)])
def test_where_a_right_answer_is_worth_nothing_no_gain_pays(costs: Costs):
    returns = Returns(costs, 1.0, 0.0)
    assert returns.break_even is None
    assert returns.told.endswith("it pays at no gain")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (12_000.0, "CHF 12,000"),
        (0.5, "CHF 0.50"),
        (-99.999, "CHF -100.00"),
        (0.0, "CHF 0"),
        (-0.001, "CHF 0.00"),
    ],
)
def test_amounts_are_written_with_their_currency(amount: float, text: str):
    assert money(amount, COSTS) == text
