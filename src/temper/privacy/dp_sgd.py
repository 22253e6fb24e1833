"""Private SGD: each example's gradient is clipped, their sum drowned in noise (Abadi et al., 2016, arXiv:1607.00133).

    ḡᵢ = gᵢ · min(1, C/‖gᵢ‖)             Algorithm 1: over all parameters; no example moves the sum by more than C
    g̃ = (Σᵢ ḡᵢ + σC·z) / (q·n)           z standard normal; divided by how many examples a batch has on average
    θ ← optimizer(θ, g̃)                  any optimizer, schedule, averaging or pruning: it sees no example any more
    ε(δ)                                 what all steps have spent (see accounting)

Each example is in each batch by a coin of probability q (sampling=poisson); a step without any is noise alone.
Penalties are added after the noise, as they hang on no example. Whatever somebody makes of the weights of all steps,
it is at most e^ε times as likely, but for δ, with an example in the training set as without it. It bites where examples
are somebody's secret, and costs accuracy, the less the more examples there are; large batches and few parameters help.

The promise is about what comes of the gradients. What preprocessing fits to the training examples, the training scores
in metrics.csv and the report, and what was chosen by looking at results are outside of it. The noise is a function of
the seed and the step, so that a resumed run is the same to the bit: for research. Who knows the seed can take the noise
away; a real deployment keeps it secret, uses it for one run, and draws the noise and the coins from a generator that is
cryptographically secure and hides floating-point rounding (Opacus' secure mode), which cannot be drawn again.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from temper.facts import Facts
from temper.privacy.accounting import LARGEST, Accountant, Spending, epsilon, noise_for
from temper.quantity import NonNegative, Positive
from temper.strategy import Privacy, strategy
from temper.terms import Privatizer


@strategy
class DPSGD(Privacy):
    """Clipping example by example, and noise."""

    noise_multiplier: NonNegative | None
    epsilon: Annotated[float, Field(gt=0, le=LARGEST, strict=True)] | None
    max_grad_norm: Positive
    delta: Annotated[float, Field(gt=0, lt=1, strict=True)]
    accountant: Accountant

    @model_validator(mode="after")
    def _one_is_given(self) -> Self:
        if (self.noise_multiplier is None) == (self.epsilon is None):
            raise ValueError("needs noise_multiplier or epsilon, and not both: name one and set the other to null")
        return self

    @property
    def by_length(self) -> bool:
        """Return whether the noise is found for the run's ``epsilon``."""
        return self.epsilon is not None

    def privatizer(
        self, network: nn.Module, facts: Facts, chance: Callable[[int], float | None], seed: int
    ) -> Privatizer:
        """Return what clips and adds noise in a run of ``facts``."""
        if self.delta >= 1 / facts.examples:
            raise ValueError(
                f"privacy.delta={self.delta:g} would allow one of the {facts.examples} training examples to be told"
                f" outright: choose privacy.delta below {1 / facts.examples:.1g}"
            )
        clock = facts.clock
        rates = [chance(clock.steps(epoch)) or 0.0 for epoch in range(clock.epochs)]
        return _Noisy(self, network, facts, rates, self._noise(rates, clock.total_steps), seed)

    def _noise(self, rates: list[float], steps: int) -> float:
        if self.noise_multiplier is not None:
            return self.noise_multiplier
        assert self.epsilon is not None
        if len(set(rates)) > 1:
            raise ValueError(
                f"privacy.epsilon={self.epsilon:g} finds the noise for batches of one size, and batch_growth changes"
                " it: set privacy.noise_multiplier, or choose batch_growth=none"
            )
        try:
            return noise_for(self.epsilon, rates[0], steps, self.delta, self.accountant)
        except ValueError as least:
            raise ValueError(
                f"privacy.epsilon={self.epsilon:g} is less than can be told at privacy.delta={self.delta:g}, whatever"
                f" the noise: choose at least {least}"
            ) from None


class _Noisy(Privatizer):
    def __init__(
        self, knobs: DPSGD, network: nn.Module, facts: Facts, rates: list[float], noise: float, seed: int
    ) -> None:
        from temper.privacy.per_example import ClippedSum  # and Opacus, which takes seconds to import

        self.knobs, self.facts, self.rates, self.noise, self.seed = knobs, facts, rates, noise, seed
        self.sum = ClippedSum(network, knobs.max_grad_norm)
        self.history: list[Spending] = []

    def enter(self) -> None:
        self.sum.enter()

    def leave(self) -> None:
        self.sum.leave()

    def take(self, scale: float) -> None:
        self.sum.add(scale)

    @torch.no_grad()
    def release(self, step: int) -> None:
        from temper.privacy.per_example import put

        total = self.sum.total()
        generator = torch.Generator(total.device).manual_seed(noise_seed(self.seed, step))
        drawn = torch.randn(total.shape, generator=generator, dtype=total.dtype, device=total.device)
        rate = self.rates[self.facts.clock.epoch(step)]
        total = (total + self.noise * self.knobs.max_grad_norm * drawn) / (rate * self.facts.examples)
        put(total, self.sum.weights)
        self._count(rate)

    def _count(self, rate: float) -> None:
        if self.history and self.history[-1][:2] == (self.noise, rate):
            self.history[-1] = self.history[-1]._replace(steps=self.history[-1].steps + 1)
        else:
            self.history.append(Spending(self.noise, rate, 1))

    def spent(self) -> dict[str, float]:
        knobs = self.knobs
        return {
            "epsilon": epsilon(self.history, knobs.delta, knobs.accountant),
            "delta": knobs.delta,
            "noise_multiplier": self.noise,
            "max_grad_norm": knobs.max_grad_norm,
            "steps": sum(each.steps for each in self.history),
        }

    def check(self, state: Mapping[str, Any] | None) -> None:
        if state is None:
            raise ValueError("was trained without privacy=dp_sgd, and its weights tell of the examples: start anew")
        if self.knobs.epsilon is not None:
            raise ValueError(
                f"has spent some of privacy.epsilon={self.knobs.epsilon:g}, which is for a whole run: set"
                " privacy.noise_multiplier and privacy.epsilon=null"
            )

    def state_dict(self) -> dict[str, Any]:
        return {"history": [list(each) for each in self.history]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.history = [Spending(*each) for each in state["history"]]


def noise_seed(seed: int, step: int) -> int:
    """Return the seed of a step's noise: no other draw of the run's has it."""
    return int.from_bytes(hashlib.sha256(f"noise {seed} {step}".encode()).digest()[:8], "big") >> 1
