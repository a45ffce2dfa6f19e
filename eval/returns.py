"""What an adapter brings and costs within three months. Pure."""

from dataclasses import dataclass

from eval.task import Costs

MONTHS = 3
"""Within so many months a fine-tuning project has to pay for itself."""


@dataclass(frozen=True, slots=True)
class Returns:
    """`training_hours`: machine hours. `extra_1000`: what 1,000 answers cost more than without."""

    costs: Costs
    training_hours: float
    extra_1000: float

    @property
    def answers(self) -> int:
        """Answers in the period."""
        return self.costs.answers_month * MONTHS

    @property
    def training(self) -> float:
        """Machine cost of training."""
        return self.training_hours * self.costs.machine_hour

    @property
    def upkeep(self) -> float:
        """Keeping the adapter up to date, over the period."""
        return self.costs.upkeep_month * MONTHS

    @property
    def answering(self) -> float:
        """What all answers cost more than without the adapter; below 0 where they cost less."""
        return self.extra_1000 / 1000 * self.answers

    @property
    def total(self) -> float:
        """All costs of the period."""
        return self.costs.project + self.training + self.upkeep + self.answering

    @property
    def break_even(self) -> float | None:
        """The gain in accuracy that pays for it all; None where a right answer is worth nothing."""
        worth = self.brings(1.0)
        return self.total / worth if worth > 0 else None

    @property
    def told(self) -> str:
        """The total, its parts, and from which gain on it pays."""
        costs = self.costs
        parts = (
            f"project {money(costs.project, costs)}, training {money(self.training, costs)} for "
            f"{self.training_hours:.1f} h at {money(costs.machine_hour, costs)}, upkeep "
            f"{money(self.upkeep, costs)} at {money(costs.upkeep_month, costs)} a month, answering "
            f"{money(self.answering, costs)} beside the arm without training"
        )
        gain = self.break_even
        pays = "at no gain" if gain is None else f"from a gain of {gain:.2f} on"
        return f"{money(self.total, costs)} ({parts}); it pays {pays}"

    def brings(self, gain: float) -> float:
        """What a gain in accuracy is worth over the period."""
        return gain * self.answers * self.costs.gain_answer


def money(amount: float, costs: Costs) -> str:
    """An amount in the currency of the costs; cents below 100."""
    digits = 0 if abs(amount) >= 100 or not amount else 2
    return f"{costs.currency} {round(amount, digits) + 0.0:,.{digits}f}"  # no -0.00
