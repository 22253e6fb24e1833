"""The learning-rate range test (Smith, 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186).

    η_t = η_0 (η_T / η_0)^(t / T)     the rate rises from step to step, each on the run's next batch
    m_t = β m_{t-1} + (1 - β) L_t     L_t the loss that the step at η_t has left, on the next batch
    s_t = m_t / (1 - β^t)             a running mean, its start at 0 made up for (Kingma & Ba, 2015, section 3)
    η*  = η_k / 10, k = argmin s      the proposal

The steps are those of the run: its data, order, augmentation, clipping, privacy, precision and optimizer. What does
not belong to a run's first steps is left out: schedules, averages, pruning, growing batches, stopping. The test ends
when the loss explodes.

Where s is least the steps begin to undo each other, and the network has had one step at that rate, not an epoch: a
tenth of it leaves room. The rate of steepest descent is the other rule in use; it is a difference of noisy numbers: by
sgd on the line it was 1e-6 at one seed and 0.02 at another, where the minimum was at 1.0 and 1.1.

It bites as the start of a search, not its end: what the first steps bear may be less than what later ones do. For
ResNet-20 on CIFAR-10 by Nesterov momentum it proposes 0.004, and validation chose a peak of 0.2 (recipes/tuning.csv).
"""

import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean
from typing import Any

import lightning as L

from temper.averaging.none import NoAveraging
from temper.batch_growth.none import NoBatchGrowth
from temper.command.job import Job
from temper.experiment import Experiment
from temper.experiment.settings import SMALLER
from temper.low_rank.none import NoLowRank
from temper.preflight import check_teachers, check_transfer
from temper.preflight_machine import check_kernels, check_machine, check_partners
from temper.pruning.none import NoPruning
from temper.quantity import Clock, Span
from temper.quantization.none import NoQuantization
from temper.refusal import Refusal
from temper.resolution.none import NoResolution
from temper.sampling.none import NoSampling
from temper.scheduler.constant import Constant
from temper.strategy import Scheduler, option, strategy
from temper.trainer.emulation import precision_arguments
from temper.trainer.machine import set_threads
from temper.training.build import build_batches, build_module
from temper.training.private_gradient import PrivateGradient
from temper.training.quiet import quiet
from temper.training.supervised import Supervised
from temper.training.tally import Tally
from temper.training.transfer import transfer

SMOOTHING = 0.9  # β: the last ten steps or so count
EXPLODED = 4.0  # times the least smoothed loss so far, and above the loss at the start
BELOW_MINIMUM = 10.0
FULL = 10  # steps after which the running mean is about as steady as it gets
TREMBLES = 2.0  # deviations of single losses, estimated from neighbours, that count as a fall
FEWEST_STEPS = 20  # that a curve can be read from

Tell = Callable[[int, float, float], None]  # steps taken, rate, smoothed loss


@strategy
class Ramp(Scheduler):
    """The rate of each step of the test, as a multiple of the optimizer's own."""

    warmup: Span
    first: float
    growth: float  # from one step to the next

    def factor(self, step: int, clock: Clock) -> float:
        """Return the multiple at ``step``."""
        return self.first * self.growth**step


@dataclass(kw_only=True)
class Curve:
    """What the test measured.

    Attributes:
        before: the loss before any step.
        rates, losses: of each step, and the loss that it has left.
        smoothed: the running mean of the losses.
        exploded: the rate at which the test ended before its last step; None where it did not.
    """

    before: float = math.nan
    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)
    exploded: float | None = None
    _mean: float = 0.0

    def add(self, rate: float, loss: float) -> None:
        """Take in the loss that a step at ``rate`` has left; one that is not finite ends the test and is not kept."""
        if not math.isfinite(loss):
            self.exploded = rate
            return
        self.rates.append(rate)
        self.losses.append(loss)
        self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * loss
        self.smoothed.append(self._mean / (1 - SMOOTHING ** len(self.losses)))
        if self.smoothed[-1] > max(EXPLODED * min(self.smoothed), self.before):
            self.exploded = rate

    @property
    def least(self) -> int | None:
        """Return the position of the least smoothed loss; None where the loss has not fallen by more than it trembles.

        The running mean is asked once it is full: the first losses tremble as single ones do.
        """
        if len(self.losses) <= FULL:
            return None
        found = min(range(FULL, len(self.smoothed)), key=self.smoothed.__getitem__)
        steps = [(later - earlier) ** 2 for earlier, later in pairwise(self.losses[: found + 1])]
        fallen = fmean(self.losses[:FULL]) - self.smoothed[found]
        return found if fallen > TREMBLES * math.sqrt(fmean(steps) / 2) else None

    def smoothed_at(self, rate: float) -> float | None:
        """Return the smoothed loss where the test came past ``rate``; None where it did not."""
        inside = bool(self.rates) and self.rates[0] <= rate <= self.rates[-1]
        return self.smoothed[next(k for k, each in enumerate(self.rates) if each >= rate)] if inside else None

    def proposal(self) -> float:
        """Return a tenth of the rate at which the smoothed loss is least, to two digits.

        Raises:
            Refusal: the curve has no minimum within the rates that were tried; says which to try.
        """
        least = self.least
        if least is None and self.exploded is not None:
            raise Refusal("no rate is proposed: the loss explodes before it falls: lower --from, or raise --steps")
        if least is None:
            raise Refusal("no rate is proposed: the loss never falls: raise --to")
        if self.exploded is None and least == len(self.rates) - 1:
            raise Refusal("no rate is proposed: the loss is least at the highest rate that was tried: raise --to")
        return float(f"{self.rates[least] / BELOW_MINIMUM:.1e}")


def rates(optimizer: Mapping[str, Any], factor: float, key: str = "optimizer") -> list[str]:
    """Return the words by which every rate of an optimizer, and of those that it holds, is ``factor`` times as high."""
    found = [f"{key}.lr={optimizer['lr'] * factor:.2g}"] if "lr" in optimizer else []
    for name, held in optimizer.items():
        found += rates(held, factor, f"{key}.{name}") if isinstance(held, Mapping) else []
    return found


def check(job: Job, low: float, high: float, steps: int) -> None:
    """Refuse what a range test cannot be made of.

    Raises:
        Refusal: names the key and the way out.
    """
    experiment = job.experiment
    if not 0 < low < high < math.inf:
        raise Refusal(f"--from {low:g} --to {high:g}: the rate rises from a number above 0: for example 1e-6 to 10")
    if steps < FEWEST_STEPS:
        raise Refusal(f"--steps {steps}: must be >= {FEWEST_STEPS}, so that there is a curve to read")
    if experiment.optimizer.paces_itself:
        raise Refusal(
            f"optimizer={option(experiment.optimizer)} paces itself, and a rate that rises would work against it: try"
            " a few rates by validation with scripts/tune_recipe.py"
        )
    if experiment.debug.shortened_to is not None:
        raise Refusal(f"debug={option(experiment.debug)} shortens a run; how long this test is, --steps says")
    if experiment.ckpt is not None:
        raise Refusal(f"ckpt={experiment.ckpt}: the test begins with a fresh network: leave ckpt away")
    if experiment.logger:
        raise Refusal(f"logger={','.join(experiment.logger)}: the test logs nothing: leave logger away")
    machine = experiment.trainer.arguments()
    if machine["num_nodes"] != 1 or machine["devices"] != 1:
        raise Refusal(
            f"trainer={option(experiment.trainer)} starts several processes, and the test is one: choose trainer=auto;"
            " batch_size is that of all processes together, so the rate is theirs too"
        )
    check_machine(experiment, machine)
    check_partners(experiment, processes=1)
    check_teachers(job)
    check_transfer(job)


def left_out(experiment: Experiment) -> list[str]:
    """Return what is chosen for the run and does not belong to its first steps, as words."""
    alone = dict.fromkeys(("averaging", *SMALLER, "resolution", "batch_growth", "layer_freezing"), "none") | {
        "scheduler": "constant"
    }
    names = {axis: option(getattr(experiment, axis)) for axis in alone}
    words = [f"{axis}={name}" for axis, name in names.items() if name != alone[axis]]
    if experiment.sampling.remembers:
        words.append(f"sampling={option(experiment.sampling)}")
    if experiment.scheduler.warmup not in (0, "0"):
        words.append(f"scheduler.warmup={experiment.scheduler.warmup}")
    return words + ([f"stopping=[{','.join(experiment.stopping)}]"] if experiment.stopping else [])


def measure(job: Job, low: float, high: float, steps: int, tell: Tell) -> Curve:
    """Return the curve of ``steps`` steps whose rate rises from ``low`` to ``high``; nothing is left on disk.

    Raises:
        ValueError: see `check`; or the data is not there or does not fit the settings.
    """
    check(job, low, high, steps)
    experiment = _first_steps(job.experiment)
    L.seed_everything(experiment.seed, workers=True, verbose=False)
    set_threads(experiment.trainer.threads, 1)
    experiment.data.prepare()
    batches = build_batches(experiment)
    if (clock := batches.facts.clock).total_steps < steps:
        if experiment.privacy.by_length:
            raise Refusal(
                f"--steps {steps}: the run has {clock.total_steps}, and a longer one would need other noise for its"
                " epsilon: lower --steps, raise epochs, or set privacy.noise_multiplier in place of privacy.epsilon"
            )
        experiment = replace(experiment, epochs=-(-steps // clock.steps(0)))
        batches = build_batches(experiment)
    module = build_module(experiment, batches.facts)
    machine = experiment.trainer.arguments()
    check_kernels(experiment, machine, module.network)
    _, freezing = transfer(experiment, module)
    own = experiment.optimizer.lr
    ramp = Ramp(warmup=0, first=low / own, growth=(high / low) ** (1 / (steps - 1)))
    module.ingredients = replace(module.ingredients, scheduler=ramp)
    curve = Curve()
    with tempfile.TemporaryDirectory() as nowhere, quiet(logging.ERROR), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = L.Trainer(
            **machine,
            **precision_arguments(experiment.precision, machine),
            max_epochs=experiment.epochs,
            max_steps=steps,
            accumulate_grad_batches=experiment.accumulate,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            callbacks=[*_private(module), *freezing, _Watch(curve, tell)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=nowhere,
        )
        trainer.fit(module, datamodule=batches)
    return curve


def _first_steps(experiment: Experiment) -> Experiment:
    return replace(
        experiment,
        scheduler=Constant(warmup=0),
        averaging=NoAveraging(),
        pruning=NoPruning(),
        low_rank=NoLowRank(),
        quantization=NoQuantization(),
        batch_growth=NoBatchGrowth(),
        resolution=NoResolution(),
        sampling=NoSampling() if experiment.sampling.remembers else experiment.sampling,
        stopping={},
        gradient_norm=None,
    )


def _private(module: Supervised) -> list[L.Callback]:
    return [PrivateGradient(module.privatizer)] if module.privatizer is not None else []


class _Watch(L.Callback):
    """Reads the loss of each step, and ends the fit when it explodes."""

    def __init__(self, curve: Curve, tell: Tell) -> None:
        self.curve, self.tell, self._tally = curve, tell, Tally()
        self._seen = 0
        self._rate: float | None = None  # of the step before

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take in a micro-batch, and with the last one of a step the loss that the step before has left."""
        assert isinstance(pl_module, Supervised)
        if batch.rows.share:
            self._tally.add(pl_module.measured, batch.rows.size)
        if trainer.global_step == self._seen:
            return
        self._seen = trainer.global_step
        if self._tally.count:  # sampling may have left the batch empty
            loss = self._tally.read()["loss"] / self._tally.count
            self._tally.empty()
            if self._rate is None:
                self.curve.before = loss
            else:
                self.curve.add(self._rate, loss)
                self.tell(self._seen, self._rate, self.curve.smoothed[-1] if self.curve.smoothed else loss)
        elif self._rate is None:
            return
        assert pl_module.rate_factor is not None
        self._rate = pl_module.rate_factor * pl_module.ingredients.optimizer.lr
        trainer.should_stop = self.curve.exploded is not None
