"""Successive halving against algorithm 1 of Li et al. (2018) in plain Python, and the table in their figure 1."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.search.conftest import Killed, carried, settings, space_of

from temper.search.halving import Halving
from temper.search.space import Setting
from temper.strategy import Trial

SPACE = space_of("a=interval(0,1)")
N_R_ETA = {"trials": 9, "factor": 3, "seed": 0}


def halving(**knobs: int) -> Halving:
    return Halving(**{**N_R_ETA, "first": 1, **knobs})


@pytest.mark.parametrize(
    ("bracket", "rungs", "sizes", "budget"),
    # n = 9, r = 1, R = 9, η = 3: of each rung its epochs, its trials, and epochs times trials
    [(0, (1, 3, 9), (9, 3, 1), [9, 9, 9]), (1, (3, 9), (9, 3), [27, 27])],
)
def test_table_of_the_paper(bracket: int, rungs: tuple[int, ...], sizes: tuple[int, ...], budget: list[int]) -> None:
    search = halving(first=3**bracket)  # r·η^s
    assert search.rungs(9) == rungs
    assert search.sizes(len(rungs)) == sizes
    assert [epochs * trials for epochs, trials in zip(rungs, sizes, strict=True)] == budget


@given(st.integers(2, 5), st.integers(1, 6), st.integers(1, 400))
def test_rungs_end_with_the_whole_run(factor: int, first: int, epochs: int) -> None:
    if epochs // factor < first:
        with pytest.raises(ValueError, match=r"search\.(first|factor)="):
            halving(factor=factor, first=first, trials=10**6).rungs(epochs)
        return
    rungs = halving(factor=factor, first=first, trials=10**6).rungs(epochs)
    assert rungs[-1] == epochs
    assert rungs[0] >= first > rungs[0] // factor
    assert [rung // factor for rung in rungs[1:]] == list(rungs[:-1])


def algorithm_1(losses: list[Callable[[int], float]], r: int, R: int, eta: int) -> list[list[int]]:
    """Return which configurations are run at each rung, line by line as the paper has it (its s is 0)."""
    T, ran, s_max = list(range(len(losses))), [], 0
    while r * eta ** (s_max + 1) <= R:
        s_max += 1
    for i in range(s_max + 1):
        n_i, r_i = len(losses) // eta**i, r * eta**i
        L = {theta: losses[theta](r_i) for theta in T}
        ran.append(sorted(T))
        T = sorted(T, key=lambda theta: L[theta])[: n_i // eta]
    return ran


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=9, max_size=30), st.sampled_from([2, 3]))
def test_runs_what_algorithm_1_runs(lines: list[tuple[float, float]], eta: int) -> None:
    losses = [lambda epochs, at=at, slope=slope: at + slope / epochs for at, slope in lines]
    R = eta**2
    expected = algorithm_1(losses, 1, R, eta)
    search = halving(trials=len(lines), factor=eta)
    rungs = search.rungs(R)
    trials = [Trial({"a": str(number)}) for number in range(len(lines))]
    ran = []
    while waiting := [number for number, trial in enumerate(trials) if not trial.judged]:
        ran.append(waiting)
        for number in waiting:
            trials[number].losses.append(losses[number](rungs[trials[number].rung]))
        for number in search.promoted(trials, len(rungs)):
            trials[number].rung += 1
    # ⌊⌊n/ηⁱ⌋/η⌋ = ⌊n/ηⁱ⁺¹⌋, so that the two count alike
    assert ran == expected


def test_what_failed_is_not_promoted() -> None:
    trials = [Trial({}, losses=[None if number < 7 else float(number)]) for number in range(9)]
    assert halving().promoted(trials, 3) == [7, 8]


def score(setting: Setting, rung: int) -> float | None:
    a = float(setting["a"])
    return None if a < 0.3 else -((a - 0.6) ** 2) - (a * 7 % 1) / 10**rung


def test_killed_anywhere(tmp_path: Path) -> None:
    whole = carried(tmp_path / "whole", halving(), SPACE, score, rungs=3)
    assert [sum(len(trial.losses) > rung for trial in whole.trials) for rung in range(3)] == [9, 3, 1]
    assert any(trial.losses == [None] for trial in whole.trials)
    for trials in range(13):
        with pytest.raises(Killed):
            carried(tmp_path / str(trials), halving(), SPACE, score, rungs=3, trials=trials)
        again = carried(tmp_path / str(trials), halving(), SPACE, score, rungs=3)
        assert again.trials == whole.trials
    reached = {rung: [n for n, trial in enumerate(whole.trials) if len(trial.losses) > rung] for rung in range(3)}
    for rung in range(2):
        ranked = sorted(reached[rung], key=lambda n: -(score(settings(whole)[n], rung) or -9.0))
        assert sorted(ranked[: (3, 1)[rung]]) == reached[rung + 1]
    assert [whole.best(3)] == reached[2]


@pytest.mark.parametrize(
    ("knobs", "epochs", "named"),
    [
        ({"first": 4}, 9, r"search\.first=4.*epochs=9.*lower search\.first to 3"),
        ({}, 2, r"search\.factor=3: epochs=2.*raise epochs"),
        ({"trials": 8}, 9, r"search\.trials=8.*search\.trials to 9 or more"),
    ],
)
def test_refuses_epochs(knobs: dict[str, int], epochs: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        halving(**knobs).rungs(epochs)


@pytest.mark.parametrize("knob", ["trials", "first"])
def test_refuses(knob: str) -> None:
    with pytest.raises(ValueError, match=knob):
        halving(**{knob: 0})
    with pytest.raises(ValueError, match="factor"):
        halving(factor=1)
