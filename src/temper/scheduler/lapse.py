"""How much of a run lies before a step, counted in epochs or in a span of the user's; falls by such stretches."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Span, parse_span, span_steps
from temper.strategy import Scheduler, option, strategy


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


def check_moves(scheduler: Scheduler, clock: Clock) -> None:
    """Refuse a warm-up that a run is too short for, and a schedule that never changes the rate in it.

    Raises:
        ValueError: names the knob, and the way out.
    """
    total, warmup = clock.total_steps, span_steps(scheduler.warmup, clock)
    chosen = option(scheduler)
    if warmup > total:
        raise ValueError(
            f"scheduler.warmup={scheduler.warmup}: {warmup} steps are more than the run's {total}, and the rate would"
            " never be whole: shorten it, for example scheduler.warmup=5%"
        )
    if chosen == "constant" or scheduler.validates:
        return
    if warmup == total:
        raise ValueError(
            f"scheduler.warmup={scheduler.warmup} takes all of the run's {total} steps, and scheduler={chosen} never"
            " begins: shorten it, for example scheduler.warmup=5%, or choose scheduler=constant"
        )
    last = scheduler.warmed_factor(total - 1, clock)  # most schedules are seen to move by one look at their end
    if total - warmup > 1 and all(scheduler.warmed_factor(step, clock) == last for step in range(warmup, total)):
        raise ValueError(
            f"scheduler={chosen} leaves the rate as it is in all of the run's {total - warmup} steps"
            f"{' after the warm-up' if warmup else ''}: let it act earlier by its knobs, or choose scheduler=constant"
        )


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
