"""Quantities that a knob may hold, each with the bound that makes it one.

Numbers are strict: ``true`` is not 1.0 and ``"fast"`` is not a number, whatever a parser made of it.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Real = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]  # of a whole, or a probability
ProperFraction = Annotated[float, Field(ge=0, lt=1, strict=True)]  # less than the whole
OpenFraction = Annotated[float, Field(gt=0, lt=1, strict=True)]  # neither nothing nor the whole
AboveOne = Annotated[float, Field(gt=1, allow_inf_nan=False, strict=True)]
Forgetting = Annotated[float, Field(ge=0, lt=1, strict=True)]  # coefficient of a running average
Count = Annotated[int, Field(gt=0, strict=True)]
NonNegativeCount = Annotated[int, Field(ge=0, strict=True)]
Switch = Annotated[bool, Field(strict=True)]

_SPAN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(steps?|epochs?|%)\s*$")


@dataclass(frozen=True)
class Clock:
    """The run's one clock: it counts optimizer steps.

    ``epoch_starts`` holds the first step of each epoch and, last, the number of steps in all, so that batches that
    grow while training need no other clock.
    """

    epoch_starts: tuple[int, ...]

    @property
    def total_steps(self) -> int:
        """Return the number of optimizer steps of the whole run."""
        return self.epoch_starts[-1]

    @property
    def epochs(self) -> int:
        """Return the number of epochs of the whole run."""
        return len(self.epoch_starts) - 1

    def start(self, epoch: int) -> int:
        """Return the first step of ``epoch``; beyond the run, as if its last epoch were repeated."""
        beyond = max(0, epoch - self.epochs)
        return self.epoch_starts[epoch - beyond] + beyond * (self.epoch_starts[-1] - self.epoch_starts[-2])

    def steps(self, epoch: int) -> int:
        """Return the number of steps of ``epoch``."""
        return self.start(epoch + 1) - self.start(epoch)

    def epoch(self, step: int) -> int:
        """Return the epoch, from 0, that ``step`` belongs to."""
        return min(bisect_right(self.epoch_starts, step) - 1, self.epochs - 1)

    def progress(self, step: int) -> float:
        """Return the share of the run, in [0, 1], that lies before ``step``."""
        return min(1.0, step / self.total_steps)


def parse_span(text: str | int | float) -> tuple[float, str]:
    """Return the length and the unit (``step``, ``epoch`` or ``%``) that ``text`` names.

    Raises:
        ValueError: ``text`` is neither 0 nor a length with a unit.
    """
    if text in (0, "0") and not isinstance(text, bool):
        return 0.0, "step"
    match = _SPAN.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("is a length with its unit: 200steps, 5epochs or 10% (of the run); 0 for none")
    length, unit = float(match[1]), match[2].rstrip("s")
    if unit == "%" and length > 100:
        raise ValueError("is at most 100% of the run")
    if unit == "step" and length != int(length):
        raise ValueError("counts whole steps")
    return length, unit


def _checked(text: str | int | float) -> str:
    parse_span(text)
    return str(text)


Span = Annotated[str | int | float, AfterValidator(_checked)]  # 200steps, 5epochs, 10%, 0


def span_steps(span: str | int | float, clock: Clock) -> int:
    """Return how many steps of ``clock`` the ``span`` takes, counted from the start of the run."""
    length, unit = parse_span(span)
    if unit == "step":
        return int(length)
    if unit == "%":
        return round(length / 100 * clock.total_steps)
    whole = int(length)
    if whole >= clock.epochs:  # beyond the run: as if the last epoch went on
        last = clock.steps(clock.epochs - 1) if clock.epochs else 0  # a warm-up may have taken all of them
        return clock.total_steps + round((length - clock.epochs) * last)
    start, end = clock.epoch_starts[whole], clock.epoch_starts[whole + 1]
    return start + round((length - whole) * (end - start))
