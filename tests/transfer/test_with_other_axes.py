"""A transfer beside other axes: what is compared, and what a reader is told."""

from collections.abc import Callable
from pathlib import Path

from tests.transfer.conftest import DIGITS, words

from temper.command.job import Job
from temper.run import run

JobOf = Callable[..., Job]


def test_gradients_are_compared_where_layers_learn(digits: Path, job_of: JobOf) -> None:
    taught = ("distillation=[logits]", f"distillation.logits.teacher={digits}", "weighting=gradnorm")
    report = run(job_of(*DIGITS, "epochs=1", *words(digits, "transfer.freeze=backbone"), *taught))
    assert report.state == "finished"


def test_what_a_pruned_source_lacks_is_said(job_of: JobOf, tmp_path: Path) -> None:
    run(job_of(*DIGITS, "epochs=2", "pruning=magnitude", folder=tmp_path / "pruned"))
    source = words(tmp_path / "pruned", "epochs=1")
    for more, told in (("quantization=static", True), ("pruning=magnitude", False)):
        report = run(job_of(*DIGITS, *source, more, folder=tmp_path / more))
        assert any("was pruned by pruning=magnitude" in note for note in report.notes) == told
