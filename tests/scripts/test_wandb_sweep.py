"""What is written is what W&B's tool reads, and an agent's run trains in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from tests.scripts.conftest import SCRIPTS, load

from temper.report.record import Report

SPACE = ("optimizer=sgd,adam", "optimizer.lr=tag(log,interval(0.001,1))")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(tmp_path)
    return load("wandb_sweep")


def test_an_agents_run(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search=random", "search.trials=7", *SPACE, "debug=steps", "logger.wandb.project=rates"]
    assert script.main([*words, "trainer=cpu", "trainer.threads=1"]) == 0
    said = capsys.readouterr().out
    assert "wandb sweep --project rates outputs/sweep.yaml" in said
    config = yaml.safe_load((tmp_path / "outputs" / "sweep.yaml").read_text())
    assert (config["method"], config["run_cap"]) == ("random", 7)
    assert set(config["parameters"]) == {"optimizer", "optimizer.lr"}
    told = tmp_path / "told.yaml"
    told.write_text(yaml.safe_dump({"optimizer": {"value": "adam"}, "optimizer.lr": {"value": 0.01}}))
    own = [word for word in config["command"] if not word.startswith("${")]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS.parent / config["program"]), *own, "optimizer=adam", "optimizer.lr=0.01"],
        env=os.environ
        | {"WANDB_SWEEP_ID": "s1", "WANDB_RUN_ID": "r1", "WANDB_SWEEP_PARAM_PATH": str(told), "WANDB_MODE": "offline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "outputs" / "wandb" / "s1" / "r1"
    report = Report.load(folder)
    assert (report.state, report.choices["optimizer"]) == ("finished", "adam")
    assert (folder / "wandb_id").read_text() == "r1"


def test_agents_are_told_to_be_patient_with_runs_that_are_ended(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["search=halving", *SPACE, "epochs=9", "epochs=27"]) == 0  # the last word counts
    assert "WANDB_AGENT_DISABLE_FLAPPING=true" in capsys.readouterr().out
    config = yaml.safe_load(Path("outputs/sweep.yaml").read_text())
    assert [word for word in config["command"] if word.startswith("epochs=")] == ["epochs=27"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (SPACE, ("search", "search=random")),
        (("optimizer=sgd,adam", "seed=1,2"), ("search=NAME is missing", "add search=grid")),
        (("search=rndom", *SPACE), ("search=rndom", "random")),
        (("search=random", "search.trials=0", *SPACE), ("search.trials=0", "> 0")),
        (("search=random", "search.trials=3", "epochs=5"), ("search=random", "of a sweep: give some key values")),
        (("search=grid", *SPACE), ("an interval has no end", "choice()")),
        (("search=grid", "seed=1,2", "launcher=local"), ("launcher=local", "agents")),
        (("search=grid", "seed=1,2", "hydra.sweep.dir=x"), ("hydra.sweep.dir=x", "leave it away")),
        (("search=grid", "seed=1,2", "pause=1"), ("pause=1", "leave it away")),
        (("search=grid", "seed=1,2", "logger=[]"), ("logger=[wandb]",)),
        (("search=grid", "seed=1,2", "data.validation=0"), ("data.validation=0", "raise data.validation")),
        (("search=grid", "optimizer.lr=-1,1"), ("optimizer.lr=-1", "> 0")),
        (
            ("search=grid", "optimizer=sgd,momentum", "optimizer.momentum=0.8,0.9"),
            ("has no momentum; optimizer=lars",),
        ),
        (("search=grid", "optimizer=sgd,adm"), ("adm", "adam")),
        (("search=halving", *SPACE, "epochs=2"), ("search.factor=3", "epochs=2")),
        (("search=grid", "seed=1,2", "--save", "x.csv"), ("--save x.csv", "sweep.yaml")),
        (
            ("search=grid", "seed=1,2", "--save", "/proc/x.yaml"),
            ("--save /proc/x.yaml: cannot be written", "name another"),
        ),
    ],
)
def test_refuses(
    words: tuple[str, ...],
    named: tuple[str, ...],
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        script.main(list(words))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    for word in named:
        assert word in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
