"""The dynamic weight average against the paper's formula worked by hand, and how steps and micro-batches add up."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import Facts
from temper.quantity import Clock
from temper.terms import Weigher
from temper.weighting.dynamic_weight_average import DynamicWeightAverage

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))


def weigher(temperature: float = 2.0, task: float = 0.5) -> Weigher:
    weighting = DynamicWeightAverage(temperature=temperature)
    return weighting.build({"task": task, "logits": 1 - task}, FACTS, nn.Identity())


def terms(task: float, logits: float) -> dict[str, torch.Tensor]:
    return {
        "task": torch.tensor(task, dtype=torch.float64, requires_grad=True),
        "logits": torch.tensor(logits, dtype=torch.float64, requires_grad=True),
    }


def epoch(weigher: Weigher, *steps: tuple[float, float]) -> None:
    for step in steps:
        weigher.watch(terms(*step), 1.0)
        weigher.end_step()
    weigher.end_epoch()


def found(weigher: Weigher) -> list[float]:
    return [float(weight) for weight in weigher.weights().values()]


@settings(deadline=None, max_examples=25)
@given(
    means=st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=3, max_size=3),
    temperature=st.floats(0.2, 9),
)
def test_equal_shares_are_the_papers_weights(means: list[tuple[float, float]], temperature: float) -> None:
    made = weigher(temperature)
    for number, mean in enumerate(means):
        epoch(made, mean)
        if number == 0:
            assert found(made) == [0.5, 0.5]
            continue
        rates = [now / before for now, before in zip(mean, means[number - 1], strict=True)]
        heavy = [math.exp(rate / temperature) for rate in rates]
        papers = [2 * each / sum(heavy) for each in heavy]  # eq. 7: they add up to the number of terms
        assert found(made) == pytest.approx([each / 2 for each in papers], rel=1e-9)


def test_two_terms_by_hand() -> None:
    made = weigher(task=0.2)
    epoch(made, (3.0, 1.0), (1.0, 1.0))  # means 2 and 1
    epoch(made, (1.5, 1.0), (0.5, 0.6))  # means 1 and 0.8: rates 0.5 and 0.8
    task, logits = 0.2 * math.exp(0.25), 0.8 * math.exp(0.4)
    expected = [task / (task + logits), logits / (task + logits)]
    assert found(made) == pytest.approx(expected, rel=1e-9)
    held = terms(3.0, 5.0)
    total = made(held, 0.7)
    total.backward()
    assert total.item() == pytest.approx(3 * expected[0] + 5 * expected[1])
    assert [held[name].grad.item() for name in held] == pytest.approx(expected)


def test_micro_batches_count_by_their_share() -> None:
    whole, cut = weigher(), weigher()
    epoch(whole, (2.0, 1.0))
    epoch(whole, (1.0, 0.9))
    for parts in (((3.0, 1.5), 0.25), ((5.0 / 3, 2.5 / 3), 0.75)), (((0.0, 0.3), 0.5), ((2.0, 1.5), 0.5)):
        for values, share in parts:
            cut.watch(terms(*values), share)
        cut.end_step()
        cut.end_epoch()
    assert found(cut) == pytest.approx(found(whole), rel=1e-9)


def test_what_overflows_or_vanishes_leaves_the_weights() -> None:
    made = weigher(0.001)
    epoch(made, (1.0, 1.0))
    epoch(made, (9.0, 1.0))  # exp(9000)
    assert found(made) == [1.0, 0.0]
    for mean in ((math.inf, 1.0), (0.0, 1.0), (1.0, 1.0)):
        epoch(made, mean)
    assert found(made) == [1.0, 0.0]


def test_an_epoch_without_a_step_changes_nothing() -> None:
    made = weigher()
    epoch(made, (2.0, 1.0))
    before = made.state_dict()["_extra_state"]
    made.end_epoch()
    assert torch.equal(before, made.state_dict()["_extra_state"])


def test_remembers_the_epoch_so_far() -> None:
    whole, cut = weigher(), weigher()
    for made in (whole, cut):
        epoch(made, (2.0, 1.0), (1.0, 0.5))
        made.watch(terms(0.7, 0.6), 1.0)
        made.end_step()
    resumed = weigher()
    resumed.load_state_dict(cut.state_dict())
    for made in (whole, resumed):
        epoch(made, (0.3, 0.5))
    assert found(whole) == found(resumed) != [0.5, 0.5]
    assert list(whole.parameters()) == []


def test_refuses() -> None:
    with pytest.raises(ValidationError, match="temperature"):
        DynamicWeightAverage(temperature=0.0)
    with pytest.raises(ValueError, match=r"task starts with none: lower that of logits, distillation\.NAME\.weight"):
        DynamicWeightAverage(temperature=2.0).check({"task": 0.0, "logits": 1.0})
