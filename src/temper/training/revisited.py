"""A trained network on the sets of its own run, once more: no trainer, no teacher, nothing learned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from temper.data.batches import Batches
from temper.data.views import Level
from temper.experiment import Experiment
from temper.refusal import Refusal
from temper.training.answers import Answers
from temper.training.build import build_batches
from temper.training.same_data import other_examples, other_names
from temper.training.trained import PLACES, Trained, facts_of, pipeline_of
from temper.weighting.fixed import Fixed


def experiment_of(trained: Trained, root: str | None) -> Experiment:
    """Return the run's experiment in the precision in which it is judged; ``root`` replaces the place of its data.

    Raises:
        Refusal: the run's configuration is damaged, or its data lies in no place.
    """
    return judged(trained.experiment_at(root))


def judged(experiment: Experiment) -> Experiment:
    """Return ``experiment`` as a judge needs it, in float32 or, of a run in 64-true, in float64."""
    # Neither with teachers, who may be gone, nor weights of several terms, nor a compiled network.
    plain = replace(experiment, distillation={}, weighting=Fixed(), compile=False)
    return plain if experiment.precision == "64-true" else replace(plain, precision="32-true")


def batches_of(experiment: Experiment, checkpoint: Mapping[str, Any], split: str, key: str) -> Batches:
    """Return the run's data, ready, through the preprocessing that the checkpoint holds.

    ``key`` is the option of the command line by which ``split`` was chosen.

    Raises:
        Refusal: the data is not there, or has other classes or columns now, or the run has no such split.
    """
    try:
        experiment.data.prepare()
        batches = build_batches(experiment)
    except ValueError as fault:
        placed = any(hasattr(experiment.data, place) for place in PLACES)
        raise Refusal(f"{fault} (here: --root PLACE)" if placed else str(fault)) from None
    if split not in batches.tested:
        raise Refusal(f"{key} {split}: this run set no examples apart for it: choose {key} test")
    today, then = batches.facts, facts_of(checkpoint)
    if (names := other_names(then, today.class_names, today.columns)) is not None:
        raise Refusal(f"{names}: put it back as it was, or name a copy that is so (here: --root PLACE)")
    batches.changed = other_examples(then, today.contents)
    batches.facts, batches.pipeline = then, pipeline_of(experiment, checkpoint)
    batches.setup("test")
    return batches


def answered(network: nn.Module, batches: Batches, split: str, level: Level | None) -> Answers:
    """Return what ``network``, which is moved to the GPU if there is one, answers to ``split`` in ``level``'s views."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device).eval()  # outside inference mode, which would forbid its weights a gradient for good
    answers = Answers()
    with torch.inference_mode():
        for position, stored in enumerate(batches.evaluated(split, level)):
            batch = batches.on_after_batch_transfer(stored, position)
            answers.add(network(batch.inputs.to(device)).cpu(), batch)
    return answers
