"""What the recorder says when there is nothing left to record."""

import re
from collections.abc import Callable

import pytest

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("optimizer=sgd",), "optimizer.lr"),
        (("optimizer=sam", "optimizer@optimizer.base=sgd"), "optimizer.base.lr"),
        (
            ("optimizer=lookahead", "optimizer@optimizer.base=sam", "optimizer@optimizer.base.base=sgd"),
            "optimizer.base.base.lr",
        ),
    ],
)
def test_a_loss_that_is_no_number_ends_the_run_and_names_the_rate(
    words: tuple[str, ...], key: str, job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(*words, f"{key}=1e30", "epochs=1", "flush_every=2", "trainer=cpu", "trainer.threads=1")
    with pytest.raises(SystemExit, match="1"):
        run(job)
    assert re.search(rf"the training loss is (nan|inf) at step \d+: lower {key}, add", capsys.readouterr().err)
    assert Report.load(job.folder).state == "failed"
