"""Layers of whole numbers, against sums of integers in numpy, and against torch's own rounding."""

import copy
import platform

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from temper.network import int8
from temper.network.int8 import LEVELS, Int8, float_answer, kernels, scale_and_zero, whole_weights


def by_integers(layer: nn.Linear | nn.Conv2d, inputs: Tensor, least: float, largest: float) -> np.ndarray:
    """Return equation 4 of arXiv:1712.05877 in integers of 64 bits and loops, scales in float32."""
    weight = layer.weight.detach().numpy()
    flat = np.abs(weight.reshape(len(weight), -1)).max(1)
    t = (flat / np.float32(127)).astype(np.float32)
    p = np.rint(weight / t.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.int64)
    s = np.float32((np.float32(max(largest, 0)) - np.float32(min(least, 0))) / np.float32(127))
    z = int(np.rint(-np.float32(min(least, 0)) / s))
    q = np.clip(np.floor(inputs.numpy() * (np.float32(1) / s) + np.float32(z + 0.5)), 0, 127).astype(np.int64)
    if isinstance(layer, nn.Linear):
        sums = (q - z) @ p.T
        scale, bias = s * t, layer.bias.detach().numpy()
        return sums.astype(np.float32) * scale + bias
    (down, right), (above, beside) = layer.stride, layer.padding
    padded = np.pad(q - z, ((0, 0), (0, 0), (above, above), (beside, beside)))
    high, wide = p.shape[2:]
    rows, columns = (padded.shape[2] - high) // down + 1, (padded.shape[3] - wide) // right + 1
    sums = np.zeros((len(q), len(p), rows, columns), dtype=np.int64)
    for row in range(rows):
        for column in range(columns):
            patch = padded[:, :, row * down : row * down + high, column * right : column * right + wide]
            sums[:, :, row, column] = np.einsum("nchw,ochw->no", patch, p)
    found = sums.astype(np.float32) * (s * t).reshape(-1, 1, 1)
    return found if layer.bias is None else found + layer.bias.detach().numpy().reshape(-1, 1, 1)


def made(kind: str) -> tuple[nn.Linear | nn.Conv2d, Tensor]:
    torch.manual_seed(3)
    if kind == "linear":
        return nn.Linear(40, 7), torch.randn(9, 40)
    if kind == "strided":
        return nn.Conv2d(3, 5, 3, stride=2, padding=1), torch.randn(4, 3, 9, 8)
    if kind == "uneven":
        return nn.Conv2d(3, 5, (3, 1), stride=(2, 1), padding=(1, 0), bias=False), torch.randn(4, 3, 9, 8)
    return nn.Conv2d(8, 6, 1, bias=False), torch.randn(4, 8, 5, 5)


KINDS = ("linear", "strided", "uneven", "pointwise")
RANGES = {"both": (-1.5, 2.0), "positive": (0.3, 2.0), "negative": (-2.0, -0.3)}


def test_torch_has_kernels_on_common_processors() -> None:
    assert kernels() or platform.machine() not in ("x86_64", "AMD64")


@pytest.fixture(params=[True, False] if kernels() else [False], ids=lambda by: "kernels" if by else "float32")
def _by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "kernels", lambda: request.param)


@pytest.mark.usefixtures("_by")
@pytest.mark.parametrize("named", RANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_sums_are_those_of_integers(kind: str, named: str) -> None:
    layer, inputs = made(kind)
    least, largest = RANGES[named]
    whole = Int8(layer, (torch.tensor(least), torch.tensor(largest)))
    with torch.inference_mode():
        found = whole(inputs)
    np.testing.assert_allclose(found.numpy(), by_integers(layer, inputs, least, largest), rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("_by")
@pytest.mark.parametrize("kind", KINDS)
def test_an_example_goes_by_its_own_range(kind: str) -> None:
    layer, inputs = made(kind)
    inputs = inputs * torch.logspace(-2, 2, len(inputs)).view(-1, *[1] * (inputs.dim() - 1))
    whole = Int8(layer, None)
    with torch.inference_mode():
        together, alone = whole(inputs), torch.cat([whole(one) for one in inputs.split(1)])
    assert torch.equal(together, alone)
    each = [by_integers(layer, one, float(one.min()), float(one.max())) for one in inputs.split(1)]
    np.testing.assert_allclose(together.numpy(), np.concatenate(each), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("held", [None, (torch.tensor(-2.5), torch.tensor(2.5))], ids=["each", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_answer_as_float32_does_to_the_bit(kind: str, held: int8.Range | None) -> None:
    layer, inputs = made(kind)
    whole = Int8(layer, held)
    with torch.inference_mode():
        by_kernel = whole(inputs)
    numbers, scale = whole_weights(layer.weight)
    by_float = float_answer(inputs, held, numbers, scale, layer.bias, whole.window)
    assert torch.equal(by_kernel, by_float)
    assert torch.equal(by_kernel, whole(inputs))  # with a gradient wanted: in float32


def test_the_largest_numbers_do_not_overflow() -> None:
    # Two products of 8-bit inputs would: this is where processors before VNNI answer wrong without a word.
    layer = nn.Linear(512, 16, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    whole = Int8(layer, (torch.tensor(0.0), torch.tensor(1.0)))
    with torch.inference_mode():
        torch.testing.assert_close(whole(torch.ones(3, 512)), torch.full((3, 16), 512.0), rtol=1e-6, atol=0)


def test_answers_lie_near_those_in_floating_point() -> None:
    torch.manual_seed(0)
    layer, inputs = nn.Linear(256, 20), torch.randn(100, 256)
    with torch.inference_mode():
        off = Int8(layer, (inputs.min(), inputs.max()))(inputs) - layer(inputs)
    step = float(inputs.max() - inputs.min()) / LEVELS
    # The error of an input is uniform in half a step to either side, that of a weight in t/2: their sums' deviation.
    weight = layer.weight.detach()
    deviation = (step**2 * weight.square().sum(1).mean() + (weight.abs().max() / LEVELS) ** 2 * 256) / 12
    assert 0.7 < float(off.std() / deviation.sqrt()) < 1.4


def test_inputs_beyond_the_range_are_cut_off() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    whole = Int8(layer, (torch.tensor(-1.0), torch.tensor(1.0)))
    with torch.inference_mode():
        low, high = whole(torch.tensor([[-9.0], [9.0]])).flatten().tolist()
    assert low == pytest.approx(-1, abs=0.01)
    assert high == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("held", [(0.0, 0.0), (0.5, 0.5), (-1e-30, 1e-30)])
def test_nothing_is_divided_by_zero(held: tuple[float, float]) -> None:
    scale, zero = scale_and_zero((torch.tensor(held[0]), torch.tensor(held[1])))
    assert torch.isfinite(scale)
    assert 0 <= float(zero) <= LEVELS
    layer = nn.Linear(4, 2)
    nn.init.zeros_(layer.weight)
    with torch.inference_mode():
        answer = Int8(layer, (torch.tensor(held[0]), torch.tensor(held[1])))(torch.randn(3, 4))
    assert torch.equal(answer, layer.bias.expand(3, 2))


def test_it_holds_bytes_and_can_be_copied_after_use() -> None:
    layer, inputs = made("strided")
    whole = Int8(layer, (torch.tensor(-1.0), torch.tensor(1.0)))
    with torch.inference_mode():
        answer = whole(inputs)
        assert torch.equal(copy.deepcopy(whole)(inputs), answer)
    held = {name: value.element_size() * value.numel() for name, value in whole.state_dict().items()}
    assert held == {"weight": 5 * 3 * 9, "bias": 5 * 4, "scale": 5 * 4, "least": 4, "largest": 4}
    assert sum(each.numel() for each in whole.parameters()) == sum(each.numel() for each in layer.parameters())


def test_who_asks_for_kernels_first_does_not_matter() -> None:
    there = kernels()
    kernels.cache_clear()
    with torch.autocast("cpu", torch.bfloat16):
        assert kernels() == there


def test_kernels_that_are_missing_or_wrong_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.cache_clear()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(int8, "_kernel_sums", lambda whole, zero, packed, factors, window: torch.zeros(5, 16))
            assert not kernels()
        kernels.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr(int8, "_packed", lambda *_: torch.ops.onednn.there_is_none)
            assert not kernels()
    finally:
        kernels.cache_clear()
