"""A search of ours as a W&B sweep: W&B chooses, and an agent on each machine or GPU trains what it is told.

    search=grid      method grid
    search=random    method random
    search=tpe       method bayes: a Gaussian process in the place of Parzen estimators
    search=halving   method random, and early_terminate hyperband, strict: it ends runs at the rungs, for good

    a,b  choice()  range()      values
    interval(a,b)               uniform; int(interval(a,b)): int_uniform
    tag(log,interval(a,b))      log_uniform_values; of whole numbers q_log_uniform_values, q = 1

By https://docs.wandb.ai/models/sweeps/sweep-config-keys. A run trains in ``outputs/wandb/SWEEP/RUN``: one that W&B
starts again goes on there.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from temper.metric import Better
from temper.search.space import Choice, Interval, Space

METHODS = {"grid": "grid", "random": "random", "tpe": "bayes", "halving": "random"}
FOLDER = "hydra.run.dir=outputs/wandb/${oc.env:WANDB_SWEEP_ID}/${oc.env:WANDB_RUN_ID}"


def sweep_config(
    *,
    search: str,
    knobs: Mapping[str, Any],
    space: Space,
    fixed: Sequence[str],
    metric: str,
    better: Better,
    validations: int,
) -> dict[str, Any]:
    """Return the configuration of a W&B sweep, as ``wandb sweep`` reads it.

    Args:
        search: the option of ours.
        knobs: its values.
        space: what is chosen.
        fixed: the other words of each run.
        metric: what a run is judged by, such as ``val/accuracy``.
        better: where it improves to.
        validations: after how many of them in a run trials are first compared, where the search does so.
    """
    halved = search == "halving"
    made: dict[str, Any] = {
        "program": "train.py",
        "method": METHODS[search],
        # Of a whole run, what the chosen checkpoint scored; runs that are ended early are compared on the way.
        "metric": {
            "name": metric if halved else f"final/{metric}",
            "goal": "maximize" if better == "max" else "minimize",
        },
        "parameters": {key: _parameter(each) for key, each in space.dimensions.items()},
        "command": ["${env}", "${interpreter}", "${program}", *fixed, FOLDER, "${args_no_hyphens}"],
    }
    if "trials" in knobs:
        made["run_cap"] = knobs["trials"]
    if halved:
        made["early_terminate"] = {
            "type": "hyperband",
            "min_iter": validations,
            "eta": knobs["factor"],
            "strict": True,
        }
    return made


def _parameter(dimension: Choice | Interval) -> dict[str, Any]:
    if isinstance(dimension, Choice):
        return {"values": [_plain(each) for each in dimension.listed]}
    bounds = {"min": dimension.low, "max": dimension.high}
    if dimension.whole:
        bounds = {name: int(bound) for name, bound in bounds.items()}
    if dimension.log:
        whole = {"distribution": "q_log_uniform_values", "q": 1}
        return (whole if dimension.whole else {"distribution": "log_uniform_values"}) | bounds
    return {"distribution": "int_uniform" if dimension.whole else "uniform"} | bounds


def _plain(word: str) -> int | float | str:
    """Return the number that ``word`` is, so that W&B can order them; any other word agents hand on as it is."""
    for kind in (int, float):
        try:
            number = kind(word)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return word
