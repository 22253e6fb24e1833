from collections.abc import Callable
from pathlib import Path

import pytest

from temper.comparison.runs import find
from temper.refusal import Refusal

Made = Callable[..., Path]


def test_reads_what_was_measured(made: Made) -> None:
    (run,), lines = find([made("one", config={})])
    assert lines == []
    assert (run.digest, run.seed, run.metric, run.device, run.commit) == (
        "sgd", 0, "accuracy", "this CPU", "abcdef0123456789+dirty",
    )  # fmt: skip
    assert run.figures == {
        "test/accuracy": 0.9,
        "val/accuracy": 0.5,
        "speed/examples_per_second": 10.0,
        "cost/training_multiply_adds": 6000,
        "cost/seconds": 60.0,
        "generalisation/test": 0.9,
        "generalisation/gap": 0.01,
        "complexity/parameters": 100,
        "complexity/bytes": 2048,
    }
    assert run.config["epochs"] == 3


def test_without_a_score_the_main_metric_is_a_known_one(made: Made) -> None:
    (run,), _ = find([made("one", metric="rmse", score=None)])
    assert run.metric == "rmse"
    assert run.config == {}


def test_a_sweep_is_walked_in_the_order_of_its_trials(made: Made, tmp_path: Path) -> None:
    folders = [made(f"sweep/{number}", seed=number) for number in (10, 2, 1)]
    runs, lines = find([tmp_path / "sweep", folders[0]])
    assert [run.seed for run in runs] == [1, 2, 10]
    assert lines == []


def test_reads_how_it_ran(made: Made) -> None:
    noted = made("noted", target=0.9, processes=2, threads=1, forked=True, choices={"trainer": "ddp"})
    bare = made("bare", config={"target": 0.8})  # from before it was noted
    found = [(run.target, run.processes, run.threads, run.forked) for run in find([noted, bare])[0]]
    assert found == [(0.9, 2, 1, True), (0.8, 1, None, None)]


def test_says_which_runs_are_left_out(made: Made, tmp_path: Path) -> None:
    made("sweep/0")
    made("sweep/1", state="running")
    made("sweep/2", choices={"debug": "steps"})
    made("sweep/4", state="failed", score=None, metrics={}, choices={"debug": "steps"})
    (tmp_path / "sweep/3").mkdir()
    (tmp_path / "sweep/3/config.yaml").write_text("{}")
    runs, lines = find([tmp_path / "sweep"])
    assert [(run.folder.name, run.finished) for run in runs] == [("0", True), ("1", False)]
    assert [line.removeprefix(f"{tmp_path}/sweep/") for line in lines] == [
        "3: left out: it has no report yet",
        "1: left out: it has not finished (running)",
        "2: left out: debug=steps made it another run than its method's",
        "4: left out: debug=steps made it another run than its method's",
    ]


def test_refuses_what_is_no_run(made: Made, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"nowhere: there is no such folder: name the folder of a run, or of a sweep"):
        find([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal, match=r"empty: holds no run: name a folder with a report\.json in it"):
        find([made("one"), tmp_path / "empty"])
    with pytest.raises(Refusal, match=r"no finished run to compare: .*two: left out: it has not finished \(failed\)"):
        find([made("two", state="failed")])
    (made("three") / "report.json").write_text("{")
    with pytest.raises(Refusal, match=r"three/report\.json is not a report that this version of temper wrote"):
        find([tmp_path / "three"])
    for number, (damaged, said) in enumerate(((": : [", "cannot be read"), ("- a", "holds no settings"))):
        (made(f"settings{number}") / "config.yaml").write_text(damaged)
        with pytest.raises(Refusal, match=rf"settings{number}/config\.yaml {said}.*leave"):
            find([tmp_path / f"settings{number}"])
    (made("folder") / "report.json").unlink()
    (tmp_path / "folder" / "report.json").mkdir()
    with pytest.raises(Refusal, match=r"folder/report\.json is not a report .*Is a directory"):
        find([tmp_path / "folder"])
    (made("four") / "report.json").write_text('{"state": "finished"}')
    with pytest.raises(Refusal, match=r"four/report\.json is not a report .*'choices'"):
        find([tmp_path / "four"])
