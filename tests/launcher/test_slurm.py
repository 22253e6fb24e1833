"""Jobs are real processes here; only sbatch, srun, squeue, sacct and scancel are stand-ins of a few lines."""

import json
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from tests.launcher.conftest import Commands, run_all

from temper.command.sweep import launcher
from temper.launcher import slurm
from temper.launcher.slurm import Slurm
from temper.recipes import CONF

KNOBS = {
    "jobs": 4, "partition": None, "account": None, "minutes": 5, "nodes": 1, "tasks": 1, "cpus": 2, "gpus": 0,
    "memory": None, "setup": (), "options": None,
}  # fmt: skip
# A job is a process in the background; ".pid" and its number is there for as long as it is in the queue. It runs the
# queue's copy of the script, as SLURM's does: submitit renames its own once the job is taken.
STANDINS = {
    "sbatch": """
job=$(( $(ls "$QUEUE" | wc -l) + 1 )); cp "$1" "$QUEUE/$job"; touch "$QUEUE/.pid$job"
SLURM_JOB_ID=$job setsid bash -c '
  echo $$ > "$QUEUE/.pid$SLURM_JOB_ID"; bash "$QUEUE/$SLURM_JOB_ID"; rm -f "$QUEUE/.pid$SLURM_JOB_ID"
' > /dev/null 2>&1 &
echo "Submitted batch job $job"
""",
    "srun": """
while [ "${1#-}" != "$1" ]; do case "$1" in --output|--error) out=$2; shift 2;; *) shift;; esac; done
tasks=$(sed -n 's/^#SBATCH --ntasks-per-node=//p' "$QUEUE/$SLURM_JOB_ID")
for rank in $(seq 0 $(( tasks - 1 ))); do
  file=$(echo "$out" | sed "s/%j/$SLURM_JOB_ID/; s/%t/$rank/")
  SLURM_NTASKS=$tasks SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_NODEID=0 SLURM_JOB_NUM_NODES=1 "$@" >> "$file" 2>&1 &
done
wait
""",
    "squeue": 'while [ "$1" != -j ]; do shift; done; [ -e "$QUEUE/.pid$2" ] && echo RUNNING; true',
    "sacct": "true",
    "scancel": """
while [ -e "$QUEUE/.pid$1" ] && [ ! -s "$QUEUE/.pid$1" ]; do sleep 0.05; done
kill -- -$(cat "$QUEUE/.pid$1"); rm -f "$QUEUE/.pid$1"; echo "$1" >> "$QUEUE/.cancelled"
""",
}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the jobs that were submitted."""
    place, queue = tmp_path / "bin", tmp_path / "queue"
    place.mkdir()
    queue.mkdir()
    for name, lines in STANDINS.items():
        (place / name).write_text(f"#!/bin/bash\n{lines}\n")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=":")
    monkeypatch.setenv("QUEUE", str(queue))
    monkeypatch.setattr(slurm, "_LOOKS", 1.0)
    return queue


def test_each_trial_is_a_job(command: Commands, queue: Path, tmp_path: Path) -> None:
    knobs = KNOBS | {
        "partition": "gpu",
        "memory": 1.5,
        "setup": ("export GREETING=1",),
        "options": {"nice": 7, "exclusive": False},
    }
    with Slurm(**knobs).opened(tmp_path) as run:
        statuses = run_all(run, [command(number, status=2 * number) for number in range(2)], tmp_path, 2)
    assert statuses == [0, 2]
    seen = [json.loads((tmp_path / f"{number}.log").read_text()) for number in range(2)]
    assert [each["SLURM_PROCID"] for each in seen] == ["0", "0"]
    asked = (queue / "1").read_text().splitlines()
    for line in ("--partition=gpu", "--time=5", "--nodes=1", "--ntasks-per-node=1", "--cpus-per-task=2", "--mem=1536M"):
        assert f"#SBATCH {line}" in asked
    assert {"#SBATCH --nice=7", "export GREETING=1"} <= set(asked)
    assert not any("gpus" in line or "exclusive" in line for line in asked)
    assert any(line.startswith("srun ") and "--cpus-per-task=2" in line for line in asked)
    assert list((tmp_path / "slurm").glob("*.job")) == []


@pytest.mark.parametrize(("words", "asked"), [((), 0), (("launcher.options={constraint: h100}",), 1)])
def test_options_of_sbatch_are_set_as_the_file_says(
    words: tuple[str, ...], asked: int, command: Commands, queue: Path, tmp_path: Path
) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        where = launcher(compose("config", ["launcher=slurm", *words]))
    with where.opened(tmp_path) as run:
        assert run(command(0), tmp_path / "0.log") == 0
    assert (queue / "1").read_text().splitlines().count("#SBATCH --constraint=h100") == asked


ONE, EIGHT = {"_target_": "Auto"}, {"devices": 8, "nodes": 1}


@pytest.mark.parametrize(
    ("knobs", "trainer", "said"),
    [
        ({}, ONE, None),
        ({}, EIGHT, None),  # one process starts the others
        ({"tasks": 8}, EIGHT, None),
        ({"tasks": 8}, EIGHT | {"devices": "auto"}, None),
        ({"tasks": 2}, {"devices": [0, 3]}, None),
        ({"tasks": 2}, {"devices": "auto"}, None),  # GPUs, of which the node knows how many it has
        ({"tasks": 8}, ONE, "8 processes, and the trainer is for one: choose trainer=ddp trainer.devices=8"),
        ({"tasks": 8}, {"devices": 1}, "the trainer is for one"),
        ({"tasks": 8}, {"devices": 4}, "is for 4 on each of 1 nodes: set trainer=ddp trainer.devices=8"),
        ({"tasks": 8}, EIGHT | {"devices": 4}, "is for 4 on each of 1 nodes: set trainer.devices=8 trainer.nodes=1"),
        ({"tasks": 4, "nodes": 2}, EIGHT, "is for 8 on each of 1 nodes: set trainer.devices=4 trainer.nodes=2"),
        ({}, EIGHT | {"nodes": 2}, "would start 1 processes, and the trainer is for 8 on each of 2 nodes"),
    ],
)
def test_what_a_job_would_refuse_is_not_submitted(
    knobs: dict[str, int], trainer: dict[str, Any], said: str | None
) -> None:
    objection = Slurm(**KNOBS | knobs).objection(trainer)
    assert objection is None if said is None else said in str(objection)


def test_a_trial_of_several_processes(command: Commands, queue: Path, tmp_path: Path) -> None:
    with Slurm(**KNOBS | {"tasks": 2}).opened(tmp_path) as run:
        assert run(command(0, status=4), tmp_path / "0.log") == 4
    ranks = [json.loads(line)["SLURM_PROCID"] for line in (tmp_path / "0.log").read_text().splitlines()]
    assert sorted(ranks) == ["0", "1"]


def test_a_job_that_was_left_in_the_queue_is_waited_for(command: Commands, queue: Path, tmp_path: Path) -> None:
    killed = Slurm(**KNOBS).opened(tmp_path)
    run = killed.__enter__()
    Thread(target=run, args=(command(3, seconds=2.0), tmp_path / "3.log"), daemon=True).start()
    while not (tmp_path / "slurm" / "3.job").exists():
        pass
    with Slurm(**KNOBS).opened(tmp_path) as run_again:
        assert run_again(command(3, seconds=2.0), tmp_path / "3.log") == 0
    assert [job.name for job in queue.glob("[0-9]*")] == ["1"], "a second job was submitted"
    assert len((tmp_path / "3.log").read_text().splitlines()) == 1


def test_a_job_of_another_trial_is_not_taken_for_it(command: Commands, queue: Path, tmp_path: Path) -> None:
    kept = tmp_path / "slurm" / "3.job"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"job": "1", "command": command(3, seconds=9.0)}))
    (queue / ".pid1").touch()  # it runs
    (queue / "1").touch()
    with Slurm(**KNOBS).opened(tmp_path) as run:
        assert run(command(3), tmp_path / "3.log") == 0
    assert (queue / "2").exists()


def test_what_slurm_does_not_take_has_failed_and_the_rest_goes_on(
    command: Commands, queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sbatch = tmp_path / "bin" / "sbatch"
    taken = sbatch.read_text()
    sbatch.write_text("#!/bin/bash\necho 'sbatch: error: invalid partition specified: gpuu' >&2; exit 1\n")
    with Slurm(**KNOBS).opened(tmp_path) as run:
        assert run(command(0), tmp_path / "0.log") == 1
        sbatch.write_text(taken)
        assert run(command(1), tmp_path / "1.log") == 0
    assert "SLURM did not take the job: sbatch: error: invalid partition specified: gpuu" in capsys.readouterr().err


def test_where_slurm_has_no_room_it_is_asked_again(
    command: Commands, queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "_LATER", 0.01)
    sbatch, refused = tmp_path / "bin" / "sbatch", "sbatch: error: QOSMaxSubmitJobPerUserLimit"
    first = f'if [ ! -e "$QUEUE/.asked" ]; then touch "$QUEUE/.asked"; echo "{refused}" >&2; exit 1; fi\n'
    sbatch.write_text(f"#!/bin/bash\n{first}{STANDINS['sbatch']}\n")
    with Slurm(**KNOBS).opened(tmp_path) as run:
        assert run(command(0), tmp_path / "0.log") == 0
    assert (queue / ".asked").exists()


@pytest.mark.parametrize(
    ("refused", "again"),
    [
        ("sbatch: error: AssocMaxSubmitJobLimit", True),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", True),
        ("sbatch: error: Requested time limit is invalid (missing or exceeds some limit)", False),
        ("sbatch: error: invalid partition specified: gpuu", False),
    ],
)
def test_only_what_may_pass_is_asked_for_again(refused: str, again: bool) -> None:
    assert slurm._passes(RuntimeError(refused)) is again


def test_a_sweep_that_is_over_does_not_ask_again(command: Commands, queue: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "sbatch").write_text("#!/bin/bash\necho 'QOSMaxSubmitJobPerUserLimit' >&2; exit 1\n")
    statuses: list[int] = []
    with Slurm(**KNOBS).opened(tmp_path) as run:
        waiting = Thread(target=lambda: statuses.append(run(command(0), tmp_path / "0.log")))
        waiting.start()
    waiting.join(timeout=10.0)
    assert statuses == [1]


def test_an_interrupted_sweep_cancels_its_jobs(command: Commands, queue: Path, tmp_path: Path) -> None:
    statuses: list[int] = []
    with Slurm(**KNOBS).opened(tmp_path) as run:
        waiting = Thread(target=lambda: statuses.append(run(command(0, seconds=60.0), tmp_path / "0.log")))
        waiting.start()
        while not list((tmp_path / "slurm").glob("*_submitted.pkl")):
            pass
    waiting.join()
    assert (queue / ".cancelled").read_text() == "1\n"
    assert statuses == [1]


def test_a_job_that_vanishes_has_failed(
    command: Commands, queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Slurm(**KNOBS | {"setup": ("exit 9",)}).opened(tmp_path) as run:
        assert run(command(0), tmp_path / "0.log") == 1
    assert "SLURM has no job 1 any more, and it left no result" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "queued"),
    [
        ("echo PENDING", True),
        ("true", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", False),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", True),
    ],
)
def test_only_slurms_word_makes_a_job_vanish(answer: str, queued: bool, queue: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "squeue").write_text(f"#!/bin/bash\n{answer}\n")
    assert slurm._queued("7") is queued


def test_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for knob, value in (
        ("jobs", 0),
        ("minutes", 0),
        ("nodes", 0),
        ("tasks", 0),
        ("cpus", 0),
        ("gpus", -1),
        ("memory", 0.0),
    ):
        with pytest.raises(ValueError, match=knob):
            Slurm(**KNOBS | {knob: value})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="there is no srun here"), Slurm(**KNOBS).opened(tmp_path):
        pass
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ValueError, match=r"pip install 'temper\[slurm\]'"), Slurm(**KNOBS).opened(tmp_path):
        pass
