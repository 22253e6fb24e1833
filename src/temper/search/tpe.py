"""Tree-structured Parzen estimator: draw near what was good (Bergstra et al., 2011, NeurIPS 24, section 4).

Optuna's draws here, which Watanabe, 2023, arXiv:2304.11127 describes:

l(x), g(x)                     densities of the knobs x of the better trials, about a tenth, and of the others
x = argmax l(x) / g(x)         among ``candidates`` draws from l

The first ``startup`` trials are random. Knobs are modelled together. A trial that failed is worse than any other. It
bites where a trial is costly and tens of them can be had: it looks again near what was good. Each proposal waits for
the trials before it; of ``jobs`` that run at a time, the later ones take the earlier ones for bad, so as to lie
elsewhere. A draw is a function of the search's seed, the trial's number, and what the trials before it gave.
"""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from temper.quantity import Count, NonNegativeCount
from temper.search.draws import check, more
from temper.search.space import Choice, Interval, Setting, Space
from temper.strategy import Search, Trial, strategy

ATTEMPTS = 20  # at a setting that was not tried before


@strategy
class TPE(Search):
    """Draw near what was good."""

    trials: Count
    seed: NonNegativeCount
    startup: Count
    candidates: Count

    def __post_init__(self) -> None:
        if self.startup >= self.trials:
            raise ValueError(
                f"startup={self.startup}: all of search.trials={self.trials} would be random: lower search.startup, or"
                " choose search=random"
            )

    def proposed(self, space: Space, trials: Sequence[Trial], jobs: int) -> list[Setting]:
        """Return the random ones at the start, then ``jobs`` at a time."""
        check(space, self.trials)
        if len(trials) < self.startup:
            return more(space, trials, self.seed, self.startup)
        known = list(trials)
        for number in range(len(trials), min(self.trials, len(trials) + jobs)):
            known.append(Trial(self._drawn(space, known, number)))
        return [trial.drawn for trial in known[len(trials) :]]

    def _drawn(self, space: Space, known: Sequence[Trial], number: int) -> Setting:
        taken = [trial.drawn for trial in known]
        for attempt in range(ATTEMPTS):
            setting = self._asked(space, known, [self.seed, number, attempt])
            if setting not in taken:
                return setting
        return space.drawn(self.seed, number, taken)

    def _asked(self, space: Space, known: Sequence[Trial], seeds: Sequence[int]) -> Setting:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=1,
            n_ei_candidates=self.candidates,
            multivariate=True,
            constant_liar=True,
            seed=int(np.random.SeedSequence(seeds).generate_state(1)[0]),
        )
        study = optuna.create_study(direction="minimize", sampler=sampler)
        distributions = {key: _distribution(dimension) for key, dimension in space.dimensions.items()}
        for trial in known:
            study.add_trial(_told(trial, space, distributions))
        asked = study.ask(distributions).params
        return {key: _word(dimension, asked[key]) for key, dimension in space.dimensions.items()}


def _distribution(dimension: Choice | Interval) -> BaseDistribution:
    if isinstance(dimension, Choice):
        last = len(dimension.listed) - 1
        return IntDistribution(0, last) if dimension.ordered else CategoricalDistribution(range(last + 1))
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _told(trial: Trial, space: Space, distributions: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    """Return ``trial`` as Optuna knows it: one without a loss is running, a failed one was given up, which is worst."""
    values = {key: _value(dimension, trial.drawn[key]) for key, dimension in space.dimensions.items()}
    state = optuna.trial.TrialState.RUNNING
    if trial.judged:
        failed = trial.losses[trial.rung] is None
        state = optuna.trial.TrialState.PRUNED if failed else optuna.trial.TrialState.COMPLETE
    return optuna.trial.create_trial(
        state=state,
        value=trial.loss if state is optuna.trial.TrialState.COMPLETE else None,
        params=values,
        distributions=distributions,
    )


def _value(dimension: Choice | Interval, word: str) -> float:
    if isinstance(dimension, Choice):
        return dimension.listed.index(word)
    return int(word) if dimension.whole else float(word)


def _word(dimension: Choice | Interval, value: float) -> str:
    return dimension.listed[int(value)] if isinstance(dimension, Choice) else dimension.typed(value)
