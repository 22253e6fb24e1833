"""What transfers share: which blocks stay as they are, and until when.

    block b of B, from the input, is frozen for b <= F        ``freeze`` F; backbone: F = B, and only the head learns
    block F - i begins to learn after (i + 1) spans           ``unfreeze``: i = 0 is the frozen block next to the head

The second line is gradual unfreezing (Howard and Ruder, 2018, arXiv:1801.06146, section 3.3; there a span is an epoch).
A block is what the network's ``blocks()`` calls one. What was not taken from the source is new, and learns from the
start wherever it lies.
"""

from typing import Literal, Self

from pydantic import model_validator

from temper.quantity import Clock, Count, Span, parse_span, span_steps
from temper.strategy import Transfer, strategy


@strategy
class Freezing(Transfer):
    """A transfer that may leave blocks as they are, for good or for a while."""

    freeze: Literal["backbone"] | Count | None
    unfreeze: Span | None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.unfreeze is None:
            return self
        if self.freeze is None:
            raise ValueError(f"unfreeze={self.unfreeze} has nothing to unfreeze: set freeze=backbone, or unfreeze=null")
        if parse_span(self.unfreeze)[0] == 0:
            raise ValueError(f"unfreeze={self.unfreeze} would unfreeze all at once: 1epochs is a block an epoch")
        return self

    @property
    def freezes(self) -> bool:
        """Return whether ``freeze`` names something."""
        return self.freeze is not None

    def begins(self, blocks: int, clock: Clock) -> list[int]:
        """Return the step from which each block learns.

        Raises:
            ValueError: there are fewer blocks than ``freeze`` says.
        """
        if isinstance(self.freeze, int) and self.freeze > blocks:
            raise ValueError(
                f"transfer.freeze={self.freeze}: the network has {blocks} block{'s' * (blocks != 1)} before its head:"
                " at most so many, or transfer.freeze=backbone for all"
            )
        frozen = blocks if self.freeze == "backbone" else self.freeze or 0
        return [self._after(frozen - block, clock) for block in range(frozen)] + [0] * (blocks - frozen)

    def _after(self, spans: int, clock: Clock) -> int:
        """Return the step at which so many spans are over; the run's last if they never are."""
        if self.unfreeze is None:
            return clock.total_steps
        length, unit = parse_span(self.unfreeze)
        if unit == "%":
            steps = round(spans * length / 100 * clock.total_steps)
        else:
            steps = span_steps(f"{spans * length:f}{unit}", clock)
        return min(steps, clock.total_steps)
