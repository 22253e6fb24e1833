"""Weighted sampling against torch's own sampler and the class frequencies of the paper's equation."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.utils.data import WeightedRandomSampler

from temper.sampling.weighted import Weighted

COUNTS = (30, 5, 10)
TARGETS = torch.tensor([0] * 30 + [1] * 5 + [2] * 10)


def test_is_torchs_sampler() -> None:
    weights = [0.5] * 30 + [4.0] * 5 + [1.0] * 10
    theirs = list(WeightedRandomSampler(weights, 45, generator=torch.Generator().manual_seed(3)))
    sampling = Weighted(power=None, weights=(0.5, 4.0, 1.0))
    assert sampling.indices(TARGETS, torch.Generator().manual_seed(3)).tolist() == theirs
    assert sampling.size(TARGETS) == 45


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_classes_come_as_the_papers_equation_says(power: float) -> None:
    sampling, generator = Weighted(power=power, weights=None), torch.Generator().manual_seed(0)
    labels = torch.cat([TARGETS[sampling.indices(TARGETS, generator)] for _ in range(400)])
    powers = [count ** (1 - power) for count in COUNTS]
    for label, each in enumerate(powers):
        chance = each / sum(powers)
        spread = (len(labels) * chance * (1 - chance)) ** 0.5
        assert abs(int((labels == label).sum()) - len(labels) * chance) < 4 * spread


@settings(deadline=None, max_examples=25)
@given(factor=st.sampled_from([1e-300, 1e-3, 7.0, 1e300]), seed=st.integers(0, 2**32))
def test_only_ratios_of_weights_matter(factor: float, seed: int) -> None:
    one, other = (
        Weighted(power=None, weights=tuple(scale * weight for weight in (1.0, 2.0, 4.0))) for scale in (1.0, factor)
    )
    first, second = (each.indices(TARGETS, torch.Generator().manual_seed(seed)) for each in (one, other))
    assert (first != second).sum() <= 1  # a draw may fall on a boundary that rounding has moved


def test_a_huge_power_leaves_the_smallest_class() -> None:
    rows = Weighted(power=1e6, weights=None).indices(TARGETS, torch.Generator())
    assert set(TARGETS[rows].tolist()) == {1}


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"power": None, "weights": None}, "power and weights .* give one of them"),
        ({"power": 0.5, "weights": [1.0, 2.0]}, "power and weights .* give one of them"),
        ({"power": -0.1, "weights": None}, "power"),
        ({"power": None, "weights": [1.0, 0.0]}, "weights"),
        ({"power": None, "weights": [float("inf")]}, "weights"),
    ],
)
def test_refuses(knobs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Weighted(**knobs)


def test_refuses_data_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"weighted goes by the classes.*sampling=none"):
        Weighted(power=0.5, weights=None).check(0)
    with pytest.raises(ValueError, match=r"sampling\.weights has 2 values, and there are 3 classes"):
        Weighted(power=None, weights=(1.0, 2.0)).check(3)
    Weighted(power=None, weights=(1.0, 2.0)).check(2)
