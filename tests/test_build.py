"""How long a run is, given how many examples its sampling puts into an epoch."""

from collections.abc import Callable

import pytest
import torch

from temper.command.job import Job
from temper.data.batches import Batches
from temper.refusal import Refusal
from temper.training.build import build_batches, build_module

TAILED = ("data.imbalance=10", "epochs=3", "batch_size=64")


@pytest.fixture
def batches_of(job_of: Callable[..., Job]) -> Callable[..., Batches]:
    return lambda *words: build_batches(job_of(*TAILED, *words).experiment)


@pytest.mark.parametrize("sampling", ["none", "over", "under", "balanced", "weighted"])
def test_an_epoch_has_the_steps_of_what_is_sampled(sampling: str, batches_of: Callable[..., Batches]) -> None:
    made = batches_of(f"sampling={sampling}")
    counts = torch.bincount(made.splits.train.targets).tolist()
    assert max(counts) // min(counts) == 10
    size = {"over": 10 * max(counts), "under": 10 * min(counts)}.get(sampling, sum(counts))
    steps = -(-size // 64)
    assert made.facts.clock.epoch_starts == (0, steps, 2 * steps, 3 * steps)
    made.setup("fit")
    seen = [len(batch.targets) for batch in made.train_dataloader()]
    assert (len(seen), sum(seen)) == (steps, size)
    assert made.facts.class_counts == tuple(counts)
    assert made.facts.examples == sum(counts)


def test_a_full_batch_is_an_epoch(batches_of: Callable[..., Batches]) -> None:
    made = batches_of("sampling=under", "batch_size=full")
    assert made.batch_size(0) == 10 * min(made.facts.class_counts)
    assert made.facts.clock.total_steps == 3


def test_a_batch_is_no_larger_than_an_epoch(batches_of: Callable[..., Batches]) -> None:
    made = batches_of("sampling=under", "batch_size=300", "data.drop_last=true")
    assert made.batch_size(0) == 10 * min(made.facts.class_counts) < 300
    assert made.facts.clock.total_steps == 3


@pytest.mark.parametrize("sampling", ["none", "over", "under", "balanced", "weighted"])
@pytest.mark.parametrize("drop_last", ["true", "false"])
def test_a_shortened_run_takes_its_steps(sampling: str, drop_last: str, batches_of: Callable[..., Batches]) -> None:
    made = batches_of(f"sampling={sampling}", f"data.drop_last={drop_last}", "debug=steps", "debug.steps=2")
    assert made.facts.clock.total_steps == 2
    made.setup("fit")
    loader = made.train_dataloader()
    assert len(loader) == len(list(loader)) == made.facts.clock.epoch_starts[1]


@pytest.mark.parametrize("words", [(), ("task=cifar_resnet", "task.depth=8")], ids=" ".join)
def test_compiled_in_place_weights_keep_their_names(
    words: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job]
) -> None:
    plain, compiled = (job_of(*words, f"compile={on}").experiment for on in ("false", "true"))
    facts = build_batches(plain).facts
    one, other = build_module(plain, facts), build_module(compiled, facts)
    assert list(one.state_dict()) == list(other.state_dict())
    assert [name for name, _ in one.named_modules()] == [name for name, _ in other.named_modules()]
    assert one.network._compiled_call_impl is None  # type: ignore[truthy-function]
    assert other.network._compiled_call_impl is not None


def test_images_too_small_for_a_filter_are_refused(small_cifar10: None, batches_of: Callable[..., Batches]) -> None:
    words = ("task=convnet", "resolution=piecewise", "resolution.sides=[8,16,32]", "preprocessing=[gaussian,normalize]")
    batches_of(*words, "preprocessing.gaussian.size=5")
    with pytest.raises(ValueError, match=r"resolution=piecewise makes images as small as 8 pixels, and .*larger sides"):
        batches_of(*words, "preprocessing.gaussian.size=21")


def test_coins_for_each_example_leave_classes_as_frequent(batches_of: Callable[..., Batches]) -> None:
    batches_of("sampling=poisson", "loss.class_weights=inverse")
    with pytest.raises(Refusal, match="sampling=balanced changes how often each class is seen"):
        batches_of("sampling=balanced", "loss.class_weights=inverse")
