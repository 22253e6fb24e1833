"""The moving average in plain floats, and torch's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.averaging.conftest import Walker
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from temper.averaging.ema import EMA
from temper.averaging.swa import SWA
from temper.command.job import Job
from temper.quantity import Clock
from temper.run import run

CLOCK = Clock((0, 10, 20))
PATH = st.lists(st.floats(-5, 5), min_size=1, max_size=20)


def ema(**knobs: Any) -> EMA:
    return EMA(**{"decay": 0.9, "ramp": False, "start": 0} | knobs)


@settings(deadline=None, max_examples=25)
@given(path=PATH, decay=st.floats(0, 0.999), ramp=st.booleans())
def test_is_the_recurrence_in_plain_floats(path: list[float], decay: float, ramp: bool) -> None:
    walker = Walker(ema(decay=decay, ramp=ramp).averager(CLOCK))
    average, expected = path[0], [path[0]]
    for taken, value in enumerate(path[1:], start=1):
        kept = min(decay, (1 + taken) / (10 + taken)) if ramp else decay
        average = kept * average + (1 - kept) * value
        expected.append(average)
    assert walker.walk(path) == pytest.approx(expected, abs=1e-9)


def test_is_torchs() -> None:
    walker = Walker(ema(decay=0.97).averager(CLOCK))
    theirs = AveragedModel(walker.network, multi_avg_fn=get_ema_multi_avg_fn(0.97))
    for value in (1.0, -2.0, 3.5, 0.25):
        (ours,) = walker.walk([value])
        theirs.update_parameters(walker.network)
        assert ours == pytest.approx(theirs.module.weight.item(), abs=1e-12)


def test_begins_late() -> None:
    walker = Walker(ema(start="3steps").averager(CLOCK))
    seen = walker.walk([1.0, 2.0, 3.0, 4.0])
    assert seen == pytest.approx([None, None, 3.0, 0.9 * 3 + 0.1 * 4])


def test_state_goes_on() -> None:
    first = Walker(ema(ramp=True).averager(CLOCK))
    first.walk([1.0, 2.0])
    second = Walker(ema(ramp=True).averager(CLOCK))
    second.step = 2
    second.averager.load_state_dict(first.averager.state_dict())
    assert second.walk([5.0, 7.0]) == first.walk([5.0, 7.0])


def test_weights_in_bfloat16_are_averaged_finer() -> None:
    walker = Walker(ema(decay=0.998).averager(CLOCK))
    walker.network.bfloat16()
    seen = walker.walk([0.0, *[1.0] * 200])
    assert seen[-1] == pytest.approx(1 - 0.998**200, rel=1e-4)  # by eights of bits nothing would have moved after 0.25
    again = Walker(ema(decay=0.998).averager(CLOCK))
    again.network.bfloat16()
    state = walker.averager.state_dict()
    again.averager.load_state_dict(state | {"average": {"weight": state["average"]["weight"].bfloat16()}})
    (went_on,) = again.walk([1.0])  # from a checkpoint of before, which held bfloat16
    assert went_on == pytest.approx(seen[-1], abs=1e-2)


@pytest.mark.parametrize("averaging", [ema(start="20steps"), SWA(start="20steps", every=1)])
def test_refuses_to_begin_at_the_end(averaging: EMA | SWA) -> None:
    with pytest.raises(ValueError, match=r"averaging\.start=20steps: after step 20 none of the run's 20 .*start=50%"):
        averaging.check(CLOCK)
    averaging.check(Clock((0, 20, 21)))


def test_a_run_that_ends_before_its_average_is_refused(
    job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(job_of("averaging=ema", "averaging.start=5000steps", "epochs=1"))
    assert "averaging.start=5000steps: after step 5000 none of" in capsys.readouterr().err


def test_average_is_not_the_weight_itself() -> None:
    walker = Walker(ema().averager(CLOCK))
    walker.walk([1.0])
    with torch.no_grad():
        walker.network.weight.fill_(9.0)
    average = walker.averager.average()
    assert average is not None
    assert average["weight"].item() == 1.0


@pytest.mark.parametrize(("knob", "value"), [("decay", 1.0), ("decay", -0.1), ("start", "soon"), ("ramp", 1)])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        ema(**{knob: value})


def test_takes_in_steps_and_not_micro_batches(job_of: Callable[..., Job], tmp_path: Path) -> None:
    words = ("epochs=2", "batch_size=60", "precision=64-true", "averaging=ema", "trainer=cpu", "trainer.threads=1")
    one, other = (tmp_path / str(parts) for parts in (1, 3))
    for parts, folder in ((1, one), (3, other)):
        run(job_of(*words, f"accumulate={parts}", folder=folder))
    states = [torch.load(each / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for each in (one, other)]
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=0, atol=1e-10)
