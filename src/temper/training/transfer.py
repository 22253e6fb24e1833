"""Trained weights in the place of those that were drawn, and what of them stays as it is."""

from collections.abc import Sequence
from dataclasses import replace

import lightning as L

from temper.experiment import Experiment
from temper.network.layered import Layered
from temper.network.taking import names, parts, take
from temper.quantity import Clock
from temper.strategy import option
from temper.training.frozen import Frozen, Together
from temper.training.supervised import Supervised
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
    frozen = _frozen(experiment, taken[:-1], module.facts.clock)
    if not frozen:
        return notes, []
    blocks, total = network.blocks(), module.facts.clock.total_steps
    told = [
        f"{called[number]} {f'until step {step}' if step < total else 'for good'}" for number, step in frozen.items()
    ]
    notes.append(f"{word}: frozen are {', '.join(told)}")
    held = [(blocks[number], step) for number, step in frozen.items()]
    module.ingredients = replace(module.ingredients, groups=Together(module.ingredients.groups, held))
    return notes, [Frozen(held, total)]


def _frozen(experiment: Experiment, taken: Sequence[bool], clock: Clock) -> dict[int, int]:
    """Return the step from which each frozen block learns, by the block's number."""
    begins = experiment.transfer.begins(len(taken), clock)
    frozen = {number: step for number, step in enumerate(begins) if step > 0 and taken[number]}
    if experiment.transfer.freezes and not frozen:
        raise ValueError(
            "transfer.freeze names blocks that were not taken, and what is new learns from the start: set"
            " transfer.freeze=null, or give the task the settings that the source was trained with"
        )
    unfreeze = getattr(experiment.transfer, "unfreeze", None) if experiment.debug.shortened_to is None else None
    if unfreeze is not None and frozen and min(frozen.values()) >= clock.total_steps:
        raise ValueError(
            f"transfer.unfreeze={unfreeze} unfreezes the first block when the run's {clock.total_steps} steps are"
            " over: shorten it, for example transfer.unfreeze=10%, or set transfer.unfreeze=null"
        )
    return frozen
