"""What a private run tells that it spent: also after a kill, from a checkpoint, and of a target."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from opacus.accountants import RDPAccountant

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

JobOf = Callable[..., Job]
PRIVATE = ("sampling=poisson", "privacy=dp_sgd", "trainer=cpu", "trainer.threads=1")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


def rows(job: Job) -> list[dict[str, str]]:
    return list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))


def test_tells_what_was_spent(job_of: JobOf, capsys: pytest.CaptureFixture[str]) -> None:
    job = job_of(*PRIVATE, "epochs=3", "flush_every=5", "batch_growth=multiply", "batch_growth.every=1")
    report = run(job)
    theirs = RDPAccountant()
    theirs.history = [(1.0, 1 / 17, 17), (1.0, 1 / 9, 9), (1.0, 1 / 5, 5)]  # 1,079 examples in batches of 64, 128, 256
    expected = theirs.get_epsilon(1e-5)
    assert report.privacy == {
        "epsilon": pytest.approx(expected, rel=1e-9),
        "delta": 1e-5,
        "noise_multiplier": 1.0,
        "max_grad_norm": 1.0,
        "steps": 31,
    }
    assert json.loads((job.folder / "report.json").read_text())["privacy"] == report.privacy
    spent = [float(row["privacy/epsilon"]) for row in rows(job) if row["privacy/epsilon"]]
    assert len(spent) >= 6
    assert spent == sorted(spent)
    assert spent[-1] == report.privacy["epsilon"]
    assert f"the gradients spent ε = {expected:.3g} at δ = 1e-05" in capsys.readouterr().out
    assert f"spent ε = {expected:.3g} at δ = 1e-05" in (job.folder / "report.html").read_text()


def test_steps_after_the_best_are_counted(job_of: JobOf) -> None:
    job = job_of(*PRIVATE, "epochs=4", "privacy.noise_multiplier=1000.0", "seed=1")  # noise: the best is anywhere
    report = run(job)
    best = torch.load(job.folder / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] < 68, "the tested weights are not the last"
    assert best["privacy"] == {"history": [[1000.0, 1 / 17, best["global_step"]]]}
    assert report.privacy is not None
    assert report.privacy["steps"] == 68


def test_a_target_is_what_a_run_spends(job_of: JobOf) -> None:
    job = job_of(*PRIVATE, "epochs=2", "privacy.noise_multiplier=null", "privacy.epsilon=2.0")
    spent = run(job).privacy
    assert spent is not None
    assert 1.96 < spent["epsilon"] <= 2.0
    assert spent["noise_multiplier"] > 0.5


def test_a_killed_run_counts_each_step_once(job_of: JobOf, tmp_path: Path, cut_off: Callable[..., None]) -> None:
    words = (*PRIVATE, "epochs=2", "flush_every=1", "batch_size=128")
    whole = run(job_of(*words, folder=tmp_path / "whole"))
    job = job_of(*words)
    cut_off(job, 13)  # the checkpoint is the one at the end of an epoch: steps are taken again
    killed = Report.load(job.folder).privacy
    assert killed is not None
    assert killed["steps"] == 12, "what was flushed before the kill"
    report = run(job)
    assert report.privacy == whole.privacy
    assert report.privacy is not None
    assert report.privacy["steps"] == 18
    for name, weight in weights(tmp_path / "whole").items():
        assert torch.equal(weights(job.folder)[name], weight)


def test_goes_on_from_a_private_run_and_from_no_other(
    job_of: JobOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("epochs=1", "trainer=cpu", "sampling=poisson")
    first = run(job_of(*words, "privacy=dp_sgd", folder=tmp_path / "private"))
    run(job_of(*words, folder=tmp_path / "plain"))
    more = ("epochs=2", *words[1:], "privacy=dp_sgd", f"ckpt={tmp_path}/private/checkpoints/last.ckpt")
    both = run(job_of(*more, "privacy.noise_multiplier=2.0"))
    assert first.privacy is not None
    assert both.privacy is not None
    theirs = RDPAccountant()
    theirs.history = [(1.0, 1 / 17, 17), (2.0, 1 / 17, 17)]
    assert both.privacy["steps"] == 34
    assert both.privacy["epsilon"] == pytest.approx(theirs.get_epsilon(1e-5), rel=1e-9)
    for changed, message in (
        (f"ckpt={tmp_path}/plain/checkpoints/last.ckpt", r"ckpt=.*without privacy=dp_sgd.*start anew"),
        ("privacy.noise_multiplier=null privacy.epsilon=3.0", r"ckpt=.*privacy\.epsilon=3.*privacy\.noise_multiplier"),
    ):
        with pytest.raises(SystemExit):
            run(job_of(*more, *changed.split(), folder=tmp_path / "refused"))
        assert re.search(message, capsys.readouterr().err)
        assert not (tmp_path / "refused").exists()


def test_gradient_norm_is_that_of_the_noisy_gradient(job_of: JobOf) -> None:
    job = job_of(*PRIVATE, "epochs=1", "gradient_norm=whole", "flush_every=4", "privacy.noise_multiplier=1000.0")
    run(job)
    # 17,226 weights: the noise's norm is σC√17,226 / (qn), to a per cent; no example's gradient comes near it.
    expected = 1000 * math.sqrt(17_226) / (1079 / 17)
    assert [float(row["gradient_norm"]) for row in rows(job) if row["gradient_norm"]] == [
        pytest.approx(expected, rel=0.03) for row in rows(job) if row["gradient_norm"]
    ]
