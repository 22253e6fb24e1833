"""What a reader must know of figures that would else be taken for something else; one text each, or none."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from temper.data.views import Level, views
from temper.metric import over_views
from temper.report.record import Attempt

_MOST_CLASSES = 20  # that are told one by one


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


def worse_than_the_mean(metrics: Mapping[str, float | None]) -> list[str]:
    """Return what a reader must know of a regression whose test r2 is below 0; of any other nothing."""
    explained = metrics.get("test/r2")
    if explained is None or not explained < 0:
        return []
    return [
        "test/r2 is below 0, worse than the mean of the targets: where they are far from 1 in size, learn them in"
        " deviations (preprocessing.standardize.target=true); or lower optimizer.lr, or train for longer"
    ]


def worse_once_smaller(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> list[str]:
    """Return what a reader must know of a regression whose test r2 is below 0 ``after`` it was made smaller at once."""
    if not worse_than_the_mean(after):
        return []
    if worse_than_the_mean(before):
        way = "as the whole one is: train that better first, as its own report says"
    else:
        way = "as the whole one is not: let less of it go, or train the smaller one on, by transfer=checkpoint"
    return [f"test/r2 is below 0: the smaller network is worse than the mean of the targets, {way}"]
