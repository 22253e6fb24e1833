"""The range test against a loop in plain floats, and what it cannot be made of."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from temper.command.job import Job
from temper.facts import ParameterGroup
from temper.optimizer.sgd import SGD
from temper.optimizer.torch_groups import torch_groups
from temper.range_test import EXPLODED, SMOOTHING, Curve, left_out, measure
from temper.refusal import Refusal
from temper.strategy import strategy
from temper.training.build import build_batches

JobOf = Callable[..., Job]
LINE = ("recipe=example/line_full_batch", "precision=64-true", "trainer=cpu")


def quietly(job: Job, low: float = 1e-4, high: float = 10.0, steps: int = 60) -> Curve:
    return measure(job, low, high, steps, lambda *_: None)


def test_against_a_loop_in_plain_floats(job_of: JobOf) -> None:
    job = job_of(*LINE)
    curve = quietly(job)
    train = build_batches(job.experiment).splits.train
    x, y = train.inputs.double().numpy().ravel(), train.targets.double().numpy()
    slope = intercept = 0.0
    rates = [1e-4 * 10 ** (5 * step / 59) for step in range(60)]
    losses, smoothed = [], []
    for rate in rates:
        error = slope * x + intercept - y
        losses.append(float(np.mean(error**2)))
        slope -= rate * float(np.mean(2 * error * x))
        intercept -= rate * float(np.mean(2 * error))
    before, left = losses[0], losses[1:]
    for count in range(1, len(left) + 1):
        weights = [SMOOTHING ** (count - each) for each in range(1, count + 1)]
        smoothed.append(sum(w * loss for w, loss in zip(weights, left, strict=False)) / sum(weights))
    taken = len(curve.rates)
    assert 30 < taken < 59  # it exploded on the way
    assert curve.before == pytest.approx(before, rel=1e-12)
    assert curve.rates == pytest.approx(rates[:taken], rel=1e-12)
    assert curve.losses == pytest.approx(left[:taken], rel=1e-9)
    assert curve.smoothed == pytest.approx(smoothed[:taken], rel=1e-9)
    over = [s > max(EXPLODED * min(smoothed[: k + 1]), before) for k, s in enumerate(smoothed)]
    assert over.index(True) == taken - 1
    assert curve.exploded == curve.rates[-1]
    least = int(np.argmin(smoothed[:taken]))
    assert curve.proposal() == pytest.approx(rates[least] / 10, rel=0.05)  # two digits


def test_micro_batches_make_one_loss_of_a_step(job_of: JobOf) -> None:
    whole, cut = (quietly(job_of("precision=64-true", "trainer=cpu", f"accumulate={n}"), 1e-4, 1.0, 20) for n in (1, 3))
    assert cut.losses == pytest.approx(whole.losses, rel=1e-9)
    assert len(cut.losses) == 19


class _Twice(torch.optim.SGD):
    ascending = False

    def step(self, closure: Any = None) -> Any:
        self.ascending = True
        closure()
        self.ascending = False
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight.add_(1.0)
        closure()
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight.sub_(1.0)
        return super().step()


@strategy
class Elsewhere(SGD):
    """Follows the gradient of the weights plus one: a second pass whose loss is not the weights' own."""

    passes: ClassVar[int] = 2

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return it."""
        return _Twice(torch_groups(groups, self.lr, self.weight_decay), lr=self.lr)


def test_of_two_passes_the_weights_own_loss_counts(job_of: JobOf) -> None:
    job = job_of(*LINE)
    job = replace(job, experiment=replace(job.experiment, optimizer=Elsewhere(lr=0.01, weight_decay=0.0)))
    curve = quietly(job, 1e-9, 1e-8, 20)  # steps too small to change the loss
    before = float(build_batches(job.experiment).splits.train.targets.double().square().mean())  # of weights at 0
    assert [curve.before, *curve.losses] == pytest.approx([before] * 20, rel=1e-5)


@strategy
class Paced(SGD):
    """Stands for an optimizer that needs no schedule."""

    paces_itself: ClassVar[bool] = True


def test_the_gradient_of_a_private_run_is_the_noisy_one(job_of: JobOf) -> None:
    words = ("precision=64-true", "trainer=cpu", "sampling=poisson", "optimizer=sgd")
    # Each example's gradient, cut to next to nothing and under noise as small: no step moves.
    private = ("privacy=dp_sgd", "privacy.max_grad_norm=1e-12")
    moved, still = (quietly(job_of(*each), 1e-3, 1.0, 20) for each in (words, (*words, *private)))
    assert still.before == moved.before
    assert still.losses[-1] > 2.2 > 2.1 > moved.losses[-1]


def test_batches_without_an_example_are_passed_over(job_of: JobOf) -> None:
    curve = quietly(job_of("trainer=cpu", "sampling=poisson", "batch_size=1", "seed=1"), 1e-6, 1e-5, 40)
    assert 15 < len(curve.losses) < 35  # about a share of 1/e is empty
    assert math.isfinite(curve.before)


def test_refuses_an_optimizer_that_paces_itself(job_of: JobOf) -> None:
    job = job_of(*LINE)
    job = replace(job, experiment=replace(job.experiment, optimizer=Paced(lr=0.01, weight_decay=0.0)))
    with pytest.raises(Refusal, match=r"paces itself.*scripts/tune_recipe\.py"):
        quietly(job)


@pytest.mark.parametrize(
    ("words", "steps", "low", "high", "message"),
    [
        (
            ["trainer=ddp"],
            60,
            1e-6,
            1.0,
            "trainer=ddp starts several processes, and the test is one: choose trainer=auto",
        ),
        (["debug=steps"], 60, 1e-6, 1.0, "debug=steps shortens a run; how long this test is, --steps says"),
        (["ckpt=a.ckpt"], 60, 1e-6, 1.0, "ckpt=a.ckpt: the test begins with a fresh network: leave ckpt away"),
        (["logger=[wandb]"], 60, 1e-6, 1.0, "logger=wandb: the test logs nothing: leave logger away"),
        (["precision=16-mixed", "trainer=cpu"], 60, 1e-6, 1.0, "precision=16-mixed needs a GPU"),
        (
            ["privacy=dp_sgd", "sampling=poisson", "privacy.noise_multiplier=null", "privacy.epsilon=3.0", "epochs=1"],
            60,
            1e-6,
            1.0,
            "--steps 60: the run has 17, and a longer one would need other noise for its epsilon: lower --steps",
        ),
        ([], 19, 1e-6, 1.0, "--steps 19: must be >= 20"),
        ([], 60, 0.0, 1.0, "--from 0 --to 1: the rate rises from a number above 0"),
        ([], 60, 1.0, 1.0, "--from 1 --to 1: the rate rises"),
        ([], 60, 1e-6, math.inf, "--from 1e-06 --to inf: the rate rises"),
        ([], 60, math.nan, 1.0, "--from nan --to 1: the rate rises"),
    ],
)
def test_refuses(words: list[str], steps: int, low: float, high: float, message: str, job_of: JobOf) -> None:
    with pytest.raises(Refusal) as refusal:
        quietly(job_of(*words), low, high, steps)
    assert message in str(refusal.value)


def test_says_what_it_leaves_out(job_of: JobOf) -> None:
    assert left_out(job_of().experiment) == []
    words = [
        "scheduler=cosine",
        "scheduler.warmup=2epochs",
        "averaging=ema",
        "stopping=[patience]",
        "batch_growth=linear",
    ]
    assert left_out(job_of(*words).experiment) == [
        "averaging=ema",
        "batch_growth=linear",
        "scheduler=cosine",
        "scheduler.warmup=2epochs",
        "stopping=[patience]",
    ]


def test_hardest_examples_are_for_later(job_of: JobOf) -> None:
    job = job_of("sampling=hardest", "epochs=2", "trainer=cpu")
    assert left_out(job.experiment) == ["sampling=hardest"]
    assert len(quietly(job, 1e-4, 1e-2, 60).losses) == 59  # of two epochs of 17 steps, made longer


def test_leaves_out_a_resolution_that_changes(job_of: JobOf) -> None:
    assert left_out(job_of("task=convnet", "resolution=linear").experiment) == ["resolution=linear"]
    for words in ("low_rank=truncated_svd", "quantization=aware"):
        assert left_out(job_of(words).experiment) == [words]


def made(*losses: float, before: float = 1.0) -> Curve:
    curve = Curve(before=before)
    for step, loss in enumerate(losses):
        if curve.exploded is None:
            curve.add(10.0**step, loss)
    return curve


def test_an_explosion_ends_the_curve() -> None:
    assert made(0.5, math.nan, 0.1).exploded == 10.0
    assert made(0.5, math.inf).losses == [0.5]
    assert made(0.1, 100.0).exploded == 10.0
    assert made(0.1, 1.5).exploded is None  # s = (0.09 + 1.5) / 1.9: four times the least, and not above the start
    assert made(0.1, 2.0).exploded == 10.0


def test_no_proposal_without_a_minimum() -> None:
    level = [1.0, 0.9] * 5
    falling = [1.0 - step / 20 for step in range(10)]
    with pytest.raises(Refusal, match="the loss explodes before it falls: lower --from"):
        made(math.nan).proposal()
    with pytest.raises(Refusal, match="the loss explodes before it falls: lower --from"):
        made(*level, *level, math.nan).proposal()
    with pytest.raises(Refusal, match="the loss never falls: raise --to"):
        made(*level, *level, 0.8).proposal()
    with pytest.raises(Refusal, match="least at the highest rate that was tried: raise --to"):
        made(*level, *falling).proposal()
    assert made(*level, *falling, math.nan).proposal() == pytest.approx(1e18)
    assert made(*level, *falling, 0.9, 0.9).proposal() == pytest.approx(1e18)


def test_reads_the_curve_at_a_rate() -> None:
    curve = made(0.5, 0.5, 0.5)
    assert curve.smoothed_at(5.0) == pytest.approx(0.5)
    assert curve.smoothed_at(0.5) is None
    assert curve.smoothed_at(1000.0) is None
    assert Curve().smoothed_at(1.0) is None
