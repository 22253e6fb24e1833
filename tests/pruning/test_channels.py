"""Units by their scores: against torch's structured pruning, a sort by hand, and in whole runs that deliver less."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.conftest import CutOff, Train
from torch import nn
from torch.nn.utils import prune

from temper.command.job import Job
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.pruning.channels import Channels, least
from temper.quantity import Clock
from temper.report.record import Report
from temper.run import run
from temper.training.trained import Trained, network_of

GOOD = {"sparsity": 0.5, "start": 0.1, "end": 0.7, "every": "1%", "scope": "layer", "by": "l1"}
ONCE = {"start": 0.5, "end": 0.5}


def resnet() -> ResNet:
    torch.manual_seed(0)
    net = ResNet(3, 2, blocks=[1, 1], widths=[6, 8], connection="residual", bottleneck=False)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
    return net


def uneven(net: ResNet) -> ResNet:
    """Return ``net`` with filters of few large weights and of many small ones, whose two norms differ in order."""
    with torch.no_grad():
        for units in net.units():
            (layer,) = units.makers
            layer.weight.pow_(torch.arange(len(units)).view(-1, 1, 1, 1) % 3 * 4 + 1)
            layer.weight.div_(layer.weight.abs().flatten(1).sum(1).view(-1, 1, 1, 1)).mul_(
                1 + 0.01 * torch.arange(len(units)).view(-1, 1, 1, 1)
            )
    return net


def removed(net: Layered, seed: int = 0, **knobs: Any) -> list[list[int]]:
    """Return the numbers of the units of each kind that are removed at once from ``net``."""
    callback: Any = Channels(**GOOD | ONCE | knobs).callback(Clock((0, 10)), seed)
    callback.renew(net, callback.shares[5])
    callback.remove(net)
    return [units.removed().nonzero().flatten().tolist() for units in net.units()]


@pytest.mark.parametrize(("by", "order"), [("l1", 1), ("l2", 2)])
@pytest.mark.parametrize("sparsity", [0.2, 0.5, 0.8])
def test_the_least_filters_are_those_of_torch_s_structured_pruning(by: str, order: int, sparsity: float) -> None:
    ours, theirs = uneven(resnet()), uneven(resnet())
    for units, gone in zip(theirs.units(), removed(ours, by=by, sparsity=sparsity), strict=True):
        (layer,) = units.makers
        prune.ln_structured(layer, "weight", amount=round(sparsity * len(units)), n=order, dim=0)
        assert gone == [row for row, kept in enumerate(layer.weight_mask.flatten(1).any(1)) if not kept]


def test_the_two_norms_differ() -> None:
    assert removed(uneven(resnet()), by="l1") == [[0, 1, 2], [0, 1, 2, 3]]
    assert removed(uneven(resnet()), by="l2") != removed(uneven(resnet()), by="l1")


def test_by_scale_the_least_of_batch_norm_go() -> None:
    net = resnet()
    scales = [units.norms[0].weight.abs().tolist() for units in net.units()]
    by_hand = [sorted(sorted(range(len(one)), key=one.__getitem__)[: len(one) // 2]) for one in scales]
    assert removed(net, by="scale") == by_hand
    net = resnet()
    threshold = sorted(scales[0] + scales[1])[7]  # as they are, over all layers
    everywhere = [[at for at, value in enumerate(one) if value < threshold] for one in scales]
    assert removed(net, by="scale", scope="global") == everywhere


def test_by_norm_over_all_layers_each_is_held_against_its_own_layer() -> None:
    net = MLP((3,), 2, hidden=[2, 6], between="relu")
    first, second = (units.makers[0] for units in net.units())
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[3.0, 0, 0], [0, 4, 0]]))
        second.weight.copy_(torch.tensor([[60.0, 0], [0, 100], [60, 80], [100, 0], [100, 0], [0, 100]]))
    # 3 and 4 over √12.5 = 3.54 are 0.85 and 1.13; 60 and five times 100 over √8933 = 94.5 are 0.63 and 1.06.
    assert removed(net, by="l2", scope="global", sparsity=0.125) == [[], [0]]
    # Then 100 over √10,000 is 1; and with the first neuron of the first layer goes what two of the second read.
    assert removed(net, by="l2", scope="global", sparsity=0.25) == [[0], [0]]
    assert removed(net, by="l2", scope="global", sparsity=0.5) == [[0], [0, 3, 4]]


def test_at_random_it_is_the_seed_that_says_which() -> None:
    counts = torch.zeros(8)
    for seed in range(200):
        net = resnet()
        gone = removed(net, seed=seed, by="random")
        assert [len(one) for one in gone] == [3, 4]
        counts[gone[1]] += 1
    assert removed(resnet(), seed=7, by="random") == removed(resnet(), seed=7, by="random")
    assert removed(resnet(), seed=7, by="random") != removed(resnet(), seed=8, by="random")
    assert (counts - 100).abs().max() < 30  # each unit is as likely as the others: a deviation is 7


@settings(deadline=None, max_examples=100)
@given(data=st.data(), share=st.floats(0, 0.99), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_the_least_are_those_of_a_sort_by_hand(data: st.DataObject, share: float, sizes: list[int]) -> None:
    scores = [
        data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=size, max_size=size)) for size in sizes
    ]
    gone = [data.draw(st.sets(st.integers(0, size - 1), max_size=size - 1)) for size in sizes]
    masks = least(
        [torch.tensor(one) for one in scores],
        [torch.tensor([at in before for at in range(size)]) for before, size in zip(gone, sizes, strict=True)],
        share,
    )
    units = [(kind, at) for kind, size in enumerate(sizes) for at in range(size)]
    left = [[at for at in range(size) if at not in before] for before, size in zip(gone, sizes, strict=True)]
    best = {(kind, max(alive, key=lambda at, kind=kind: (scores[kind][at], -at))) for kind, alive in enumerate(left)}
    order = sorted(
        (unit for unit in units if unit not in best),
        key=lambda unit: (unit[1] not in gone[unit[0]], scores[unit[0]][unit[1]], units.index(unit)),
    )
    count = max(round(share * len(units)), sum(len(before) for before in gone))
    assert [(kind, at) for kind, mask in enumerate(masks) for at in mask.nonzero().flatten().tolist()] == sorted(
        order[:count]
    )


def test_what_is_removed_stays_so_and_one_of_each_layer_stays() -> None:
    net = resnet()
    callback: Any = Channels(**GOOD | {"scope": "global", "every": "1steps", "start": 0.0, "sparsity": 0.999}).callback(
        Clock((0, 40)), 0
    )
    before: list[torch.Tensor] = [torch.zeros(len(units), dtype=torch.bool) for units in net.units()]
    for share in callback.shares.values():
        callback.renew(net, share)
        callback.remove(net)
        now = [units.removed() for units in net.units()]
        assert all((later | ~earlier).all() for earlier, later in zip(before, now, strict=True))
        with torch.no_grad():  # as a step would: the masks say what is gone, not the weights
            for weight in net.parameters():
                weight.add_(torch.randn(weight.shape) * 0.1)
        before = now
    assert [int((~one).sum()) for one in before] == [1, 1]
    assert {mask.dtype for mask in callback.state_dict().values()} == {torch.bool}


WORDS = ("epochs=3", "batch_size=300", "trainer=cpu", "trainer.threads=1", "checkpoint_seconds=1e-9", "flush_every=3")
PRUNED = (*WORDS, "pruning=channels", "pruning.start=0.4")  # 4 steps an epoch: from the first of the second on


def counted(*widths: int) -> int:
    return sum((before + 1) * after for before, after in pairwise(widths))


def test_a_run_delivers_the_small_network(train: Train, tmp_path: Path) -> None:
    report = train(*PRUNED, "pruning.sparsity=0.75")
    before, after = report.smaller["before"], report.smaller["after"]
    assert after["parameters"] == report.complexity.parameters == counted(64, 32, 16, 10)
    assert before["parameters"] == counted(64, 128, 64, 10)
    assert after["multiply_adds"] == report.complexity.multiply_adds == 64 * 32 + 32 * 16 + 16 * 10
    assert before["multiply_adds"] == 64 * 128 + 128 * 64 + 64 * 10
    assert after["bytes"] == report.complexity.bytes == 4 * counted(64, 32, 16, 10)
    assert before["bytes"] == 4 * counted(64, 128, 64, 10)
    assert before["parameters"] - before["nonzero_parameters"] == after["parameters"] - after["nonzero_parameters"] < 9
    assert after["latency_seconds"] == report.complexity.latency_seconds
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/accuracy")
    assert before["val/accuracy"] == float(next(row for row in rows[1:] if row.startswith("4,")).split(",")[column])
    assert after["val/accuracy"] == report.metrics["val/accuracy"]
    assert Report.load(tmp_path / "run") == report
    assert "and as delivered" in (tmp_path / "run" / "report.html").read_text()


def test_what_is_loaded_is_small_and_what_is_kept_is_whole(train: Train, tmp_path: Path) -> None:
    train(*PRUNED)
    trained = Trained.find(str(tmp_path / "run"), "RUN")
    checkpoint = trained.checkpoint()
    network = network_of(trained.experiment(), checkpoint)
    assert [len(units) for units in network.units()] == [64, 32]
    assert not network.training
    masked = MLP((64,), 10, hidden=[128, 64], between="relu")
    masked.load_state_dict({key.removeprefix("network."): value for key, value in checkpoint["state_dict"].items()})
    inputs = torch.randn(50, 64)
    torch.testing.assert_close(network(inputs), masked.eval()(inputs), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        "optimizer=adam pruning.scope=global pruning.by=l2",
        "pruning.by=random averaging=ema",
        "averaging=swa averaging.start=2epochs optimizer=momentum",
    ],
)
def test_resumed_to_the_bit_and_dead_in_averages_too(
    words: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff
) -> None:
    whole, job = job_of(*PRUNED, *words.split(), folder=tmp_path / "whole"), job_of(*PRUNED, *words.split())
    report = run(whole)
    cut_off(job, 7)
    assert run(job).metrics == report.metrics
    states = [
        torch.load(each.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for each in (whole, job)
    ]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    net = MLP((64,), 10, hidden=[128, 64], between="relu")
    net.load_state_dict({key.removeprefix("network."): value for key, value in states[0].items()})
    assert sum(int(units.removed().sum()) for units in net.units()) == 96


@pytest.mark.parametrize(
    "words",
    [
        "task=cifar_resnet task.depth=8 task.width=0.25 pruning.by=scale initialization=zero_gamma",
        "task=cifar_resnet task.depth=8 task.width=0.25 task.connection=dense pruning.scope=global pruning.by=scale",
        "task=convnet task.widths=[4,6] task.residual=true task.activation=softplus channels_last=true",
    ],
)
def test_networks_of_images_are_made_smaller(words: str, small_cifar10: None, train: Train, tmp_path: Path) -> None:
    report = train(*words.split(), *PRUNED[:-1], "batch_size=40", "epochs=2")
    before, after = report.smaller["before"], report.smaller["after"]
    assert after["parameters"] < before["parameters"]
    assert after["multiply_adds"] < before["multiply_adds"]
    trained = Trained.find(str(tmp_path / "run"), "RUN")
    network = network_of(trained.experiment(), trained.checkpoint())
    assert sum(weight.numel() for weight in network.parameters()) == after["parameters"]


@pytest.mark.parametrize(
    ("words", "may_go", "scaled"),
    [
        ("task=linear_regression", False, False),
        ("task=mlp task.hidden=[]", False, False),
        ("task=mlp", True, False),
        ("task=convnet", True, False),
        ("task=cifar_resnet", True, True),
        ("task=cifar_resnet task.norm=group", False, False),
    ],
)
def test_tasks_say_what_their_networks_have(
    words: str, may_go: bool, scaled: bool, job_of: Callable[..., Job], small_cifar10: None
) -> None:
    from temper.training.build import build_batches

    task = job_of(*words.split()).experiment
    network = task.task.network(build_batches(task).facts)
    assert bool(network.units()) == may_go
    norms = [norm for units in network.units() for norm in units.norms]
    assert task.task.scales_channels == scaled == (bool(norms) and all(norm.weight.requires_grad for norm in norms))


@pytest.mark.parametrize(
    ("knobs", "begins", "settled"),
    [
        ({}, 3, 14),
        ({"start": 0.5, "end": 0.5}, 10, 10),
        ({"start": 0.0, "end": 0.0}, 0, 0),
        ({"sparsity": 0.0}, 20, 14),
    ],
)
def test_begins_with_its_first_removal_and_is_settled_at_its_end(knobs: Any, begins: int, settled: int) -> None:
    record = Channels(**GOOD | knobs)
    assert (record.begins(Clock((0, 20))), record.settled(Clock((0, 20)))) == (begins, settled)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"sparsity": 1.0}, "sparsity.*less than 1"),
        ({"sparsity": -1e-9}, "sparsity.*greater than or equal to 0"),
        ({"start": 0.71}, r"start must be at most end \(0\.7\)"),
        ({"every": "0"}, "every must be longer than 0"),
        ({"scope": "network"}, "'global' or 'layer'"),
        ({"by": "norm"}, "'l1', 'l2', 'scale' or 'random'"),
        ({"by": "scale", "start": 0.0, "end": 0.0}, r"end=0\.0 removes before the first step.*by=l1"),
    ],
)
def test_refuses(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Channels(**{**GOOD, **knobs})
