"""Whether a file answers as the network does that it was made of, and how long an answer takes.

    difference = max |given - expected| / s       over the run's test examples, in batches of 1 and of more
    s = 1 for probabilities; for values the largest |expected - m|, m the mean that targets were standardised by

Runtimes add up in other orders, so that the last digits of float32 differ. In a network of whole numbers such a digit
may tip a value from one to the next, and an answer with it: there the mean takes the maximum's place.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import median

import torch
from torch import Tensor

from temper.export.formats import Answer
from temper.facts import Facts

BATCHES = (1, 2, 7, 64, 256)  # examples that are answered at once
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-10}  # the largest difference, by the type of the weights
ROUNDS = 7  # in which rivals take turns
SECONDS = 0.05  # of a turn


def in_batches(inputs: Tensor) -> list[Tensor]:
    """Return a batch of ``inputs`` (n, ...) for each of `BATCHES`; where they are few, they come again."""
    rows = torch.arange(sum(BATCHES)) % len(inputs)
    return list(torch.split(inputs[rows], list(BATCHES)))


def difference(
    answer: Answer, expected: Sequence[Tensor], batches: Sequence[Tensor], facts: Facts, *, rounds: bool = False
) -> float:
    """Return how far what is answered to ``batches`` lies from what is ``expected``; infinite where shapes differ.

    ``rounds`` says that the network is one of whole numbers.
    """
    given = [answer(batch) for batch in batches]
    if [each.shape for each in given] != [each.shape for each in expected]:
        return inf
    wanted = torch.cat(list(expected)).double()
    scale = (wanted - facts.target_mean).abs().max().item() if facts.kind == "regression" else 1.0
    apart = (torch.cat(given).double() - wanted).abs()
    return (apart.mean() if rounds else apart.max()).item() / (scale or 1.0)


def latencies(rivals: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds that each of ``rivals`` takes; they take turns, of which the first only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(ROUNDS + 1):
        for name, rival in rivals.items():
            passes = _passes(rival)
            if turn:
                taken[name] += passes
    return {name: median(passes) for name, passes in taken.items()}


def _passes(rival: Callable[[], object]) -> list[float]:
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        rival()
        taken.append(time.perf_counter() - start)
    return taken
