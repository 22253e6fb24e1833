"""What rows say of a recipe: its mean against its baseline's, and its promise."""

from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import ttest_ind
from tests.cookbook.conftest import rows

from temper.cookbook.card import card
from temper.cookbook.standing import standing


def test_standing_against_scipy(book: Path) -> None:
    one, two = (0.91, 0.93, 0.92), (0.95, 0.94, 0.97)
    every = rows("baseline/small", *one) + rows("optimizer/quick", *two)
    stands = standing("optimizer/quick", [*every, replace(every[-1], seed=9, digest="another", test=0.0)])
    interval = ttest_ind(two, one, equal_var=False).confidence_interval(0.95)
    assert stands.interval == pytest.approx((interval.low, interval.high))
    assert stands.mean_and_deviation("test/accuracy") == pytest.approx((0.953333, 0.0152753), rel=1e-5)
    assert stands.parent == "baseline/small"
    assert standing("baseline/small", every).interval is None


def test_a_difference_that_is_the_same_in_every_seed_has_no_interval(book: Path) -> None:
    every = rows("baseline/small", 0.9, 0.9) + rows("optimizer/quick", 0.94, 0.94)
    stands = standing("optimizer/quick", every)
    assert (stands.interval, stands.alike) == (None, pytest.approx(0.04))
    assert standing("baseline/small", every).alike is None
    assert standing("optimizer/quick", every[1:]).alike is None  # one seed says nothing of others
    assert "| test/accuracy | 0.9400 | 0.0000 | 2 | +0.0400, the same in every seed |" in card(stands)


def test_a_promise_is_kept_by_the_mean(book: Path) -> None:
    assert standing("baseline/small", rows("baseline/small", 0.86, 0.92)).promise == "kept"
    assert standing("baseline/small", rows("baseline/small", 0.86, 0.91)).promise == "broken"
    assert standing("baseline/small", []).promise == "not comparable"
    assert standing("augmentation/shift", []).promise == "none"


def test_a_promise_that_a_seed_did_not_measure_is_broken(book: Path) -> None:
    first, second = rows("baseline/small", 0.95, 0.95)
    assert standing("baseline/small", [first, replace(second, figures={})]).promise == "broken"
