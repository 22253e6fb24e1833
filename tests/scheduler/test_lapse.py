"""What lies before a step, against counting by hand."""

import pytest

from temper.quantity import Clock
from temper.scheduler.lapse import check_lasts, epochs_before, spans_before

GROWING = Clock((0, 8, 12, 14, 15))  # batches that double


@pytest.mark.parametrize(
    ("step", "epochs"), [(0, 0.0), (4, 0.5), (8, 1.0), (9, 1.25), (13, 2.5), (14, 3.0), (15, 4.0), (17, 6.0)]
)
def test_epochs_are_those_of_the_clock(step: int, epochs: float) -> None:
    assert epochs_before(step, GROWING) == epochs
    assert spans_before(step, "2epochs", GROWING) == epochs / 2


@pytest.mark.parametrize(
    ("span", "step", "times"),
    [("4steps", 6, 1.5), ("50%", 6, 0.8), ("30%", 9, 2.0), ("1%", 3, 3.0), ("1step", 3, 3.0)],
)
def test_spans(span: str, step: int, times: float) -> None:
    assert spans_before(step, span, GROWING) == pytest.approx(times, abs=1e-12)


@pytest.mark.parametrize("span", ["2steps", "2epochs", "20%"])
def test_nothing_lies_before_the_start_of_no_run(span: str) -> None:
    assert spans_before(0, span, Clock((0,))) == 0


def test_refuses_no_length() -> None:
    check_lasts("every", "1steps", "")
    for span in (0, "0", "0%", "0epochs"):
        with pytest.raises(ValueError, match=r"^every must be longer than 0; go home$"):
            check_lasts("every", span, "go home")
