"""Trained weights in the place of those that were drawn, and blocks that stay as they are.

A block that is frozen for good wants no gradient: it is in no group of the optimizer and in no exchange between
processes, and where no block before it learns, the backward pass ends above it. One that is frozen for a while waits
(see thaw). The norms of both go by what they remember.
"""

import lightning as L

from temper.experiment import Experiment
from temper.experiment.settings import option
from temper.network.layered import Layered
from temper.network.statistics import hold_statistics
from temper.network.taking import names, parts, take
from temper.training.supervised import Supervised
from temper.training.thaw import Thaw
from temper.training.trained import read


def transfer(experiment: Experiment, module: Supervised) -> tuple[list[str], list[L.Callback]]:
    """Put the weights that ``experiment`` names into the network of ``module``, and freeze what it says.

    Returns:
        What the reader must know, and the callbacks that training needs.

    Raises:
        ValueError: the weights are not there, or nothing of them fits; names the knob and the way out.
    """
    network, word = module.network, f"transfer={option(experiment.transfer)}"
    assert isinstance(network, Layered)
    learned = experiment.transfer.learned(network, module.facts, read)
    if learned is None:
        return [], []
    called = [" and ".join(names(network, block)) for block in parts(network)]
    taken = take(network, learned.weights)
    if not any(taken):
        raise ValueError(
            f"{word}: nothing of {learned.origin} has the names and the shapes of this network's blocks: give the task"
            " the settings that it was trained with"
        )
    old, new = ([name for name, own in zip(called, taken, strict=True) if own is each] for each in (True, False))
    notes = [f"{word}: of {learned.origin} are {', '.join(old)}; new: {', '.join(new) or 'nothing'}"]
    frozen, callbacks = _freeze(experiment, module, taken)
    return notes + ([f"{word}: frozen are {_frozen(called, frozen, module)}"] if frozen else []), callbacks


def _freeze(experiment: Experiment, module: Supervised, taken: list[bool]) -> tuple[dict[int, int], list[L.Callback]]:
    """Return the step from which each frozen block learns, and what lets it."""
    network, clock = module.network, module.facts.clock
    assert isinstance(network, Layered)
    blocks = network.blocks()
    begins = experiment.transfer.begins(len(blocks), clock)
    frozen = {index: step for index, step in enumerate(begins) if step > 0 and taken[index]}
    if experiment.transfer.freezes and not frozen:
        raise ValueError(
            "transfer.freeze names blocks that were not taken, and what is new learns from the start: set"
            " transfer.freeze=null, or give the task the settings that the source was trained with"
        )
    for index, step in frozen.items():
        for part in blocks[index]:
            hold_statistics(part)
            if step >= clock.total_steps:
                part.requires_grad_(False)
    waiting = [(blocks[index], step) for index, step in frozen.items() if step < clock.total_steps]
    return frozen, [Thaw(waiting)] if waiting else []


def _frozen(called: list[str], frozen: dict[int, int], module: Supervised) -> str:
    total = module.facts.clock.total_steps
    return ", ".join(
        called[index] + (f" until step {step}" if step < total else " for good") for index, step in frozen.items()
    )
