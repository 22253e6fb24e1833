"""What is proposed trains, nothing but the picture is left, and bad words are refused as train.py refuses them."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from matplotlib.image import imread
from tests.scripts.conftest import load

from temper.report.record import Report


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(tmp_path)
    return load("find_learning_rate")


def proposed(said: str) -> str:
    word = said.splitlines()[-1]
    assert word.startswith("optimizer.lr=")
    return word


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_the_proposal_trains_the_digits(
    optimizer: str, script: ModuleType, train: Callable[..., Report], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert script.main([f"optimizer={optimizer}"]) == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["outputs", "learning_rate.png"]
    word = proposed(capsys.readouterr().out)
    report = train(f"optimizer={optimizer}", word, "epochs=10")
    assert (report.metrics["test/accuracy"] or 0.0) >= 0.95


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["optimizer=sam"], ["optimizer.base.lr"]),
        (["optimizer=lookahead", "optimizer@optimizer.base=sam"], ["optimizer.base.base.lr"]),
        (["optimizer=muon"], ["optimizer.lr", "optimizer.rest.lr"]),
    ],
)
def test_the_proposal_is_in_words_that_train_py_takes(
    words: list[str],
    keys: list[str],
    script: ModuleType,
    composed: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert script.main([*words, "--steps", "60", "trainer=cpu"]) == 0
    said = capsys.readouterr().out
    found = said.splitlines()[-1].split()
    assert [word.partition("=")[0] for word in found] == keys
    before, after = (flat(composed(*each)["optimizer"], "optimizer") for each in (words, [*words, *found]))
    factors = [after[key] / before[key] for key in keys]
    assert factors == pytest.approx([factors[0]] * len(keys), rel=0.1)  # two digits each
    assert f"{after[keys[0]]:.3g}" in next(line for line in said.splitlines() if "proposed" in line)


def flat(node: dict[str, Any], key: str) -> dict[str, Any]:
    found = {}
    for name, value in node.items():
        found |= flat(value, f"{key}.{name}") if isinstance(value, dict) else {f"{key}.{name}": value}
    return found


def test_the_proposal_finds_the_line(
    script: ModuleType, train: Callable[..., Report], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["recipe=example/line_full_batch", "optimizer=sgd"]
    assert script.main([*words, "--save", "line.png"]) == 0
    said = capsys.readouterr().out
    assert "line.png" in said
    height, width, _ = imread(tmp_path / "line.png").shape
    assert (height, width) == (520, 832)
    report = train(*words, proposed(said))
    assert (report.metrics["train/distance"] or 1.0) < 1e-3  # 0.43 at the recipe's own 0.01


def test_says_when_there_is_no_minimum(script: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert script.main(["--from", "1e-6", "--to", "1e-3", "--steps", "30", "scheduler=one_cycle"]) == 1
    said = capsys.readouterr()
    assert "raise --to" in said.err
    assert "left out of the test: scheduler=one_cycle" in said.out
    assert "optimizer.lr=" not in said.out
    assert (tmp_path / "outputs" / "learning_rate.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimizer=adm"], "optimizer has no option adm; did you mean adam?"),
        (["optimizer.lr=-1"], "optimizer.lr=-1: must be > 0"),
        (["lr=1"], "here it is optimizer.lr=1"),
        (["loss=mse"], "loss=mse"),
        (["hydra.run.dir=x"], "hydra.run.dir=x: the test leaves no folder"),
        (["optimizer=sgd,adam"], "several values are a sweep"),
        (["--save", "x.txt"], "--save x.txt: names no picture: for example --save outputs/learning_rate.png"),
        (["--save", "/proc/x.png"], "--save /proc/x.png: cannot be written (No such file or directory): name another"),
        (["--steps", "3"], "--steps 3: must be >= 20"),
    ],
)
def test_refuses(words: list[str], message: str, script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script.main(words)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_refuses_a_sweep(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main(["-m", "optimizer=sgd,adam"])
    assert "-m" in capsys.readouterr().err
