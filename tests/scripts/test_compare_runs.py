"""The program itself: its table, its files, its refusals; and that it answers without torch."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.image import imread
from tests.scripts.conftest import SCRIPTS, load


@pytest.fixture
def script() -> ModuleType:
    return load("compare_runs")


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for number, (optimizer, seed, accuracy, state) in enumerate(
        [
            ("sgd", 0, 0.90, "finished"),
            ("sgd", 1, 0.92, "finished"),
            ("adam", 0, 0.95, "finished"),
            ("adam", 1, 0.97, "finished"),
            ("adam", 2, 0.97, "running"),
        ]
    ):
        folder = tmp_path / "sweep" / str(number)
        folder.mkdir(parents=True)
        report = {
            "state": state,
            "digest": optimizer,
            "commit": None,
            "device": "this CPU",
            "choices": {"data": "digits", "optimizer": optimizer},
            "metrics": {"test/accuracy": accuracy},
            "score": {"metric": "val/accuracy", "value": accuracy, "better": "max"},
            "speed": {},
            "cost": {"seconds": 1.0},
            "generalisation": {"gap": 0.0},
            "complexity": {},
            "seed": seed,
        }
        (folder / "report.json").write_text(json.dumps(report))
    return tmp_path / "sweep"


def test_tells_saves_and_draws(
    script: ModuleType, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, picture = tmp_path / "tables" / "all.txt", tmp_path / "pictures" / "all.png"
    assert script.main([str(sweep), "--save", str(saved), "--plot", str(picture)]) == 0
    said = capsys.readouterr()
    assert said.err == f"{sweep}/4: left out: it has not finished (running)\n"
    assert "0.9600 ± 0.0141" in said.out
    assert "optimizer=adam  2 of 3  0.9600" in said.out
    assert "optimizer=adam lost 1 of 3 (1 running or killed)" in said.out
    assert "-0.0108 to +0.1108  no difference that can be told from noise" in said.out
    assert f"baseline: optimizer=sgd ({sweep}/0)" in said.out
    assert saved.read_text() == said.out
    height, width, _ = imread(picture).shape
    assert width == 975
    assert height > 200


def test_draws_curves(script: ModuleType, sweep: Path, tmp_path: Path) -> None:
    for number in range(4):
        (sweep / str(number) / "metrics.csv").write_text(f"step,val/accuracy\n10,0.{number}\n20,0.5\n")
    picture = tmp_path / "pictures" / "curves.png"
    assert script.main([str(sweep), "--curves", str(picture)]) == 0
    assert imread(picture).shape[1] == 975


def test_other_formats(script: ModuleType, sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([str(sweep), "--format", "csv", "--baseline", "optimizer=adam"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[2].startswith("optimizer=sgd,,sgd,2,0 1,test/accuracy,0.91,")
    assert len(said.out.splitlines()) == 3
    assert f"baseline: optimizer=adam ({sweep}/2)\n" in said.err
    assert script.main([str(sweep / "0"), "--format", "markdown", "--metric", "cost/seconds"]) == 0
    said = capsys.readouterr()
    assert "| data=digits optimizer=sgd | 1 | 1.0000 | baseline |" in said.out
    assert f"\n\n- baseline: data=digits optimizer=sgd ({sweep}/0)\n" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        (["sweep", "--plot", "a.jpg"], "--plot a.jpg: names no picture"),
        (["sweep", "--curves", "a.jpg"], "--curves a.jpg: names no picture"),
        (["sweep", "--curves", "a.png"], "--curves: "),
        (["sweep", "--save", "sweep"], "--save sweep: is a folder: name a file in it"),
        (
            ["sweep", "--plot", "sweep/0/report.json/x.png"],
            "--plot sweep/0/report.json/x.png: cannot be written (Not a",
        ),
        (["sweep", "--save", "x" * 300], f"--save {'x' * 300}: cannot be written (File name too long): name another"),
        (["sweep", "--plot", "/proc/x.png"], "--plot /proc/x.png: cannot be written (No such file or directory): name"),
        (
            ["sweep", "--curves", "/proc/x/y.png"],
            "--curves /proc/x/y.png: cannot be written (No such file or directory)",
        ),
        (["sweep", "--metric", "test/f1"], "--metric test/f1: none of the runs has measured it"),
        (["sweep", "--baseline", "optimizer=lion"], "--baseline optimizer=lion: none of the runs is of it"),
    ],
)
def test_refuses(
    words: list[str],
    message: str,
    script: ModuleType,
    sweep: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(sweep.parent)
    with pytest.raises(SystemExit) as end:
        script.main(words)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert f"temper: {message}" in said.err
    assert said.out == ""  # before any table


def test_a_fault_that_comes_with_the_writing_is_one_line(
    script: ModuleType, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        script.main([str(sweep), "--save", "/dev/full"])
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        "temper: --save /dev/full: cannot be written (No space left on device): name another file"
    )
    assert f"baseline: optimizer=sgd ({sweep}/0)" in said.out
    assert script.main([str(sweep), "--save", str(tmp_path / "kept.txt")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.txt", "sweep"]


def test_answers_without_torch(sweep: Path) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['compare_runs.py', {str(sweep)!r}]\n"
        f"try: runpy.run_path({str(SCRIPTS / 'compare_runs.py')!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in ('torch', 'lightning', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_method_of_which_no_run_finished_is_in_every_table_and_picture(
    script: ModuleType, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (2, 3):
        report = json.loads((sweep / str(number) / "report.json").read_text())
        (sweep / str(number) / "report.json").write_text(json.dumps(report | {"state": "failed"}))
    for number in (0, 1):
        (sweep / str(number) / "metrics.csv").write_text("step,val/accuracy\n10,0.5\n")
    drawn = [str(tmp_path / name) for name in ("means.png", "curves.png")]
    assert script.main([str(sweep), "--format", "csv", "--plot", drawn[0], "--curves", drawn[1]]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[2].startswith("optimizer=adam,,adam,0,,test/accuracy,,")
    assert said.out.splitlines()[2].endswith(",2,1,")
    assert "optimizer=adam lost 3 of 3 (2 failed, 1 running or killed)" in said.err
    assert all(imread(path).shape[1] == 975 for path in drawn)
