"""What holds for each schedule there is, by its default knobs: bounds, the warm-up in front, runs of any shape."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from temper.command.command_line import options
from temper.command.job import Job
from temper.experiment import make
from temper.quantity import Clock
from temper.recipes import CONF
from temper.refusal import Refusal
from temper.run import run
from temper.scheduler.lapse import check_moves
from temper.strategy import Scheduler

NAMES = options("scheduler")
RISES_ITSELF = {"one_cycle", "triangular"}

clocks = st.lists(st.integers(1, 9), min_size=1, max_size=12).map(
    lambda sizes: Clock(tuple(sum(sizes[:end]) for end in range(len(sizes) + 1)))
)


@cache
def schedule(name: str, warmup: str) -> Scheduler:
    node: Any = OmegaConf.to_container(OmegaConf.load(CONF / "scheduler" / f"{name}.yaml"))
    made: Scheduler = make(node | {"warmup": warmup}, "scheduler")
    return made


def test_finds_what_there_is() -> None:
    assert len(NAMES) >= 12


@settings(deadline=None, max_examples=20)
@given(clock=clocks)
@pytest.mark.parametrize("name", NAMES)
def test_never_exceeds_the_base_rate(name: str, clock: Clock) -> None:
    factors = [schedule(name, "0").warmed_factor(step, clock) for step in range(clock.total_steps + 3)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[0] > 0


@settings(deadline=None, max_examples=20)
@example(clock=Clock((0, 1)), warmup="30%")
@given(clock=clocks, warmup=st.sampled_from(["1steps", "7steps", "1epochs", "2.5epochs", "30%", "100%"]))
@pytest.mark.parametrize("name", [name for name in NAMES if name not in RISES_ITSELF])
def test_warms_up_in_a_line_and_then_begins(name: str, clock: Clock, warmup: str) -> None:
    ours = schedule(name, warmup)
    factors = [ours.warmed_factor(step, clock) for step in range(clock.total_steps)]
    long = next((step for step, factor in enumerate(factors) if factor >= 1), len(factors) - 1) + 1
    assert factors[:long] == pytest.approx([(step + 1) / long for step in range(long)], abs=1e-12)
    rest = Clock((0, *(start - long for start in clock.epoch_starts if start > long)))
    for step in range(long, clock.total_steps):
        assert factors[step] == ours.factor(step - long, rest)


@pytest.mark.parametrize("name", sorted(RISES_ITSELF))
def test_one_that_rises_itself_refuses_a_warm_up(name: str) -> None:
    with pytest.raises(Refusal, match=r"scheduler\.warmup must be 0, not 5epochs: .*(pct_start|rise of its own)"):
        schedule(name, "5epochs")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_long_enough_takes_it_as_it_stands(name: str) -> None:
    check_moves(schedule(name, "0" if name in RISES_ITSELF else "5%"), Clock((0, 20, 40)))
    check_moves(schedule(name, "0"), Clock((0, 1)))  # nothing can change in a single step


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RISES_ITSELF])
def test_a_warm_up_longer_than_the_run_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"scheduler\.warmup=50epochs: 100 steps are more than the run's 8, .*=5%"):
        check_moves(schedule(name, "50epochs"), Clock((0, 2, 4, 6, 8)))
    whole = schedule(name, "100%")
    if name in ("constant", "plateau"):
        check_moves(whole, Clock((0, 8)))
    else:
        with pytest.raises(ValueError, match=rf"scheduler={name} never begins.*scheduler=constant"):
            check_moves(whole, Clock((0, 8)))


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("multi_step", {"milestones": ["100epochs", "150epochs"]}),
        ("multi_step", {"gamma": 1.0}),
        ("step", {"every": "50epochs"}),
        ("exponential", {"gamma": 1.0}),
        ("cosine", {"final_factor": 1.0}),
    ],
)
def test_a_schedule_that_never_moves_is_refused(name: str, knobs: dict[str, Any]) -> None:
    node: Any = OmegaConf.to_container(OmegaConf.load(CONF / "scheduler" / f"{name}.yaml"))
    made: Scheduler = make(node | knobs, "scheduler")
    with pytest.raises(ValueError, match=rf"scheduler={name} leaves the rate as it is in all of the run's 60 steps"):
        check_moves(made, Clock((0, 30, 60)))


def test_a_run_refuses_a_schedule_that_never_moves(
    job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("scheduler=step", "scheduler.every=50epochs", "epochs=2")
    job = job_of(*words)
    with pytest.raises(SystemExit):
        run(job)
    assert "scheduler=step leaves the rate as it is" in capsys.readouterr().err
    assert not job.folder.exists()
    assert run(job_of(*words, "debug=steps")).state == "finished"


def test_a_run_on_a_few_examples_is_shorter_than_its_warm_up(job_of: Callable[..., Job]) -> None:
    assert run(job_of("scheduler.warmup=150steps", "debug=overfit", "epochs=10")).state == "finished"
