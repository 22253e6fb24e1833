"""What is printed where there is no terminal."""

from io import StringIO

import pytest
from rich.console import Console

from temper.training import progress
from temper.training.progress import Bar


def printed(bar: Bar) -> list[str]:
    assert isinstance(bar.console.file, StringIO)
    return bar.console.file.getvalue().splitlines()


def test_a_line_now_and_then_and_the_last_one_without_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    bar, clock = Bar(Console(file=StringIO()), 30), [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    bar.start(0)
    for step, seconds in ((10, 1.0), (20, 20.5), (25, 1.0), (30, 1.0)):
        clock[0] += seconds
        bar.tell(step, step // 10, {"train/loss": 1 / step})
    assert printed(bar) == ["step 20/30  epoch 2  loss 0.0500"]
    bar.stop()
    bar.stop()
    assert printed(bar)[1:] == ["step 30/30  epoch 3  loss 0.0333"]


def test_huge_numbers_have_an_exponent() -> None:
    bar = Bar(Console(file=StringIO()), 30)
    bar.tell(1, 0, {"train/loss": 999_999.5, "val/rmse": 2.75e24})
    bar.stop()
    assert printed(bar) == ["step 1/30  epoch 0  loss 999999.5000  val/rmse 2.75e+24"]
