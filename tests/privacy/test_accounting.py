"""ε against Opacus' accountants, the exact curve of the Gaussian mechanism, an integral, and the paper's own figure."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants import PRVAccountant, RDPAccountant
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from temper.privacy.accounting import Accountant, Spending, epsilon, noise_for

DELTA = 1e-5
ERROR = 0.01  # that prv allows itself, upwards
HISTORIES = [
    [Spending(1.1, 64 / 1079, 680)],
    [Spending(4.0, 0.01, 10_000)],
    [Spending(2.0, 0.02, 50), Spending(2.0, 0.04, 25), Spending(3.0, 0.04, 30)],
]


@pytest.mark.parametrize("history", HISTORIES, ids=["one", "small", "several"])
@pytest.mark.parametrize("accountant", ["rdp", "prv"])
def test_is_opacus(history: list[Spending], accountant: Accountant) -> None:
    theirs = RDPAccountant() if accountant == "rdp" else PRVAccountant()
    for noise, rate, steps in history[:-1]:
        for _ in range(steps):
            theirs.step(noise_multiplier=noise, sample_rate=rate)
    theirs.history.append(tuple(history[-1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of theirs
        expected = theirs.get_epsilon(DELTA)
    assert epsilon(history, DELTA, accountant) == pytest.approx(expected, rel=1e-9)


def gaussian_mechanism(noise: float) -> float:
    """Return the exact ε of one look at everything (Balle and Wang, 2018, arXiv:1805.06530, theorem 8)."""

    def excess(bound: float) -> float:
        above = norm.cdf(1 / (2 * noise) - bound * noise)
        return float(above - math.exp(bound) * norm.cdf(-1 / (2 * noise) - bound * noise) - DELTA)

    return float(brentq(excess, 0, 60))


@pytest.mark.parametrize("noise", [0.6, 1.0, 3.0, 20.0])
def test_bounds_the_gaussian_mechanism(noise: float) -> None:
    exact = gaussian_mechanism(noise)
    once = [Spending(noise, 1.0, 1)]
    assert exact <= epsilon(once, DELTA, "prv") <= exact + 2 * ERROR
    assert exact <= epsilon(once, DELTA, "rdp") <= 1.2 * exact + 0.15


def test_many_looks_are_one_with_less_noise() -> None:
    # k looks with noise σ tell what one with σ/√k does.
    exact = gaussian_mechanism(10 / math.sqrt(25))
    assert exact <= epsilon([Spending(10.0, 1.0, 25)], DELTA, "prv") <= exact + 2 * ERROR


def sampled_once(noise: float, rate: float) -> float:
    """Return the ε of one step: δ(ε) = ∫ max(0, p - e^ε p'), by quadrature, the worse of the two directions."""

    def bare(x: float) -> float:
        return float(norm.pdf(x, scale=noise))

    def mixed(x: float) -> float:
        return (1 - rate) * bare(x) + rate * float(norm.pdf(x, loc=1, scale=noise))

    def excess(bound: float, upward: bool) -> float:
        more, less = (mixed, bare) if upward else (bare, mixed)
        value, _ = quad(
            lambda x: max(0.0, more(x) - math.exp(bound) * less(x)), -9 * noise, 9 * noise + 1, limit=500, epsabs=1e-12
        )
        return float(value - DELTA)

    found = [0.0]
    for upward in (True, False):
        if excess(0.0, upward) > 0:
            found.append(float(brentq(excess, 0, 30, args=(upward,), xtol=1e-6)))
    return max(found)


@pytest.mark.parametrize(("noise", "rate"), [(1.0, 0.1), (0.7, 0.3)])
def test_bounds_one_sampled_step(noise: float, rate: float) -> None:
    exact = sampled_once(noise, rate)
    once = [Spending(noise, rate, 1)]
    assert exact - 1e-4 <= epsilon(once, DELTA, "prv") <= exact + 2 * ERROR
    assert exact < epsilon(once, DELTA, "rdp") < exact + 1


def test_is_no_worse_than_the_papers_accountant() -> None:
    # Abadi et al., section 3.2: q = 0.01, σ = 4, δ = 1e-5, E = 100, T = 10,000 give ε = 1.26 by the moments accountant.
    spent = [Spending(4.0, 0.01, 10_000)]
    assert 0.9 < epsilon(spent, DELTA, "prv") < epsilon(spent, DELTA, "rdp") < 1.26


def test_nothing_is_spent_before_the_first_step_and_everything_without_noise() -> None:
    for accountant in ("rdp", "prv"):
        assert epsilon([], DELTA, accountant) == 0  # type: ignore[arg-type]
        assert epsilon([Spending(1.0, 0.1, 5), Spending(0.0, 0.1, 1)], DELTA, accountant) == math.inf  # type: ignore[arg-type]


def test_beyond_all_promise_prv_is_left_aside() -> None:
    loose = [Spending(0.1, 0.5, 1000)]
    assert epsilon(loose, DELTA, "prv") == epsilon(loose, DELTA, "rdp") > 100


@settings(deadline=None, max_examples=15)
@given(noise=st.sampled_from([0.8, 1.5, 4.0]), rate=st.sampled_from([0.01, 0.1, 1.0]), steps=st.integers(1, 500))
def test_more_steps_cost_and_more_noise_saves(noise: float, rate: float, steps: int) -> None:
    spent = epsilon([Spending(noise, rate, steps)], DELTA, "rdp")
    assert 0 < spent < epsilon([Spending(noise, rate, steps + 1)], DELTA, "rdp")
    assert epsilon([Spending(2 * noise, rate, steps)], DELTA, "rdp") < spent
    assert epsilon([Spending(noise, rate, steps - 1), Spending(noise, rate, 1)], DELTA, "rdp") == pytest.approx(spent)


@pytest.mark.parametrize("accountant", ["rdp", "prv"])
@pytest.mark.parametrize("target", [0.3, 3.0])
def test_finds_the_noise_for_a_target(target: float, accountant: Accountant) -> None:
    noise = noise_for(target, 0.05, 400, DELTA, accountant)
    spent = epsilon([Spending(noise, 0.05, 400)], DELTA, accountant)
    assert 0.98 * target < spent <= target


def test_prv_needs_less_noise() -> None:
    noises = np.array([noise_for(2.0, 0.05, 400, DELTA, accountant) for accountant in ("prv", "rdp")])  # type: ignore[arg-type]
    assert noises[0] < 0.99 * noises[1]


def test_refuses_a_target_that_cannot_be_told() -> None:
    # The largest order, 63, turns no divergence at all into (ln 1/δ - ln 63)/62 + ln(62/63) = 0.1029, and 1.1 times it.
    for accountant in ("rdp", "prv"):
        with pytest.raises(ValueError, match=r"^0\.114$"):
            noise_for(0.113, 0.05, 400, DELTA, accountant)  # type: ignore[arg-type]
    assert epsilon([Spending(noise_for(0.114, 0.05, 400, DELTA, "rdp"), 0.05, 400)], DELTA, "rdp") <= 0.114
