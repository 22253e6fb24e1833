"""A compiled run is the same run: its steps, its resume, its exports, and what reads its layers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.command.job import Job
from temper.run import run
from temper.training.trained import Trained, network_of

CutOff = Callable[..., None]
SMALL = ("precision=64-true", "epochs=2", "batch_size=200", "optimizer=adam", "trainer=cpu", "trainer.threads=1")
TAUGHT = ("distillation=[hints]", "distillation.hints.student_layer=hidden.activation1")


def state(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


@pytest.mark.parametrize("taught", [False, True], ids=["alone", "taught"])
def test_takes_the_steps_of_a_run_that_is_not(
    taught: bool, job_of: Callable[..., Job], cut_off: CutOff, tmp_path: Path
) -> None:
    words = SMALL
    if taught:
        run(job_of(*SMALL, "epochs=1", "compile=true", folder=tmp_path / "teacher"))
        words += (*TAUGHT, f"distillation.hints.teacher={tmp_path / 'teacher'}")
        words += ("distillation.hints.teacher_layer=hidden.activation1",)
    run(job_of(*words, folder=tmp_path / "plain"))
    compiled = job_of(*words, "compile=true", "checkpoint_seconds=1e-9", folder=tmp_path / "compiled")
    report = run(compiled)
    plain, other = state(tmp_path / "plain"), state(tmp_path / "compiled")
    assert plain.keys() == other.keys()
    for name in plain:
        torch.testing.assert_close(other[name], plain[name], rtol=0, atol=1e-9)
    cut = job_of(*words, "compile=true", "checkpoint_seconds=1e-9", folder=tmp_path / "cut")
    cut_off(cut, 5)
    run(cut)
    assert all(torch.equal(value, other[name]) for name, value in state(tmp_path / "cut").items())
    trained = Trained.find(str(tmp_path / "compiled"), "run")
    network = network_of(trained.experiment(), trained.checkpoint())
    assert not any(type(part).__name__ == "OptimizedModule" for part in network.modules())
    assert report.complexity.multiply_adds == 64 * 128 + 128 * 64 + 64 * 10
