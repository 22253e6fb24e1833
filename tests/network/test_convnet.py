"""The plain convolutional network against its layers written out, by shapes, and under autocast."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from temper.network.convnet import ConvNet, Offset


def network(**knobs: Any) -> ConvNet:
    good = {
        "widths": (4, 6),
        "convolutions": 2,
        "residual": False,
        "between": "gelu",
        "pooling": "max",
        "offset": True,
        "logit_scale": 0.5,
    }
    torch.manual_seed(0)
    made = ConvNet(3, 5, **good | knobs)
    for module in made.modules():  # so that no norm and no offset is the identity by chance
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, Offset):
            nn.init.normal_(module.bias)
    return made.double().eval()


def normed(images: torch.Tensor, state: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    mean, variance, shift = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "bias"))
    spread = (variance + 1e-5).sqrt().view(1, -1, 1, 1)
    return (images - mean.view(1, -1, 1, 1)) / spread + shift.view(1, -1, 1, 1)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("pooling", ["max", "average", "stride"])
def test_is_its_layers_written_out(pooling: str, residual: bool) -> None:
    net = network(pooling=pooling, residual=residual, convolutions=3)
    state = net.state_dict()
    images = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    inner = F.gelu(images + state["stem.offset.bias"].view(1, -1, 1, 1))
    for stage in ("stages.0", "stages.1"):
        stride = 2 if pooling == "stride" else 1
        inner = F.conv2d(inner, state[f"{stage}.entry.conv.weight"], stride=stride, padding=1)
        if pooling == "max":
            inner = F.max_pool2d(inner, 2)
        if pooling == "average":
            inner = F.avg_pool2d(inner, 2)
        entered = F.gelu(normed(inner, state, f"{stage}.entry.norm"))
        inner = F.conv2d(entered, state[f"{stage}.body.conv2.weight"], padding=1)
        inner = F.gelu(normed(inner, state, f"{stage}.body.norm2"))
        inner = F.conv2d(inner, state[f"{stage}.body.conv3.weight"], padding=1)
        inner = normed(inner, state, f"{stage}.body.norm3")
        inner = F.gelu(inner + entered if residual else inner)
    expected = 0.5 * inner.flatten(2).max(2).values @ state["head.weight"].T
    torch.testing.assert_close(net(images), expected)


@settings(deadline=None, max_examples=20)
@given(
    side=st.integers(4, 11),
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    convolutions=st.integers(1, 3),
    offset=st.booleans(),
    pooling=st.sampled_from(["max", "average", "stride"]),
)
def test_takes_any_size(side: int, widths: list[int], convolutions: int, offset: bool, pooling: str) -> None:
    net = network(widths=widths, convolutions=convolutions, offset=offset, pooling=pooling)
    assert net(torch.randn(2, 3, side, side + 1, dtype=torch.float64)).shape == (2, 5)
    held = {id(weight) for block in net.blocks() for part in block for weight in part.parameters()}
    assert held | {id(net.head.weight)} == {id(weight) for weight in net.parameters()}


def test_one_output_is_one_number_an_example() -> None:
    torch.manual_seed(0)
    net = ConvNet(
        1, 1, widths=(4,), convolutions=1, residual=False, between="relu", pooling="max", offset=False, logit_scale=1.0
    )
    assert net(torch.randn(3, 1, 6, 6)).shape == (3,)


def test_a_norms_scale_is_not_learned() -> None:
    learned = {name for name, weight in network().named_parameters() if weight.requires_grad}
    assert "stages.0.entry.norm.bias" in learned
    assert not any(name.endswith("norm.weight") or name.endswith("norm2.weight") for name in learned)


def test_the_stem_lowers_its_inputs_under_autocast() -> None:
    stem = Offset(3)
    with torch.autocast("cpu", torch.bfloat16):
        assert stem(torch.randn(2, 3, 4, 4)).dtype == torch.bfloat16
    assert stem(torch.randn(2, 3, 4, 4)).dtype == torch.float32


def test_recomputed_gradients_are_the_same() -> None:
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)

    def gradients(again: bool) -> list[torch.Tensor]:
        net = network().train()
        if again:
            net.recompute()
        net(images).square().sum().backward()
        return [weight.grad for weight in net.parameters() if weight.grad is not None]

    for one, other in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(one, other)
