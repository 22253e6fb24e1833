"""Progressive layer freezing: the first blocks stop learning first (Brock et al., 2017, arXiv:1706.04983, FreezeOut).

    block b learns in the first ``until``[b] of the run    b = 0 is the one at the input; those not named, and the
                                                           head, learn to the end
    θ_b, and what its norms remember, stay from then on    no gradient is taken of what is frozen, nor of its inputs

A block is what the network's ``blocks()`` calls one; of a ResNet, and of a convolutional network with a stem, the first
is the stem. Early layers settle early, and most of a step is spent on them: their images are the largest. A backward
pass ends at the first block that learns, so that each block saves two thirds of its own time from then on. FreezeOut
also lets the rate of each block fall to zero until it stops; here the run's schedule is everybody's. It bites where
early blocks are what a step costs; frozen too soon, they cost accuracy.
"""

from itertools import accumulate, pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Span, parse_span, span_steps
from temper.strategy import LayerFreezing, strategy


@strategy
class Progressive(LayerFreezing):
    """Leave blocks as they are, one after the other from the input."""

    until: Annotated[tuple[Span, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _learn(self) -> Self:
        if any(parse_span(span)[0] == 0 for span in self.until):
            raise ValueError(
                "until: a block that learns for 0 stays as it was drawn: give each a while, such as 10%; trained"
                " weights are frozen by transfer.freeze"
            )
        return self

    def ends(self, blocks: int, clock: Clock) -> list[int]:
        """Return the step from which each block stays as it is.

        Raises:
            ValueError: there are fewer blocks than ``until`` names.
        """
        if len(self.until) > blocks:
            raise ValueError(
                f"layer_freezing.until names {len(self.until)} blocks, and the network has {blocks} before its head: at"
                f" most so many{'' if blocks else ', and so layer_freezing=none'}"
            )
        named = accumulate((max(1, span_steps(span, clock)) for span in self.until), max)
        learning = [clock.total_steps] * (blocks - len(self.until))
        return [min(step, clock.total_steps) for step in named] + learning

    def check(self, clock: Clock) -> None:
        """Refuse a block that would stop before one in front of it."""
        for before, after in pairwise(self.until):
            if max(1, span_steps(after, clock)) < max(1, span_steps(before, clock)):
                raise ValueError(
                    f"layer_freezing.until: {after} is before {before}, and a block behind one that learns must hand"
                    " its gradient on: no block may stop before those in front of it"
                )
