"""What layer freezing does not go with is refused before any work, with the key and the way out."""

from collections.abc import Callable

import pytest

from temper.command.job import Job
from temper.range_test import left_out

FROZEN = "layer_freezing=progressive"
SHORT = ("trainer=cpu", "trainer.threads=1", "task.hidden=[8,4]")
TAUGHT = "distillation=[logits] distillation.logits.teacher=a/run"
REFUSED = [
    ("layer_freezing=progresive", ("layer_freezing=progresive", "progressive")),
    ("layer_freezing.untill=[10%]", ("layer_freezing.untill", "did you mean until?")),
    ("layer_freezing.until=[]", ("layer_freezing.until=[]", "at least 1")),
    ("layer_freezing.until=[0]", ("layer_freezing.until", "such as 10%", "transfer.freeze")),
    ("layer_freezing.until=[fast]", ("layer_freezing.until", "200steps")),
    ("layer_freezing.until=[1%,2%,3%]", ("layer_freezing.until names 3 blocks", "the network has 2")),
    ("layer_freezing.until=[99epochs]", ("until", "steps are over", "[50%]", "layer_freezing=none")),
    ("layer_freezing.until=[50%,1epochs]", ("1epochs is before 50%",)),
    ("task.hidden=[]", (FROZEN, "head alone", "layer_freezing=none", "task.hidden=[64]")),
    ("pruning=magnitude", (FROZEN, "pruning=magnitude", "pruning=none", "layer_freezing=none")),
    ("low_rank=truncated_svd", (FROZEN, "low_rank=truncated_svd", "layer_freezing=none")),
    ("optimizer=lookahead", (FROZEN, "optimizer=lookahead", "optimizer=adamw")),
    ("optimizer=schedule_free_sgd", (FROZEN, "optimizer=schedule_free_sgd", "layer_freezing=none")),
    ("sampling=poisson privacy=dp_sgd", (FROZEN, "privacy=dp_sgd", "layer_freezing=none")),
    ("trainer=fsdp trainer.threads=auto", (FROZEN, "trainer=fsdp", "layer_freezing=none", "trainer=ddp")),
    ("transfer=checkpoint transfer.run=a/run transfer.freeze=1", (FROZEN, "transfer.freeze=null")),
    (
        f"{TAUGHT} weighting=gradnorm weighting.layer=hidden.linear1",
        (FROZEN, "weighting.layer=hidden.linear1", "weighting.layer=null", "layer_freezing=none"),
    ),
    (
        "distillation=[hints] distillation.hints.teacher=a/run weighting=gradnorm",
        (FROZEN, "weighting=gradnorm", "distillation=hints", "weighting=fixed", "layer_freezing=none"),
    ),
]


@pytest.mark.parametrize(("words", "named"), REFUSED, ids=[words for words, _ in REFUSED])
def test_names_key_and_way_out(words: str, named: tuple[str, ...], refusal_of: Callable[..., str]) -> None:
    short = SHORT[1:] if "trainer=fsdp" in words else SHORT
    said = refusal_of(*short, FROZEN, *words.split())
    assert all(word in said for word in named), said


def test_the_range_test_says_that_it_leaves_it_out(job_of: Callable[..., Job]) -> None:
    assert left_out(job_of(*SHORT, FROZEN, "layer_freezing.until=[10%]").experiment) == [FROZEN]
