"""Spans and the clock against counting by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.quantity import Clock, parse_span, span_steps

EVEN = Clock(tuple(range(0, 110, 10)))  # 10 epochs of 10 steps
GROWING = Clock((0, 8, 12, 14, 15))  # batches that double


@pytest.mark.parametrize(
    ("span", "clock", "steps"),
    [
        (0, EVEN, 0),
        ("0", EVEN, 0),
        ("7steps", EVEN, 7),
        ("1 step", EVEN, 1),
        ("2epochs", EVEN, 20),
        ("2.5epochs", EVEN, 25),
        ("12epochs", EVEN, 120),
        ("10%", EVEN, 10),
        ("100%", EVEN, 100),
        ("1epoch", GROWING, 8),
        ("1.5epochs", GROWING, 10),
        ("4epochs", GROWING, 15),
        ("20%", GROWING, 3),
        ("2epochs", Clock((0,)), 0),  # what a warm-up has left of a run that it takes whole
    ],
)
def test_counts_steps(span: str | int, clock: Clock, steps: int) -> None:
    assert span_steps(span, clock) == steps


@pytest.mark.parametrize("text", ["5", 5, 0.1, "fast", "-1steps", "101%", "1.5steps", "", True, "epochs"])
def test_refuses_what_is_no_length(text: str | int | float) -> None:
    with pytest.raises(ValueError, match=r"steps|unit|100%|whole"):
        parse_span(text)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), data=st.data())
def test_every_step_is_in_its_epoch(sizes: list[int], data: st.DataObject) -> None:
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    clock = Clock(tuple(starts))
    step = data.draw(st.integers(0, clock.total_steps - 1))
    owner = [epoch for epoch, size in enumerate(sizes) for _ in range(size)][step]
    assert clock.epoch(step) == owner
    assert clock.progress(step) == step / sum(sizes)
    assert clock.epochs == len(sizes)
