"""The metrics that reports know, and the direction in which each improves."""

from typing import Literal

from temper.refusal import nearest

Better = Literal["max", "min"]
SETS = ("train", "val", "test")
BETTER: dict[str, Better] = {
    "loss": "min",
    "accuracy": "max",
    "top5": "max",
    "f1": "max",
    "worst_class": "max",
    "calibration_error": "min",
    "rmse": "min",
    "mae": "min",
    "r2": "max",
    "distance": "min",  # of learned coefficients to their closed form
    "accuracy_tta": "max",  # by test-time augmentation: of the mean over views
    "rmse_tta": "min",
}
OVER_VIEWS = "_tta"


def better(metric: str) -> Better:
    """Return the direction in which ``metric``, such as ``test/accuracy``, improves."""
    return BETTER[metric.partition("/")[2]]


def check_metric(metric: str) -> str:
    """Return ``metric`` if it is one that a report may hold.

    Raises:
        ValueError: it is none; names the nearest.
    """
    pairs = ((part, name) for part in SETS for name in BETTER)
    known = [f"{part}/{name}" for part, name in pairs if part == "test" or not is_over_views(name)]
    if metric not in known:
        raise ValueError(f"is no metric; {nearest(metric, known)}")
    return metric


def over_views(metric: str) -> str:
    """Return what the bare name ``metric``, such as ``accuracy``, is called of the mean over views of each image."""
    return metric + OVER_VIEWS


def is_over_views(metric: str) -> bool:
    """Return whether ``metric`` is one of the mean over views of each image, which only the test set is measured by."""
    return metric.endswith(OVER_VIEWS)
