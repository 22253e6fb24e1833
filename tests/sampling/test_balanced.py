"""Class-balanced sampling against the chances that its two draws have, and torch's own sampler."""

from collections import Counter

import pytest
import torch
from torch.utils.data import WeightedRandomSampler

from temper.sampling.balanced import Balanced

TARGETS = torch.tensor([0] * 30 + [1] * 5 + [3] * 10)  # nothing of class 2


def test_is_torchs_sampler_with_the_inverse_counts() -> None:
    weights = [1 / 30] * 30 + [1 / 5] * 5 + [1 / 10] * 10
    theirs = list(WeightedRandomSampler(weights, 45, generator=torch.Generator().manual_seed(3)))
    assert Balanced().indices(TARGETS, torch.Generator().manual_seed(3)).tolist() == theirs
    assert Balanced().size(TARGETS) == 45


def test_each_class_has_the_same_chance_and_each_of_its_examples() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = [row for _ in range(400) for row in Balanced().indices(TARGETS, generator).tolist()]
    places, found = len(rows), Counter(rows)
    for label, (first, count) in {0: (0, 30), 1: (30, 5), 3: (35, 10)}.items():
        for row in range(first, first + count):
            expected = places / (3 * count)
            assert abs(found[row] - expected) < 5 * expected**0.5, (label, row)


def test_refuses_a_regression() -> None:
    with pytest.raises(ValueError, match=r"balanced goes by the classes.*sampling=none"):
        Balanced().check(0)
    Balanced().check(2)
