"""What the training of a run has worked: multiply-adds, by what its steps cost one after the other."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import pairwise
from typing import Any

from temper.data.batches import Batches
from temper.report.measure import multiply_adds
from temper.report.record import Attempt
from temper.training.layer_freezing import Settling
from temper.training.supervised import Supervised


def training_multiply_adds(
    module: Supervised, batches: Batches, attempts: Sequence[Attempt], callbacks: Iterable[Any]
) -> int:
    """Return the multiply-adds of the examples of all ``attempts`` in training, forward with backward.

    Images count at the size that they had in each epoch, blocks of ``layer_freezing`` by what they still learned in a
    step, teachers, whom a step asks once, with their forward passes, and optimizers with the matrix products of each
    step. Not counted are the gradients that GradNorm asks for, and what distillers learn for themselves.
    """
    facts, clock = module.facts, module.facts.clock
    optimizer, distillers = module.ingredients.optimizer, module.ingredients.distillers.values()
    teachers = {id(each.teacher): each.teacher.network for each in distillers}.values()
    settling = next((each for each in callbacks if isinstance(each, Settling)), None)
    stops = set() if settling is None else set(settling.ends)

    def as_at(step: int) -> AbstractContextManager[None]:
        return nullcontext() if settling is None else settling.as_at(step)

    def of_step(step: int) -> int:
        """Return those of the optimizer in ``step``."""
        with as_at(step):
            return optimizer.multiply_adds({n: w for n, w in module.network.named_parameters() if w.requires_grad})

    @cache
    def of_one(shape: tuple[int, ...], step: int) -> int:
        """Return those of one example in ``step``."""
        with as_at(step):
            own = multiply_adds(module.network, shape)[1]
        return optimizer.passes * own + sum(multiply_adds(teacher, shape)[0] for teacher in teachers)

    # Of another run's steps, that run tells; attempts are noted by the first process alone.
    first, taken = attempts[0].from_step if attempts else 0, module.trainer.global_step
    worked, seen, examples = 0, 0, sum(attempt.examples for attempt in attempts)
    for begin, end in pairwise(sorted({*clock.epoch_starts, *stops})):
        epoch = clock.epoch(begin)
        steps = max(0, min(end, taken) - max(begin, first))
        shown = steps * batches.batch_size(epoch)
        shape = facts.epoch_shapes[epoch] if facts.epoch_shapes else facts.shape
        if shown:
            # Named by the last stop: between two of them all steps cost the same.
            last = max((stop for stop in stops if stop <= begin), default=0)
            worked += shown * of_one(shape, last) + steps * of_step(last)
            seen += shown
    return round(examples * worked / seen) if seen else 0
