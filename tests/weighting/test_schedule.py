"""Scheduled weights by hand at the start, on the way and at the end, and ends that are refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import Facts
from temper.quantity import Clock
from temper.weighting.schedule import Schedule

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))


@settings(deadline=None, max_examples=25)
@given(start=st.floats(0.1, 1), end=st.floats(0, 1), progress=st.floats(0, 1), cosine=st.booleans())
def test_two_terms_by_hand(start: float, end: float, progress: float, cosine: bool) -> None:
    weighting = Schedule(end=end, shape="cosine" if cosine else "linear")
    weigher = weighting.build({"task": 1 - start, "logits": start}, FACTS, nn.Identity())
    gone = 0.5 - 0.5 * math.cos(math.pi * progress) if cosine else progress
    expected = start * (1 - gone) + end * gone
    task, logits = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (3.0, 2.0))
    total = weigher({"task": task, "logits": logits}, progress)
    assert total.item() == pytest.approx(3 * (1 - expected) + 2 * expected, abs=1e-12)
    total.backward()
    assert logits.grad is not None
    assert logits.grad.item() == pytest.approx(expected, abs=1e-12)
    assert weigher.weights() == pytest.approx({"task": 1 - expected, "logits": expected}, abs=1e-12)


def test_each_term_may_have_an_end_of_its_own() -> None:
    weighting = Schedule(end={"hints": 0.5}, shape="linear")
    weigher = weighting.build({"task": 0.6, "logits": 0.3, "hints": 0.1}, FACTS, nn.Identity())
    weigher({name: torch.ones(()) for name in ("task", "logits", "hints")}, 0.5)
    assert weigher.weights() == pytest.approx({"task": 0.4, "logits": 0.3, "hints": 0.3})


def test_remembers_where_it_was() -> None:
    weighting, shares = Schedule(end=0.0, shape="cosine"), {"task": 0.1, "logits": 0.9}
    one, other = (weighting.build(shares, FACTS, nn.Identity()) for _ in range(2))
    one({name: torch.ones(()) for name in shares}, 0.3)
    assert one.weights() != other.weights()
    other.load_state_dict(one.state_dict())
    assert one.weights() == other.weights()
    assert list(one.parameters()) == []


@pytest.mark.parametrize("bad", [{"end": 1.01}, {"end": -0.01}, {"end": {"logits": 1.01}}, {"shape": "step"}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Schedule(**{"end": 0.0, "shape": "linear", **bad})


def test_refuses_ends_that_do_not_fit_the_terms() -> None:
    shares = {"task": 0.2, "logits": 0.5, "hints": 0.3}
    Schedule(end=0.5, shape="linear").check(shares)
    with pytest.raises(ValueError, match=r"^weighting\.end: the weights add up to 1\.02 .*lower"):
        Schedule(end=0.51, shape="linear").check(shares)
    with pytest.raises(ValueError, match=r"^weighting\.end\.logit: there is no such term; did you mean logits\?"):
        Schedule(end={"logit": 0.1}, shape="linear").check(shares)
    with pytest.raises(ValueError, match=r"^weighting\.end\.task: .*the task takes what is left"):
        Schedule(end={"task": 0.1}, shape="linear").check(shares)
