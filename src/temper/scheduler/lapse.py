"""How much of a run lies before a step, counted in epochs or in a span of the user's; falls by such stretches."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Span, parse_span
from temper.strategy import Scheduler, strategy


def epochs_before(step: int, clock: Clock) -> float:
    """Return how many epochs, in part perhaps, lie before ``step``; beyond the run the last epoch goes on."""
    if clock.epochs == 0:
        return 0.0
    epoch, starts = clock.epoch(step), clock.epoch_starts
    return epoch + (step - starts[epoch]) / (starts[epoch + 1] - starts[epoch])


def spans_before(step: int, span: str | int | float, clock: Clock) -> float:
    """Return how many times ``span``, in part perhaps, lies before ``step``.

    A share of the run need not be whole steps, so that shares that add up to the run end with it; a span is at least
    one step long.
    """
    length, unit = parse_span(span)
    if unit == "epoch":
        return epochs_before(step, clock) / length
    return step / max(1.0, length if unit == "step" else length / 100 * clock.total_steps)


def check_lasts(knob: str, span: str | int | float, otherwise: str) -> None:
    """Refuse a span of no length.

    Raises:
        ValueError: names ``knob`` and what to do ``otherwise``.
    """
    if parse_span(span)[0] == 0:
        raise ValueError(f"{knob} must be longer than 0; {otherwise}")


@strategy
class Stretched(Scheduler):
    """A fall by the factor ``gamma`` in each stretch of ``every``."""

    warmup: Span
    every: Span
    gamma: Annotated[float, Field(gt=0, le=1, strict=True)]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        check_lasts("every", self.every, "scheduler=constant never changes the rate")
        return self
