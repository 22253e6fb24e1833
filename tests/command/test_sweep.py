"""``-m``: each trial a process of its own; a failed one does not stop the others; a sweep goes on."""

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import cast

import pytest
from hydra import compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobStatus
from omegaconf import OmegaConf
from tests.command.conftest import Searched

from temper.command.sweep import Here, Runner, Trials, _returned, apart, fault_of, opened, report_of
from temper.launcher.local import Local
from temper.refusal import Refusal, refusing
from temper.report.record import Report, Score
from temper.settings_file import container
from temper.training.folder import Folder

ROOT = Path(__file__).resolve().parents[2]
BASE = "optimizer@optimizer.base"


def sweep(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "train.py"), "-m", *words, "debug=steps", f"hydra.sweep.dir={folder}"]
    return subprocess.run(
        command,
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_trials(tmp_path: Path) -> None:
    words = ("optimizer.lr=0.01,-1", "launcher=local", "launcher.jobs=2")
    done = sweep(tmp_path / "sweep", *words)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    finished = {int(path.parent.name): Report.load(path.parent) for path in (tmp_path / "sweep").glob("*/report.json")}
    assert sorted(finished) == [0]
    assert finished[0].choices["optimizer"] == "momentum"
    assert finished[0].state == "finished"
    assert done.stdout.count("failed") == 2, "once as it ends, once in the table"
    assert "optimizer.lr=-1: must be > 0.0" in (tmp_path / "sweep" / "1.log").read_text()
    assert "launcher" not in (tmp_path / "sweep" / "0" / "config.yaml").read_text()
    again = sweep(tmp_path / "sweep", words[0])  # where trials run may differ
    assert again.stdout.count("nothing to train") == 1


def test_an_interruption_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, opened(Local(jobs=1, gpus="auto"), tmp_path):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    said = f"temper: interrupted: the same command with hydra.sweep.dir={tmp_path} goes on\n"
    assert capsys.readouterr().err == said
    spaced = tmp_path / "my sweep"
    with pytest.raises(SystemExit), opened(Local(jobs=1, gpus="auto"), spaced):
        raise KeyboardInterrupt
    word = shlex.split(capsys.readouterr().err)[6]  # as a shell reads it
    assert word == f'hydra.sweep.dir="{spaced}"'


def test_after_an_interruption_nothing_starts(tmp_path: Path) -> None:
    held = Folder(tmp_path / "0")
    held.enter({})
    started, statuses = [], []
    with suppress(SystemExit), opened(Here(), tmp_path) as runner:
        runner.run_trial = lambda command, log: started.append(command) or 0  # type: ignore[func-returns-value]
        waiting = Thread(target=lambda: statuses.append(runner.run([], tmp_path / "0", 0)))
        waiting.start()
        raise KeyboardInterrupt
    waiting.join(timeout=5.0)
    assert not waiting.is_alive()
    held.leave()
    assert (started, statuses) == ([], [130])


def test_a_process_that_is_about_to_take_the_folder_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep that was killed as its trial had only begun to import has left it behind."""
    monkeypatch.setattr("temper.command.sweep._PAUSE", 0.01)
    statuses = iter([os.EX_TEMPFAIL, os.EX_TEMPFAIL, 3])
    with opened(Here(), tmp_path) as runner:
        runner.run_trial = lambda command, log: next(statuses)
        assert runner.run([], tmp_path / "0", 0) == 3
    assert capsys.readouterr().err.count("is in use by another process: waiting for it") == 2


def test_a_disk_that_cannot_lock_is_told_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    (tmp_path / ".lock").touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    Folder(tmp_path).wait(Event())
    with pytest.raises(Refusal, match=r"cannot lock files \(Function not implemented\)") as refused:
        Folder(tmp_path).enter({})
    assert refused.value.status == 2


def test_a_folder_in_use_has_a_status_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = Folder(tmp_path)
    held.enter({})
    with pytest.raises(SystemExit) as ended, refusing():
        Folder(tmp_path).enter({})
    held.leave()
    assert ended.value.code == os.EX_TEMPFAIL
    assert "is in use by another process" in capsys.readouterr().err


def test_a_trial_without_validation_has_no_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Report(command="", state="finished").save(tmp_path)
    done = _returned(0, ["data.validation=0"], tmp_path, 0)
    Trials(OmegaConf.create(), cast("ConfigLoader", None))._tell([], [["data.validation=0"]], [tmp_path], [done])
    said = capsys.readouterr().out
    assert "nan" not in said
    assert "│ -" in said


@pytest.mark.parametrize(
    ("overrides", "shared", "own"),
    [
        ([["a=1", "b=1"], ["a=1", "b=2"]], ["a=1"], [["b=1"], ["b=2"]]),
        ([["b=1"], ["b=2"]], [], [["b=1"], ["b=2"]]),
        ([["a=1", "b=1"]], [], [["a=1", "b=1"]]),
        ([], [], []),
    ],
)
def test_a_trial_is_named_by_what_tells_it_from_the_others(
    overrides: list[list[str]], shared: list[str], own: list[list[str]]
) -> None:
    assert apart(overrides) == (shared, own)


def test_the_table_says_what_trials_share_once_and_which_metric_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides, folders = [["seed=0", "epochs=2"], ["seed=1", "epochs=2"]], [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()
        Report(command="", state="finished", score=Score("val/accuracy", 0.5, "max")).save(folder)
    done = [_returned(0, words, folder, 0) for words, folder in zip(overrides, folders, strict=True)]
    Trials(OmegaConf.create(), cast("ConfigLoader", None))._tell(*apart(overrides), folders, done)
    said = capsys.readouterr().out
    assert said.count("epochs=2") == 1
    assert "trials of epochs=2" in said
    assert "score" not in said
    assert said.count("val/accura") == 1, "folded, where the console is narrow"


@pytest.mark.parametrize(
    ("status", "said"),
    [(2, "failed with status 2"), (-9, "was ended by SIGKILL, as systems do where memory"), (143, "ended by SIGTERM")],
)
def test_says_how_a_trial_ended(status: int, said: str) -> None:
    assert said in fault_of(status)


def test_a_trial_without_a_report_has_failed(tmp_path: Path) -> None:
    assert report_of(tmp_path) is None
    (tmp_path / "report.json").write_text("{")
    assert report_of(tmp_path) is None
    Report("train", state="stopped").save(tmp_path)
    assert _returned(0, [], tmp_path, 0).status is JobStatus.FAILED
    Report("train", state="finished").save(tmp_path)
    assert _returned(0, [], tmp_path, 0).status is JobStatus.COMPLETED
    assert report_of(tmp_path / "nowhere") is None


def test_a_sweep_without_a_launcher_runs_here_and_does_not_wait_for_torch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text("print('shown'); raise SystemExit(3)")
    with opened(Here(), tmp_path) as runner:
        assert runner.log(0) is None
        assert runner.run_trial([sys.executable, str(program)], None) == 3
    assert capfd.readouterr().out == "shown\n"
    code = (
        "import sys; from omegaconf import OmegaConf; from temper.command import sweep;"
        " sweep.launcher(OmegaConf.create({'launcher': None})); raise SystemExit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_search_it_is_a_sweep(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def run(runner: Runner, words: Sequence[str], folder: Path, number: int) -> int:
        assert runner.log(number) is None
        ran.append((number, list(words)))
        return 1

    monkeypatch.setattr(Runner, "run", run)
    assert searched("optimizer=sgd,adam", "epochs=2") == 1
    assert ran == [(0, ["optimizer=sgd", "epochs=2"]), (1, ["optimizer=adam", "epochs=2"])]


def test_other_words_do_not_go_on_in_the_folders_of_a_sweep(
    searched: Searched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def run(runner: Runner, words: Sequence[str], folder: Path, number: int) -> int:
        mine = Folder(folder)
        mine.enter(container(compose("config", [word for word in words if word != "pause=test"])))
        mine.leave()
        ran.append(number)
        return 1

    monkeypatch.setattr(Runner, "run", run)
    words = ("optimizer=sgd,adam", "epochs=1", "pause=test")
    assert searched(*words, "seed=1,2") == 1
    assert searched(*words, "seed=1,2", "trainer=cpu") == 1
    assert ran == [*range(4), *range(4)], "what failed is tried again"
    capsys.readouterr()
    assert searched(*words, "seed=1,2,3") == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"{tmp_path / 'sweep' / '2'} holds a run with other settings" in said.err
    assert "seed=3 here, 1 there" in said.err
    assert "name another folder with hydra.sweep.dir=FOLDER, or give the same settings to go on" in said.err
    assert (said.out, len(ran)) == ("", 8)


@pytest.mark.parametrize(
    ("words", "trial", "said"),
    [
        (
            ("optimizer=adam,sgd", "optimizer.beta1=0.5"),
            "2/2, optimizer=sgd",
            "optimizer has no beta1; optimizer=adam",
        ),
        (("penalty=[],[l1]", "penalty.l1.alpha=0.01"), "1/2, penalty=[]", "add 'penalty=[l1]'"),
    ],
)
def test_a_trial_that_lacks_a_knob_is_named_before_any_starts(
    words: Sequence[str],
    trial: str,
    said: str,
    searched: Searched,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Runner, "run", None)
    assert searched(*words) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"temper: trial {trial} {words[1]}: {words[1].partition('=')[0]}: ")
    assert said in told
    assert told.count("\n") == 1


def test_a_knob_that_only_swept_options_have(
    searched: Searched, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(Runner, "run", lambda runner, words, folder, number: ran.append(words) or 1)
    for key, value, options in (("optimizer.beta1", "0.5", "adam,adamw"), (BASE, "sgd", "sam,lookahead")):
        words = f"optimizer={options}"
        assert searched(words, f"{key}={value}") == 2
        assert f"{key}={value}: what has it is chosen by the sweep: write it as one of its values: '{key}=choice" in (
            capsys.readouterr().err
        )
        assert searched(words, f"{key}=choice({value})") == 1
        assert [words[1] for words in ran] == 2 * [f"{key}={value}"]
        ran.clear()


def test_processes_that_a_trainer_is_not_for_are_not_asked_for(
    searched: Searched, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Runner, "run", None)
    assert searched("launcher=slurm", "launcher.tasks=8", "trainer=ddp", "trainer.devices=8,4") == 2
    assert "would start 8 processes, and the trainer is for 4 on each of 1 nodes" in capsys.readouterr().err
