"""What a reader must know of figures that would else be taken for something else; one text each, or none."""

from collections.abc import Mapping

from temper.data.views import Level, views
from temper.metric import over_views


def of_views(level: Level | None, metric: str) -> list[str]:
    """Return what the score over views is, of a run that is judged by ``metric`` (``val/accuracy``)."""
    if level is None:
        return []
    return [
        f"test_time_augmentation={level}: test/{over_views(metric.removeprefix('val/'))} is of the mean over"
        f" {len(views(level))} views of each image; latency and multiply-adds are those of one"
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
