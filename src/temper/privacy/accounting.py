"""How much privacy was spent, by Opacus' accountants.

    rdp   Rényi divergences of each step, which add up; the best of many orders gives ε (Mironov, Talwar and Zhang,
          2019, arXiv:1908.10530; converted by Balle et al., 2020, arXiv:1905.09982, theorem 21)
    prv   the distribution of the privacy loss itself, composed numerically (Gopi, Lee and Wutschitz, 2021,
          arXiv:2106.02848): ε is right to 0.01, and an upper bound

Both are of neighbours that differ in one example that is there or not, each batch drawn by coins of probability q.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Accountant = Literal["rdp", "prv"]
Numbers = NDArray[np.float64]
LARGEST = 100.0  # an ε beyond it promises nothing, and prv's grid would not fit in memory
LEEWAY = 1.1  # a target this close to the least that can be told would take noise without end
ROUNDS = 30  # of halving an interval


class Spending(NamedTuple):
    """So many ``steps`` at a noise multiplier, each example in a batch with the chance ``rate``."""

    noise: float
    rate: float
    steps: int


def epsilon(history: Sequence[Spending], delta: float, accountant: Accountant) -> float:
    """Return the ε that ``history`` has spent at ``delta``."""
    if not history:
        return 0.0
    if any(each.noise == 0 for each in history):
        return math.inf
    bound = _by_rdp(history, delta)
    return min(bound, _by_prv(history, delta)) if accountant == "prv" and bound <= LARGEST else bound


def noise_for(target: float, rate: float, steps: int, delta: float, accountant: Accountant) -> float:
    """Return the least noise multiplier at which ``steps`` at ``rate`` spend at most ``target``, to a per cent of it.

    Raises:
        ValueError: ``target`` is less than can be told at ``delta``, whatever the noise; says how much can.
    """
    from opacus.accountants.utils import get_noise_multiplier

    least = _converted(np.zeros(len(_orders())), delta)
    if target < LEEWAY * least:
        raise ValueError(f"{math.ceil(1000 * LEEWAY * least) / 1000:g}")
    tolerance = target / 100
    with _of_orders_left_unsaid():
        enough = float(
            get_noise_multiplier(
                target_epsilon=target,
                target_delta=delta,
                sample_rate=rate,
                steps=steps,
                accountant="rdp",
                epsilon_tolerance=tolerance,
            )
        )
    if accountant == "rdp":
        return enough
    # Opacus would begin with noise so small that its grid outgrows the memory: rdp, which asks for more, is a start.
    little = enough / 2
    for _ in range(ROUNDS):
        between = (little + enough) / 2
        spent = epsilon([Spending(between, rate, steps)], delta, accountant)
        little, enough = (between, enough) if spent > target else (little, between)
        if spent <= target and target - spent <= tolerance:
            break
    return enough


def _by_rdp(history: Sequence[Spending], delta: float) -> float:
    return _converted(sum((_divergences(each.noise, each.rate) * each.steps for each in history), np.zeros(1)), delta)


def _converted(divergences: Numbers, delta: float) -> float:
    """Return the ε that Rényi divergences, one an order, amount to."""
    from opacus.accountants.analysis.rdp import get_privacy_spent

    with _of_orders_left_unsaid():
        found, _ = get_privacy_spent(orders=_orders(), rdp=divergences, delta=delta)
    return float(max(0.0, found))


def _orders() -> list[float]:
    from opacus.accountants import RDPAccountant

    return list(RDPAccountant.DEFAULT_ALPHAS)


@contextmanager
def _of_orders_left_unsaid() -> Iterator[None]:
    """Keep Opacus from warning of the best order: at the ends of their range a bound is looser, and holds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")
        yield


@cache
def _divergences(noise: float, rate: float) -> Numbers:
    """Return one step's Rényi divergence at each order; it takes a tenth of a second, and runs ask again and again."""
    from opacus.accountants.analysis.rdp import compute_rdp

    return np.asarray(compute_rdp(q=rate, noise_multiplier=noise, steps=1, orders=_orders()))


def _by_prv(history: Sequence[Spending], delta: float) -> float:
    from opacus.accountants import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [tuple(each) for each in history]
    # At rate 1 it takes the logarithm of a 0 that it does not use; it looks for the size of its grid by rdp.
    with np.errstate(divide="ignore"), _of_orders_left_unsaid():
        return float(accountant.get_epsilon(delta))
