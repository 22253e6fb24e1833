"""``-m search=NAME``: in process with trials that are a function of their words, and once with real ones."""

import csv
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.command.conftest import Searched

from temper.command import command_line
from temper.command.sweep import Runner
from temper.refusal import Refusal
from temper.report.record import Generalisation, Report, Score

ROOT = Path(__file__).resolve().parents[2]
SPACE = ("optimizer.lr=tag(log,interval(0.001,1))", "task.dropout=choice(0,0.2,0.4)")


class Trials:
    """Stands for trials as processes: notes their words, and leaves a report whose score is a function of them."""

    def __init__(self) -> None:
        self.ran: list[tuple[int, str | None]] = []  # each trial and where it was left off
        self.logs: list[Path | None] = []
        self.failing: set[int] = set()

    def run(self, runner: Runner, words: Sequence[str], folder: Path, number: int) -> int:
        values = dict(word.split("=", 1) for word in words)
        self.ran.append((number, values.get("pause")))
        self.logs.append(runner.log(number))
        if number in self.failing:
            return 1
        folder.mkdir(parents=True, exist_ok=True)
        score = 1 - abs(float(values["optimizer.lr"]) - 0.1) - float(values["task.dropout"]) / 10
        report = Report(
            "train", state="paused", score=Score("val/accuracy", score, "max"), epochs=int(values["epochs"])
        )
        if "pause" not in values:
            report.state, report.generalisation = "finished", Generalisation(test=score / 2)
        report.save(folder)
        return 0


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    fake = Trials()
    monkeypatch.setattr(Runner, "run", lambda *asked: fake.run(*asked))
    return fake


def results(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep" / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_random(searched: Searched, trials: Trials, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert searched("search=random", "search.trials=3", *SPACE, "epochs=7") == 0
    rows = results(tmp_path)
    best = int(rows[0]["trial"])
    assert trials.ran == [*((number, "test") for number in range(3)), (best, None)]
    assert [float(row["score"]) for row in rows] == sorted((float(row["score"]) for row in rows), reverse=True)
    assert {row["state"] for row in rows} == {"whole"}
    assert {row["epochs"] for row in rows} == {"7"}
    assert rows[0]["folder"] == str(tmp_path / "sweep" / str(best))
    said = capsys.readouterr().out
    score = float(rows[0]["score"])
    assert f"trial {best}, chosen by val/accuracy {score:.4f}; test/accuracy {score / 2:.4f}" in said
    words = next(line for line in said.splitlines() if line.startswith("run it: ")).removeprefix("run it: ")
    lr, dropout = rows[0]["optimizer.lr"], rows[0]["task.dropout"]
    assert words == f"python train.py optimizer.lr={lr} task.dropout={dropout} epochs=7"
    command_line.check(shlex.split(words)[2:])
    assert (tmp_path / "sweep" / "search.png").read_bytes().startswith(b"\x89PNG")


def test_goes_on(searched: Searched, trials: Trials, tmp_path: Path) -> None:
    trials.failing = {1}
    assert searched("search=random", "search.trials=2", *SPACE, "epochs=7") == 0
    assert [row["state"] for row in results(tmp_path)] == ["whole", "failed"]
    trials.ran.clear()
    trials.failing = set()
    assert searched("search=random", "search.trials=4", *SPACE, "epochs=7", "trainer=cpu") == 0
    assert [number for number, pause in trials.ran if pause] == [1, 2, 3]
    assert len(results(tmp_path)) == 4
    assert searched("search=random", "search.trials=4", *SPACE, "epochs=8") == 2


def test_says_which_others_were_tested_before(
    searched: Searched, trials: Trials, capsys: pytest.CaptureFixture[str]
) -> None:
    for count, said in (("1", "this trial alone"), ("3", "this trial, and before for trial 0")):
        assert searched("search=random", "search.seed=1", f"search.trials={count}", *SPACE, "epochs=7") == 0
        assert f"looked at for {said}\n" in capsys.readouterr().out
    assert [number for number, pause in trials.ran if pause is None] == [0, 2]


def test_halving(searched: Searched, trials: Trials, tmp_path: Path) -> None:
    words = ("search=halving", "search.trials=4", "search.factor=2", *SPACE, "epochs=5")
    assert searched(*words) == 0
    rows = results(tmp_path)
    order = [int(row["trial"]) for row in rows]
    assert [pause for _, pause in trials.ran] == ["1"] * 4 + ["2"] * 2 + ["test", None]
    assert {number for number, pause in trials.ran if pause == "2"} == set(order[:2])
    assert trials.ran[-2:] == [(order[0], "test"), (order[0], None)]
    assert [row["state"] for row in rows] == ["whole", *["left off"] * 3]
    assert [row["epochs"] for row in rows] == ["5", "2", "1", "1"]
    assert searched(*words) == 0  # over: the best is asked for its report alone
    assert trials.ran[8:] == [(order[0], None)]


def test_grid_and_several_at_a_time(searched: Searched, trials: Trials, tmp_path: Path) -> None:
    assert (
        searched(
            "search=grid", "launcher=local", "launcher.jobs=2", "optimizer.lr=0.1,0.2", "task.dropout=0,0.4", "epochs=2"
        )
        == 0
    )
    assert sorted(trials.ran[:4]) == [(number, "test") for number in range(4)]
    assert set(trials.logs[:4]) == {tmp_path / "sweep" / f"{number}.log" for number in range(4)}
    first = results(tmp_path)[0]
    assert (first["trial"], first["optimizer.lr"], first["task.dropout"]) == ("0", "0.1", "0")
    assert trials.ran[4:] == [(0, None)]


def test_halving_scores_every_trial_of_the_first_round(
    searched: Searched, trials: Trials, capsys: pytest.CaptureFixture[str]
) -> None:
    for axis, name in (("pruning", "magnitude"), ("low_rank", "truncated_svd")):
        words = ("search=halving", "search.trials=3", "epochs=3", f"{axis}=none,{name}", "optimizer.lr=0.05,0.1")
        for seed in range(4):
            assert searched(*words, f"search.seed={seed}") == 2
            assert f"{axis}={name} has no network to score before" in capsys.readouterr().err
    assert trials.ran == []


def test_a_test_that_fails_is_told_as_that(
    searched: Searched, trials: Trials, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trials.run

    def failing(runner: Runner, words: Sequence[str], *others: Any) -> int:
        return run(runner, words, *others) if any(word.startswith("pause=") for word in words) else 1

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trials, "run", failing)
        assert searched("search=random", "search.trials=2", *SPACE, "epochs=7") == 1
    said = capsys.readouterr().err
    assert "is the best, and its test failed" in said
    assert "no trial reached its end" not in said
    (tmp_path / "sweep" / "0" / "report.json").unlink()  # a trial that was cleared away is told by what is remembered
    assert searched("search=random", "search.trials=2", *SPACE, "epochs=7") in (0, 1)
    assert len(results(tmp_path)) == 2


def test_all_fail(searched: Searched, trials: Trials, capsys: pytest.CaptureFixture[str]) -> None:
    trials.failing = {0, 1}
    assert searched("search=random", "search.trials=2", *SPACE) == 1
    captured = capsys.readouterr()
    assert "2 of 2 trials failed" in captured.out
    assert "no trial reached its end" in captured.err


REFUSED = [
    (("seed=1,2", "hydra.sweeper.max_batch_size=1"), ("hydra.sweeper.max_batch_size", "launcher.jobs=2")),
    (("search=random", *SPACE, "data.validation=0"), ("search=random", "data.validation=0", "raise data.validation")),
    (("search=random", *SPACE, "pause=1"), ("pause", "search=random")),
    (("search=random", *SPACE, "optimizer.momentum=2"), ("optimizer.momentum=2", "< 1")),
    (("search=random", *SPACE, "hydra.sweep.subdir=x"), ("hydra.sweep.subdir", "${hydra.job.num}")),
    (("search=grid", "optimizer=adam,momentum", "optimizer.momentum=0.5"), ("optimizer=adam", "optimizer.momentum")),
    (("search=random", "search.trials=0", *SPACE), ("search.trials=0", "> 0")),
    (("search=random", "search.trials=4", "epochs=1,2,3"), ("search.trials=4", "3 settings", "search=grid")),
    (("search=random", "seed=1,2", *SPACE), ("seed=1,2: search=random", "luckiest", "-m seed=1,2,3", "compare_runs")),
    (("search=grid", "seed=range(1,3)", "epochs=1,2"), ("seed=range(1,3): search=grid", "or leave search=grid out")),
    (("search=random", "launcher=slurm", "launcher.tasks=2", *SPACE), ("launcher.tasks=2", "choose trainer=ddp")),
    (("search=tpe", "search.startup=30", *SPACE), ("search.startup=30", "search.trials=30")),
    (("search=halving", *SPACE, "epochs=2"), ("search.factor=3", "epochs=2")),
    (("search=halving", *SPACE, "epochs=9", "search.first=5"), ("search.first=5", "epochs=9", "to 3 or less")),
    (("search=halving", *SPACE, "epochs=27", "search.trials=9"), ("search.trials=9", "27 or more")),
    (("search=halving", *SPACE, "epochs=27", "validate_every=2"), ("search=halving", "validate_every=2")),
    (
        ("search=halving", *SPACE, "epochs=27", "pruning=magnitude"),
        ("search=halving", "pruning=magnitude", "search.first"),
    ),
    (
        ("search=halving", *SPACE, "epochs=27", "low_rank=truncated_svd"),
        ("search=halving", "after 1 of 27", "low_rank=truncated_svd", "before 13.5", "raise search.first", "=random"),
    ),
    (("search=halving", "search.trials=9", "epochs=9,18", *SPACE), ("search=halving", "epochs is searched")),
    (
        ("search=halving", "search.trials=81", "task=mlp,linear_regression", SPACE[0]),
        ("search=halving", "task is searched", "set epochs="),
    ),
    (("search=random", "optimizer.lr=interval(1,0.1)"), ("optimizer.lr=interval(1,0.1)", "greater")),
    (("search=rnadom", *SPACE), ("search=rnadom", "did you mean random?")),
    (("search=tpe,random", *SPACE), ("search=tpe,random", "one value")),
    (("search=tpe", "launcher=local,ray", *SPACE), ("launcher=local,ray", "one value")),
    (("search=tpe", "launcher=local", "launcher.jobs=0", *SPACE), ("launcher.jobs=0",)),
    (("search=tpe", "launcher=local", "launcher.gpus=64", *SPACE), ("launcher.gpus=64", "launcher.gpus=auto")),
    (("search=tpe", "search.trials=10,20", *SPACE), ("search.trials=10,20", "one value")),
    (("search=tpe", "search.trails=10", *SPACE), ("search.trails", "did you mean trials?")),
    (("search=tpe", "epochs=3"), ("search=tpe", "values to choose from")),
    (("search=grid", *SPACE), ("optimizer.lr=tag(log,interval(0.001,1))", "choice()", "search=random")),
    (("optimizer.lr=interval(0,1)",), ("optimizer.lr=interval(0,1)", "choice()", "search=random")),
    (
        ("search=random", "search.trials=3", "optimizer=sgd,adam", "optimizer.momentum=interval(0,0.9)"),
        ("optimizer.momentum: optimizer has no momentum; optimizer=lars, momentum",),
    ),
    (("search.trials=3", "optimizer.lr=1,2"), ("search.trials", "search=NAME")),
]


@pytest.mark.parametrize(("words", "named"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_refuses(
    words: tuple[str, ...],
    named: tuple[str, ...],
    searched: Searched,
    trials: Trials,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert searched(*words) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in named), said
    assert len(said.splitlines()) == 1
    assert trials.ran == []


def test_refuses_a_search_of_one_run() -> None:
    for words in (["search=tpe"], ["search=tpe", "optimizer.lr=0.1"], ["optimizer.lr=0.1,0.2", "search=grid"]):
        with pytest.raises(Refusal, match=r"-m"):
            command_line.check(words)


def test_real_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Callable[..., Report]) -> None:
    """Two trials of which one is trained on: it ends as the run that its command names, to the bit."""
    words = ["search=halving", "search.trials=2", "search.factor=2", "optimizer.lr=0.001,0.1", "epochs=2"]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    command = [sys.executable, str(ROOT / "train.py"), "-m", *words, "hydra.sweep.dir=sweep"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    best, other = (int(row["trial"]) for row in results(tmp_path))
    reports = {number: Report.load(tmp_path / "sweep" / str(number)) for number in (best, other)}
    assert (reports[best].state, reports[other].state) == ("finished", "paused")
    assert len(reports[best].attempts) == 2
    assert not any(name.startswith("test/") for name in reports[other].metrics)
    again = next(line for line in done.stdout.splitlines() if line.startswith("run it: "))
    alone = train(*shlex.split(again)[4:], folder=tmp_path / "alone")
    one, two = (
        torch.load(tmp_path / folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in ("alone", f"sweep/{best}")
    )
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert (alone.metrics, alone.digest) == (reports[best].metrics, reports[best].digest)
    for folder in ("alone", f"sweep/{best}"):
        assert "search" not in (tmp_path / folder / "config.yaml").read_text()
        assert "pause" not in (tmp_path / folder / "config.yaml").read_text()
