"""Step decay at named moments (He et al., 2016, arXiv:1512.03385, section 4.2: at half and three quarters of the run).

ηₜ = η γ^n     n: the milestones that t steps have reached

A milestone in epochs lies where an epoch begins, also when batches grow. It bites where `step` does, and where the
falls should lie closer together towards the end: each is placed where the loss came to stand still in an earlier run.
"""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Span, parse_span, span_steps
from temper.scheduler.lapse import check_lasts
from temper.strategy import Scheduler, strategy


@strategy
class MultiStep(Scheduler):
    """A staircase whose steps are as long as the user wants."""

    warmup: Span
    milestones: tuple[Span, ...]
    gamma: Annotated[float, Field(gt=0, le=1, strict=True)]

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        if not self.milestones:
            raise ValueError("milestones must name at least one; scheduler=constant never changes the rate")
        for milestone in self.milestones:
            check_lasts("milestones", milestone, "a fall before the first step is a smaller optimizer.lr")
        for (first, unit), (second, other) in pairwise(map(parse_span, self.milestones)):
            if unit == other and second <= first:
                raise ValueError(
                    f"milestones must rise, and {second:g}{unit} follows {first:g}{unit}: name them in order, each once"
                )
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return γ to the power of the milestones reached; in a run that has steps, each lies behind the first."""
        first = min(1, clock.total_steps)  # a warm-up may have taken all of them
        reached = sum(step >= max(first, span_steps(milestone, clock)) for milestone in self.milestones)
        return float(self.gamma**reached)
