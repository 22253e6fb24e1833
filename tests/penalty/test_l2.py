"""The L2 penalty against a sum by hand, its gradient, and bad values."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.penalty.conftest import FACTS, FOUR_VALUES, Oracle
from torch import nn

from temper.penalty.l2 import L2

ORACLE = Oracle(
    L2,
    lambda value, alpha, form: alpha * value**2,
    lambda value, alpha, form: 2 * alpha * value,
    {"alpha": 0.3, "form": None},
)

test_is_the_sum_by_hand = ORACLE.is_the_sum_by_hand(alpha=st.floats(0, 3))
test_its_gradient_on_a_network = ORACLE.has_its_gradient_on_a_network()
test_its_gradient_is_zero_at_zero = ORACLE.has_its_gradient_at_zero()
test_nothing_chosen_costs_nothing = ORACLE.costs_nothing_where_nothing_is_chosen()
test_refuses = ORACLE.refuses(("form", "halved", "'textbook'"))


@settings(deadline=None, max_examples=25)
@given(values=FOUR_VALUES, alpha=st.floats(0, 3))
def test_the_textbook_form_by_hand(values: list[float], alpha: float) -> None:
    weight = torch.tensor([values[:2], values[2:]], dtype=torch.float64)
    penalty = L2(alpha=alpha, over="weights", form="textbook").build(FACTS)
    expected = alpha / (2 * 8) * sum(value * value for value in values)
    assert penalty({"weight": weight}).item() == pytest.approx(expected, rel=1e-13, abs=1e-300)


Make = partial[torch.optim.Optimizer]


def steps(make: Make, *, penalty: float = 0.0, coupled: float = 0.0, decoupled: float = 0.0) -> torch.Tensor:
    """Three steps at rate 0.1 on a line, its weight decay brought in as a penalty, coupled or decoupled."""
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    optimizer = make([weight], lr=0.1, weight_decay=coupled)
    penalize = L2(alpha=penalty, over="weights", form=None).build(FACTS)
    for _ in range(3):
        optimizer.zero_grad()
        ((weight.sum() - 3).square() + penalize({"weight": weight})).backward()
        with torch.no_grad():
            weight.mul_(1 - 0.1 * decoupled)
        optimizer.step()
    return weight.detach()


SGD: Make = partial(torch.optim.SGD)
MOMENTUM: Make = partial(torch.optim.SGD, momentum=0.9)
ADAM: Make = partial(torch.optim.Adam)


@pytest.mark.parametrize(("make", "one_with_decoupled"), [(SGD, True), (MOMENTUM, False), (ADAM, False)])
def test_beside_coupled_and_decoupled_weight_decay(make: Make, one_with_decoupled: bool) -> None:
    penalized = steps(make, penalty=0.05)
    torch.testing.assert_close(penalized, steps(make, coupled=0.1), rtol=1e-12, atol=0)
    assert torch.allclose(penalized, steps(make, decoupled=0.1), rtol=1e-6) == one_with_decoupled
    assert not torch.allclose(penalized, steps(make), rtol=1e-6)


def test_decoupled_decay_is_adamws() -> None:
    torch.testing.assert_close(
        steps(partial(torch.optim.AdamW), coupled=0.1), steps(ADAM, decoupled=0.1), rtol=1e-12, atol=0
    )
