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
}


def better(metric: str) -> Better:
    """Return the direction in which ``metric``, such as ``test/accuracy``, improves."""
    return BETTER[metric.partition("/")[2]]


def check_metric(metric: str) -> str:
    """Return ``metric`` if it is one that a report may hold.

    Raises:
        ValueError: it is none; names the nearest.
    """
    known = [f"{part}/{name}" for part in SETS for name in BETTER]
    if metric not in known:
        raise ValueError(f"is no metric; {nearest(metric, known)}")
    return metric
