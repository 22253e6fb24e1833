"""What a reader must know of figures that would else be taken for something else; one text each, or none."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Literal

from torch import Tensor

from temper.data.views import Level, views
from temper.metric import over_views
from temper.report.record import Attempt
from temper.strategy import Optimizer
from temper.terms import Averager

_MOST_CLASSES = 20  # that are told one by one
_ROUNDED = 1e-6  # how far a share may be off itself
_MOVES = 0.01  # the least relative change of a loss that is no noise


def of_views(level: Level | None, metric: str) -> list[str]:
    """Return what the score over views is, of a run that is judged by ``metric`` (``val/accuracy``)."""
    if level is None:
        return []
    return [
        f"test_time_augmentation={level}: test/{over_views(metric.removeprefix('val/'))} is of the mean over"
        f" {len(views(level))} views of each image; latency and multiply-adds are those of one"
    ]


def of_class_weights(weights: Sequence[float], names: Sequence[str]) -> list[str]:
    """Return what an example of each class weighs in the loss; nothing where all weigh the same."""
    if not weights:
        return []
    told = [f"{weight:.3g} ({name})" for weight, name in zip(weights, names, strict=True)]
    if len(told) > _MOST_CLASSES:
        order = sorted(range(len(weights)), key=lambda index: weights[index])
        told = [f"from {told[order[0]]} to {told[order[-1]]}"]
    return [f"an example's loss weighs by its class: {', '.join(told)}"]


def taken_again(attempts: Sequence[Attempt]) -> list[str]:
    """Return how many steps a run has taken again, as far as was noted before it was cut off; or nothing."""
    again = sum(max(0, before.last_step - after.from_step) for before, after in pairwise(attempts))
    if not again:
        return []
    steps = "1 step" if again == 1 else f"{again:,} steps"
    return [
        f"taken again, as the run was cut off: at least {steps}; cost counts both times (with a shorter"
        " checkpoint_seconds less is lost)"
    ]


def never_averaged(word: str, start: object, averager: Averager | None) -> list[str]:
    """Return that a run ended before the average ``word`` (``averaging=ema``) began; or nothing."""
    if averager is None or averager.average() is not None:
        return []
    return [f"{word}: the run ended before averaging.start={start}, and nothing is averaged"]


def at_chance(metrics: Mapping[str, float | None], labels: Tensor, rate: str, activation: bool) -> list[str]:
    """Return that a classification is no better than the most frequent class among the test ``labels``; or nothing.

    Args:
        metrics: of the report.
        labels: of the test set, (n,).
        rate: the key of the optimizer's rate.
        activation: whether the network has one that the user chooses.
    """
    reached = metrics.get("test/accuracy")
    share = labels.long().bincount().max().item() / len(labels)
    if reached is None or reached > share + _ROUNDED:
        return []
    ways = f"lower {rate}, choose another initialization{' or task.activation' * activation}, or train for longer"
    return [f"test/accuracy is not above {share:.4f}, the share of the most frequent class in the test set: {ways}"]


def worse_than_the_mean(
    metrics: Mapping[str, float | None], losses: Sequence[float], rate: str, scaling: str | None
) -> list[str]:
    """Return what a reader must know of a regression whose test r2 is below 0; of any other nothing.

    Args:
        metrics: of the report.
        losses: training's, in order of steps.
        rate: the key of the optimizer's rate.
        scaling: words that have targets learned in deviations; None where they are.
    """
    if not _below_0(metrics):
        return []
    ways = [f"where they are far from 1 in size, learn them in deviations ({scaling})"] if scaling else []
    match _trend(losses):
        case "falling":
            ways.append(f"the training loss still falls: raise {rate}, or train for longer")
        case "rising":
            ways.append(f"the training loss rises: lower {rate}")
        case _ if (metrics.get("train/r2") or 0.0) > 0:
            ways.append("on the training set it is better: train on more examples, or add penalty=[l2]")
        case _:
            ways.append(f"choose another {rate}, or train for longer")
    return [f"test/r2 is below 0, worse than the mean of the targets: {'; or '.join(ways)}"]


def _below_0(metrics: Mapping[str, float | None]) -> bool:
    explained = metrics.get("test/r2")
    return explained is not None and explained < 0


def _trend(losses: Sequence[float]) -> Literal["falling", "rising"] | None:
    """Return where the last third of ``losses`` goes from the middle one; None for nowhere, or too few to say."""
    third = len(losses) // 3
    if not third:
        return None
    middle, last = fmean(losses[-2 * third : -third]), fmean(losses[-third:])
    if abs(last - middle) < _MOVES * abs(middle):
        return None
    return "falling" if last < middle else "rising"


def drawn_away(penalties: Collection[str], optimizer: Optimizer) -> list[str]:
    """Return what draws what was learned away from a solution that knows no ``penalties``; or nothing."""
    inner, key = optimizer, f"optimizer.{optimizer.rate_key.removesuffix('lr')}weight_decay"
    while (base := getattr(inner, "base", None)) is not None:
        inner = base
    words = [f"penalty=[{','.join(penalties)}]"] if penalties else []
    if decay := getattr(inner, "weight_decay", 0.0):
        words.append(f"{key}={decay:g}")
    if not words:
        return []
    told = " and ".join(words)
    return [f"solution: the reference is without {told}, with which training ends elsewhere: the distance is no fault"]


def worse_once_smaller(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> list[str]:
    """Return what a reader must know of a regression whose test r2 is below 0 ``after`` it was made smaller at once."""
    if not _below_0(after):
        return []
    if _below_0(before):
        way = "as the whole one is: train that better first, as its own report says"
    else:
        way = "as the whole one is not: let less of it go, or train the smaller one on, by transfer=checkpoint"
    return [f"test/r2 is below 0: the smaller network is worse than the mean of the targets, {way}"]
