"""Oversampling against the counts that plain Python expects of each example."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.sampling.over import Over

TARGETS = torch.tensor([0] * 7 + [1] * 2 + [3] * 3)  # nothing of class 2


def drawn(targets: torch.Tensor, seed: int) -> list[int]:
    rows: list[int] = Over().indices(targets, torch.Generator().manual_seed(seed)).tolist()
    return rows


def test_repeats_each_class_up_to_the_largest() -> None:
    rows = drawn(TARGETS, 0)
    assert Counter(TARGETS[rows].tolist()) == {0: 7, 1: 7, 3: 7}
    times = Counter(rows)
    assert [times[row] for row in range(7)] == [1] * 7
    assert sorted(times[row] for row in (7, 8)) == [3, 4]
    assert sorted(times[row] for row in (9, 10, 11)) == [2, 2, 3]
    assert Over().size(TARGETS) == 21


def test_who_is_repeated_is_drawn_anew_and_fairly() -> None:
    more = Counter(Counter(drawn(TARGETS, seed)).most_common(1)[0][0] for seed in range(400))
    assert set(more) == {7, 8}
    assert 150 < more[7] < 250


@settings(deadline=None, max_examples=25)
@given(targets=st.lists(st.integers(0, 5), min_size=1, max_size=60), seed=st.integers(0, 2**32))
def test_every_example_comes(targets: list[int], seed: int) -> None:
    labels = torch.tensor(targets)
    rows = drawn(labels, seed)
    assert set(rows) == set(range(len(targets)))
    assert len(rows) == Over().size(labels)
    assert set(Counter(labels[rows].tolist()).values()) == {max(Counter(targets).values())}
    assert rows == drawn(labels, seed)


def test_refuses_a_regression() -> None:
    with pytest.raises(ValueError, match=r"over goes by the classes.*sampling=none"):
        Over().check(0)
    Over().check(2)
