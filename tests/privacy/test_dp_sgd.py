"""Private runs against loops in plain torch, their noise against its distribution, and what is refused."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional as F

from temper.command.job import Job
from temper.data.epoch_loader import Batch
from temper.facts import Facts
from temper.optimizer.sgd import SGD
from temper.privacy.dp_sgd import DPSGD, noise_seed
from temper.quantity import Clock
from temper.refusal import Refusal
from temper.run import run
from temper.terms import Privatizer
from temper.training.build import build_batches, build_module
from temper.weighting.fixed import Fixed

JobOf = Callable[..., Job]
GOOD: dict[str, Any] = {
    "noise_multiplier": 1.0,
    "epsilon": None,
    "max_grad_norm": 1.0,
    "delta": 1e-5,
    "accountant": "rdp",
}
PRIVATE = ("sampling=poisson", "privacy=dp_sgd", "trainer=cpu", "trainer.threads=1")
OPEN = ("privacy.noise_multiplier=0.0", "privacy.max_grad_norm=1e6")  # no noise, and nothing is clipped


def weights(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


def facts(examples: int = 10_000, epoch_starts: tuple[int, ...] = (0, 10, 20)) -> Facts:
    return Facts(
        kind="multiclass",
        shape=(30,),
        outputs=20,
        classes=20,
        examples=examples,
        class_counts=(),
        clock=Clock(epoch_starts),
    )


def privatizer(network: nn.Module, seed: int = 0, **knobs: Any) -> Privatizer:
    return DPSGD(**GOOD | knobs).privatizer(network, facts(), lambda steps: 1 / steps, seed)


def test_with_an_open_bound_and_no_noise_it_is_plain_sgd(job_of: JobOf, tmp_path: Path) -> None:
    words = ("batch_size=full", "epochs=8", "optimizer=momentum", "penalty=[l2]", "sampling=poisson", "trainer=cpu")
    plain, private = job_of(*words, folder=tmp_path / "plain"), job_of(*words, *PRIVATE, *OPEN)
    run(plain)
    report = run(private)
    one, other = weights(plain.folder), weights(private.folder)
    for name in one:
        torch.testing.assert_close(other[name], one[name], rtol=0, atol=1e-6)
    assert report.privacy is not None
    assert report.privacy["epsilon"] == math.inf
    assert json.loads((private.folder / "report.json").read_text())["privacy"]["epsilon"] is None


def taken(job: Job) -> list[Batch]:
    """Return the batches of a run, whole."""
    batches = build_batches(job.experiment)
    batches.accumulate = 1
    batches.setup("fit")
    loader = batches.train_dataloader()
    return [batch for _ in range(job.experiment.epochs) for batch in loader]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_steps_are_the_papers(accumulate: int, job_of: JobOf) -> None:
    words = ("precision=64-true", "optimizer=sgd", "optimizer.lr=0.3", "epochs=2", "data.validation=0.9")
    words = (*words, "data.test=0.05", "batch_size=4", "task.hidden=[5]", "privacy.max_grad_norm=0.7", "seed=3")
    job = job_of(*PRIVATE, *words, f"accumulate={accumulate}", "privacy.noise_multiplier=0.4")
    L.seed_everything(3, verbose=False)
    module = build_module(job.experiment, build_batches(job.experiment).facts)
    network, examples = module.network.double(), module.facts.examples
    empty = 0
    for step, batch in enumerate(taken(job)):
        total = torch.zeros(sum(weight.numel() for weight in network.parameters()), dtype=torch.float64)
        if batch.rows.share:
            for one, target in zip(batch.inputs.double(), batch.targets, strict=True):
                loss = F.cross_entropy(network(one[None]), target[None])
                gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])
                total += gradient * min(1.0, 0.7 / gradient.norm().item())
        empty += not batch.rows.share
        generator = torch.Generator().manual_seed(noise_seed(3, step))
        total += 0.4 * 0.7 * torch.randn(len(total), dtype=torch.float64, generator=generator)
        expected_size = examples / module.facts.clock.steps(0)
        with torch.no_grad():
            nn.utils.vector_to_parameters(
                nn.utils.parameters_to_vector(network.parameters()) - 0.3 * total / expected_size, network.parameters()
            )
    assert empty >= 1, "batches of some four examples are seldom empty, and here one is"
    run(job)
    for name, weight in weights(job.folder).items():
        torch.testing.assert_close(weight, network.state_dict()[name.removeprefix("network.")], rtol=0, atol=1e-9)


def gradient_of_nothing(made: Privatizer, network: nn.Module, step: int) -> torch.Tensor:
    """Return what a step follows whose examples do not count."""
    network.zero_grad()
    network(torch.zeros(1, 30)).sum().backward()
    made.take(0.0)
    made.release(step)
    return torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None])


def test_an_empty_batch_is_noise_alone_as_wide_as_promised() -> None:
    network = nn.Linear(30, 20)
    made = privatizer(network, noise_multiplier=2.5, max_grad_norm=0.4)
    made.enter()
    drawn = torch.stack([gradient_of_nothing(made, network, step) for step in range(200)]).double()
    made.leave()
    drawn = drawn * 1000 / (2.5 * 0.4)  # 10,000 examples, each with a chance of 1/10: standard normal is left
    count = drawn.numel()  # 124,000: the mean's error is 0.0028, the variance's 0.004, the fourth moment's 0.028
    assert count == 200 * 620
    assert drawn.mean().abs() < 0.012
    assert drawn.square().mean() == pytest.approx(1, abs=0.017)
    assert drawn.pow(4).mean() == pytest.approx(3, abs=0.12)
    assert (drawn.mean(0).abs() * math.sqrt(200)).max() < 5, "each weight's own mean"
    assert (drawn[1:] * drawn[:-1]).mean().abs() < 0.012, "one step's noise tells nothing of the next's"


def test_noise_is_a_function_of_seed_and_step() -> None:
    network = nn.Linear(30, 20)
    one, other, third = privatizer(network), privatizer(network), privatizer(network, seed=1)
    drawn = []
    for made, step in ((one, 4), (other, 4), (other, 5), (third, 4)):
        made.enter()
        drawn.append(gradient_of_nothing(made, network, step))
        made.leave()
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])
    assert len({noise_seed(seed, step) for seed in range(40) for step in range(40)}) == 1600
    assert 0 <= noise_seed(2**32 - 1, 10**9) < 2**63


@pytest.mark.parametrize(
    "words", ["channels_last=true", "precision=bf16-mixed", "averaging=ema", "pruning=magnitude", "augmentation=[crop]"]
)
def test_goes_with(words: str, small_cifar10: None, job_of: JobOf) -> None:
    small = ("task=cifar_resnet", "task.depth=8", "task.width=0.5", "task.norm=group", "batch_size=40", "epochs=1")
    report = run(job_of(*PRIVATE, *small, words))
    assert report.state == "finished"
    assert report.privacy is not None
    assert report.privacy["steps"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sampling=over",), r"privacy=dp_sgd .*sampling=over.*choose sampling=poisson"),
        (("task=cifar_resnet",), r"privacy=dp_sgd .*task=cifar_resnet.*task\.norm=group.*task=mlp"),
        (("augmentation=[mixup]",), r"privacy=dp_sgd .*augmentation=mixup.*augmentation=\[\]"),
        (("distillation=[logits]", "distillation.logits.teacher=a/run"), r"privacy=dp_sgd .*distillation=logits.*\[\]"),
        (("clip.kind=norm",), r"privacy=dp_sgd .*max_grad_norm.*clip\.kind=norm.*clip\.kind=none"),
        (("compile=true",), r"privacy=dp_sgd .*compile=true.*compile=false"),
        (("precision=16-mixed",), r"privacy=dp_sgd .*precision=16-mixed.*precision=bf16-mixed"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_refuses_in_a_run(words: tuple[str, ...], message: str, job_of: JobOf) -> None:
    with pytest.raises(Refusal, match=message):
        job_of(*PRIVATE, *words)


def test_refuses_two_gradients_a_step(job_of: JobOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SGD, "passes", 2)
    with pytest.raises(Refusal, match=r"privacy=dp_sgd .*one gradient.*optimizer=sgd takes 2: choose another"):
        job_of(*PRIVATE, "optimizer=sgd")


def test_refuses_weights_that_learn_from_the_examples(job_of: JobOf) -> None:
    class Learned(Fixed):
        single: ClassVar[bool] = True

    Learned.__module__ = "temper.weighting.learned"
    with pytest.raises(ValidationError, match=r"privacy=dp_sgd .*weighting=learned.*choose weighting=fixed"):
        replace(job_of(*PRIVATE).experiment, weighting=Learned())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"noise_multiplier": -1e-9}, "greater than or equal to 0"),
        ({"noise_multiplier": None}, "noise_multiplier or epsilon"),
        ({"epsilon": 1.0}, "not both"),
        ({"noise_multiplier": None, "epsilon": 0.0}, "greater than 0"),
        ({"noise_multiplier": None, "epsilon": 100.1}, "less than or equal to 100"),
        ({"max_grad_norm": 0.0}, "greater than 0"),
        ({"max_grad_norm": float("inf")}, "finite"),
        ({"delta": 0.0}, "greater than 0"),
        ({"delta": 1.0}, "less than 1"),
        ({"accountant": "gdp"}, "'rdp' or 'prv'"),
    ],
)
def test_refuses(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DPSGD(**GOOD | changed)


def test_refuses_what_the_data_cannot_hold() -> None:
    def build(examples: int = 1000, starts: tuple[int, ...] = (0, 10, 20), **knobs: Any) -> None:
        DPSGD(**GOOD | knobs).privatizer(nn.Linear(30, 20), facts(examples, starts), lambda steps: 1 / steps, 0)

    build(delta=0.00099)
    with pytest.raises(ValueError, match=r"privacy\.delta=0\.001 .*1000 training examples.*below 0\.001"):
        build(delta=0.001)
    asked = {"noise_multiplier": None, "epsilon": 2.0}
    build(**asked)
    with pytest.raises(ValueError, match=r"privacy\.epsilon=2 .*batch_growth=none"):
        build(starts=(0, 10, 15), **asked)
    with pytest.raises(ValueError, match=r"privacy\.epsilon=0\.1 is less than .*privacy\.delta=1e-05.*at least 0\.114"):
        build(**asked | {"epsilon": 0.1})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("loss.class_weights=[1,1,1,1,1,1,1,1,1,9]",), r"loss\.class_weights=.*one more changes.*class_weights=null"),
        (("loss.class_weights=inverse",), r"loss\.class_weights=inverse goes by how many"),
        (("loss=class_balanced",), r"loss=class_balanced goes by how many.*loss=cross_entropy"),
    ],
)
def test_no_example_weighs_others(words: tuple[str, ...], said: str, job_of: Callable[..., Job]) -> None:
    with pytest.raises(Refusal, match=said):
        job_of("sampling=poisson", "privacy=dp_sgd", *words)
