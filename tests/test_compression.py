"""What is told of a run that is made smaller at once: where it does not go, and where it is worse than no network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from temper.command.job import Job
from temper.compression import Compressed, compress
from temper.refusal import Refusal
from temper.run import run
from temper.training.trained import Trained

SHORT = ("batch_size=100", "trainer=cpu", "trainer.threads=1")
REGRESSION = ("task=linear_regression", "data=diabetes", "preprocessing=[standardize]")
TRAINED = "What this run was trained by stays as it is here"


@pytest.fixture
def made(job_of: Callable[..., Job], tmp_path: Path) -> Callable[..., Compressed]:
    """Return a function from a run's words, and those of what makes it smaller, to what becomes of it."""

    def make(words: tuple[str, ...], smaller: str) -> Compressed:
        run(job_of(*words, *SHORT, folder=tmp_path / "whole"))
        return compress(Trained.find(str(tmp_path / "whole"), "RUN"), smaller.split(), 100, None, lambda _: None)

    return make


@pytest.mark.parametrize(
    ("words", "smaller", "fault", "of_training"),
    [
        (("epochs=1",), "low_rank=truncated_svd pruning=n_m", "choose pruning=none", False),
        (("epochs=1",), "pruning=channels pruning.by=scale", "choose pruning.by=l1", False),
        ((*REGRESSION, "epochs=1"), "pruning=channels", "its head alone", False),
        (("epochs=1", "sampling=poisson", "privacy=dp_sgd"), "quantization=static", "privacy=dp_sgd", True),
        (("epochs=1", "sampling=poisson", "privacy=dp_sgd"), "low_rank=truncated_svd pruning=n_m", "=none", False),
    ],
)
def test_only_what_clashes_with_its_training_is_told_of_it(
    made: Callable[..., Compressed], words: tuple[str, ...], smaller: str, fault: str, of_training: bool
) -> None:
    with pytest.raises(Refusal) as refused:
        made(words, smaller)
    assert fault in str(refused.value)
    assert (TRAINED in str(refused.value)) == of_training


def test_a_bound_of_a_whole_number_and_of_a_share_is_told_once(made: Callable[..., Compressed]) -> None:
    with pytest.raises(Refusal, match=r"^low_rank\.rank=0: must be > 0$"):
        made(("epochs=1",), "low_rank=truncated_svd low_rank.rank=0")


def test_what_is_worse_than_the_mean_is_so_as_it_is_smaller(made: Callable[..., Compressed]) -> None:
    words = (*REGRESSION, "preprocessing.standardize.target=true", "epochs=10")
    small = made(words, "pruning=magnitude pruning.sparsity=0.99")
    assert small.before.scores["test/r2"] > 0 > small.after.scores["test/r2"]
    assert any("the smaller network is worse than the mean" in note for note in small.notes)
    assert not any("train for longer" in note for note in small.notes)
