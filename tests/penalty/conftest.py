"""How a penalty is held against its formula: parameter by parameter, in plain floats and on a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import Facts
from temper.quantity import Clock
from temper.strategy import Penalty

FACTS = Facts(kind="regression", shape=(3,), outputs=1, classes=0, examples=8, class_counts=(), clock=Clock((0, 4)))
FOUR_VALUES = st.lists(st.floats(-9, 9), min_size=4, max_size=4)


@dataclass(frozen=True)
class Oracle:
    """A penalty's formula in plain floats; its methods make tests.

    Attributes:
        record: makes the penalty's record of its knobs.
        cost: from a parameter and the knobs to what it adds to the penalty.
        slope: from a parameter and the knobs to the gradient there; 0 where the penalty has a corner.
        good: knobs that are accepted, beside ``over``.
    """

    record: Callable[..., Penalty]
    cost: Callable[..., float]
    slope: Callable[..., float]
    good: Mapping[str, Any]

    def is_the_sum_by_hand(self, **drawn: st.SearchStrategy[Any]) -> Callable[[], None]:
        @settings(deadline=None, max_examples=25)
        @given(values=FOUR_VALUES, everything=st.booleans(), knobs=st.fixed_dictionaries(drawn))
        def test(values: list[float], everything: bool, knobs: dict[str, Any]) -> None:
            knobs = {**self.good, **knobs}
            weight = torch.tensor([values[:2], values[2:]], dtype=torch.float64)
            bias = torch.tensor(values, dtype=torch.float64)
            penalty = self.record(**knobs, over="all" if everything else "weights").build(FACTS)
            expected = sum(self.cost(value, **knobs) for value in values) * (2 if everything else 1)
            assert penalty({"weight": weight, "bias": bias}).item() == pytest.approx(expected, rel=1e-13, abs=1e-300)

        return test

    def has_its_gradient_on_a_network(self) -> Callable[[str], None]:
        @pytest.mark.parametrize("over", ["weights", "all"])
        def test(over: str) -> None:
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)).double()
            self.record(**self.good, over=over).build(FACTS)(dict(net.named_parameters())).backward()
            for parameter in net.parameters():
                if over == "weights" and parameter.ndim < 2:
                    assert parameter.grad is None
                else:
                    slopes = [self.slope(value, **self.good) for value in parameter.flatten().tolist()]
                    assert parameter.grad.flatten().tolist() == pytest.approx(slopes, rel=1e-12, abs=0)

        return test

    def has_its_gradient_at_zero(self) -> Callable[[], None]:
        def test() -> None:
            weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))
            half = nn.Parameter(torch.tensor([[0.0, -2.0]], dtype=torch.float64))
            self.record(**self.good, over="all").build(FACTS)({"weight": weight, "half": half}).backward()
            assert torch.equal(weight.grad, torch.zeros(2, 2, dtype=torch.float64))
            assert half.grad.tolist() == [[0.0, pytest.approx(self.slope(-2.0, **self.good), rel=1e-15)]]

        return test

    def costs_nothing_where_nothing_is_chosen(self) -> Callable[[], None]:
        def test() -> None:
            assert self.record(**self.good, over="weights").build(FACTS)({"bias": torch.ones(3)}) == 0

        return test

    def refuses(self, *bad: tuple[str, Any, str]) -> Callable[[str, Any, str], None]:
        @pytest.mark.parametrize(
            ("knob", "value", "message"),
            [
                ("alpha", -1e-9, "greater than or equal to 0"),
                ("alpha", float("nan"), "finite"),
                ("alpha", True, "valid number"),
                ("over", "biases", "'weights' or 'all'"),
                *bad,
            ],
        )
        def test(knob: str, value: Any, message: str) -> None:
            with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
                self.record(**{**self.good, "over": "weights", knob: value})

        return test
