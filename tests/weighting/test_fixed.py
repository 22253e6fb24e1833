"""The linear combination by hand, and what a fixed weigher does not have."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from temper.facts import Facts
from temper.quantity import Clock
from temper.weighting.fixed import Fixed

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))


@settings(deadline=None, max_examples=25)
@given(pairs=st.lists(st.tuples(st.floats(0, 3), st.floats(-5, 5)), min_size=1, max_size=5), progress=st.floats(0, 1))
def test_is_the_linear_combination(pairs: list[tuple[float, float]], progress: float) -> None:
    shares = {f"term{at}": share for at, (share, _) in enumerate(pairs)}
    terms = {
        f"term{at}": torch.tensor(value, dtype=torch.float64, requires_grad=True) for at, (_, value) in enumerate(pairs)
    }
    weigher = Fixed().build(shares, FACTS, nn.Identity())
    total = weigher(terms, progress)
    assert total.item() == pytest.approx(sum(share * value for share, value in pairs), abs=1e-12)
    total.backward()
    assert {name: term.grad.item() for name, term in terms.items()} == pytest.approx(shares, abs=1e-12)
    assert weigher.weights() == shares


def test_one_term_with_a_whole_share_stays_as_it_is() -> None:
    value = torch.rand(())
    assert Fixed().build({"task": 1.0}, FACTS, nn.Identity())({"task": value}, 0.5) == value


def test_neither_learns_nor_remembers() -> None:
    shares = {"task": 0.7, "logits": 0.3}
    weigher = Fixed().build(shares, FACTS, nn.Identity())
    shares["task"] = 9.0
    assert weigher.weights() == {"task": 0.7, "logits": 0.3}
    assert list(weigher.parameters()) == []
    assert weigher.state_dict() == {}


def test_refuses_a_term_without_a_share() -> None:
    with pytest.raises(KeyError, match="hint"):
        Fixed().build({"task": 1.0}, FACTS, nn.Identity())({"task": torch.ones(()), "hint": torch.ones(())}, 0.0)
