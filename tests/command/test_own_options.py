"""``--config-dir=FOLDER``: options from there are checked as those of conf/ are, and trials get the folder too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper.command import command_line
from temper.command.sweep import Here, Runner
from temper.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def flag(tmp_path: Path) -> str:
    """Return the word that names a folder, whose name wants quotes, with an option of the optimizer's in it."""
    folder = tmp_path / "it's mine"
    (folder / "optimizer").mkdir(parents=True)
    (folder / "optimizer" / "mine.yaml").write_text("_target_: temper.optimizer.sgd.SGD\nlr: 0.3\nweight_decay: 0.0\n")
    return f"--config-dir={folder}"


def test_options_of_the_folder_pass(flag: str) -> None:
    for words in (
        ["optimizer=mine", "optimizer.lr=0.1"],
        ["optimizer=sam", "optimizer@optimizer.base=mine", "optimizer.base.lr=0.1"],
        ["-m", "optimizer=mine,sgd", "seed=1,2"],
    ):
        command_line.check([flag, *words])
    command_line.check([*flag.split("=", 1), "optimizer=mine"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("optimizr=mine",), "there is no optimizr; did you mean optimizer?"),
        (("optimizer=mien",), "optimizer has no option mien; did you mean mine?"),
        (("optimizer=mine", "optimizer.lrr=1"), "optimizer has no lrr; did you mean lr?"),
        (("-m", "optimizer=adam,mine", "optimizer.beta1=0.5"), "trial 2/2, optimizer=mine optimizer.beta1=0.5: "),
    ],
)
def test_other_words_are_refused_as_without_it(flag: str, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Refusal) as refused:
        command_line.check([flag, *words])
    assert said in str(refused.value)


def test_says_which_folder_is_taken() -> None:
    with pytest.raises(Refusal, match="--config-dir=/nowhere: there is no such folder"):
        command_line.check(["--config-dir=/nowhere", "optimizer=mine"])
    with pytest.raises(Refusal, match="by --config-dir=FOLDER"):
        command_line.check(["optimizer=mine", "hydra.searchpath=[file:///nowhere]"])


def test_hydras_other_flags_answer_for_themselves(flag: str) -> None:
    command_line.check([flag, "--cfg", "job", "optimizer=nothing"])


def test_trials_get_the_folder(flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["train.py", flag, "-m", "optimizer=mine,sgd"])
    runner = Runner(Here(), lambda command, log: commands.append(list(command)) or 0, tmp_path)  # type: ignore[func-returns-value]
    runner.run(["optimizer=mine"], tmp_path / "0", 0)
    assert commands[0][2:4] == [flag, "optimizer=mine"]


def test_a_sweep(flag: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "train.py"), flag, "-m", "optimizer=mine", "seed=1", "debug=steps"]
    done = subprocess.run(
        [*command, f"hydra.sweep.dir={tmp_path / 'sweep'}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "lr: 0.3" in (tmp_path / "sweep" / "0" / "config.yaml").read_text()
