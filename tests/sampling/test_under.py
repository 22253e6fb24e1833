"""Undersampling against the counts that plain Python expects of each class."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.sampling.under import Under

TARGETS = torch.tensor([0] * 7 + [1] * 2 + [3] * 3)  # nothing of class 2


def drawn(targets: torch.Tensor, seed: int) -> list[int]:
    rows: list[int] = Under().indices(targets, torch.Generator().manual_seed(seed)).tolist()
    return rows


def test_cuts_each_class_to_the_smallest() -> None:
    rows = drawn(TARGETS, 0)
    assert Counter(TARGETS[rows].tolist()) == {0: 2, 1: 2, 3: 2}
    assert {7, 8} <= set(rows)
    assert Under().size(TARGETS) == 6


def test_who_stays_is_drawn_anew_and_fairly() -> None:
    kept = Counter(row for seed in range(700) for row in drawn(TARGETS, seed) if row < 7)
    assert set(kept) == set(range(7))
    assert all(150 < count < 250 for count in kept.values())


@settings(deadline=None, max_examples=25)
@given(targets=st.lists(st.integers(0, 5), min_size=1, max_size=60), seed=st.integers(0, 2**32))
def test_no_example_comes_twice(targets: list[int], seed: int) -> None:
    labels = torch.tensor(targets)
    rows = drawn(labels, seed)
    assert len(rows) == len(set(rows)) == Under().size(labels)
    assert Counter(labels[rows].tolist()) == dict.fromkeys(set(targets), min(Counter(targets).values()))
    assert rows == drawn(labels, seed)


def test_refuses_a_regression() -> None:
    with pytest.raises(ValueError, match=r"under goes by the classes.*sampling=none"):
        Under().check(0)
    Under().check(2)
