import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_ind

from temper.comparison.statistics import deviation, in_interval, in_spread, interval, same, welch


@settings(deadline=None, max_examples=25)
@given(
    first=st.lists(st.integers(0, 1000), min_size=2, max_size=9, unique=True),
    second=st.lists(st.integers(0, 1000), min_size=2, max_size=9, unique=True),
)
def test_welch_against_scipy(first: list[int], second: list[int]) -> None:
    a, b = [value / 1000 for value in first], [value / 1000 for value in second]
    expected = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert welch(a, b) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_welch_of_single_values() -> None:
    assert welch([0.9], [0.8, 0.7]) is None
    assert welch([0.9, 0.8], []) is None


def test_values_that_are_the_same_have_no_interval() -> None:
    for first, second in (
        ([0.75, 0.75], [0.5, 0.5]),
        ([0.9499, 0.9499 + 5.6e-17], [0.9471] * 3),
        ([0.0, 5.6e-17],) * 2,
    ):
        assert welch(first, second) is None
        assert interval(first) is None
        assert same(first, second) == pytest.approx(sum(first) / 2 - second[0], abs=1e-12)
    # Some accuracies of 359 examples, by the one step between them.
    assert welch([341 / 359, 340 / 359], [340 / 359, 340 / 359]) is not None
    assert interval([341 / 359, 340 / 359]) is not None
    assert same([341 / 359, 340 / 359], [340 / 359, 340 / 359]) is None
    assert same([0.9], [0.8, 0.8]) is same([], []) is None


def test_deviation_divides_by_one_less() -> None:
    assert deviation([1.0, 3.0]) == pytest.approx(2**0.5)
    assert deviation([1.0]) is None


@settings(deadline=None, max_examples=25)
@given(values=st.lists(st.integers(0, 1000), min_size=2, max_size=9, unique=True))
def test_a_single_mean_against_scipy(values: list[int]) -> None:
    a = [value / 1000 for value in values]
    expected = ttest_1samp(a, 0.0).confidence_interval(0.95)
    assert interval(a) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_a_single_mean_by_hand() -> None:
    # Mean 2, deviation 1, t of 2 degrees of freedom 4.302653.
    half = 4.302653 / 3**0.5
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half), rel=1e-6)
    assert interval([1.0]) is None


def test_in_words() -> None:
    assert in_spread((0.95, 0.012)) == "0.9500 ± 0.0120"
    assert in_spread((0.95, None)) == "0.9500"
    assert in_spread(None) == "-"
    assert in_interval((-0.01, 0.002)) == "-0.0100 to +0.0020"
    assert in_interval(None) == "-"
    assert in_interval(None, -0.04) == "-0.0400, the same in every seed"
