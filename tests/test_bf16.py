"""bf16 on a processor without instructions for it: rounded where torch's own kernels round."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from temper import bf16
from temper.bf16 import Rounded, rounded
from temper.optimizer.newton_schulz import orthogonalized


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(180, 4))


def trained(rounding: Rounded | None) -> list[Tensor]:
    """Return the answers and every gradient of one mixed step, in torch's own kernels or by ``rounding``."""
    learner = network()
    inputs = torch.randn(6, 3, 6, 6, generator=torch.Generator().manual_seed(1), requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        if rounding is None:
            answers = learner(inputs)
        else:
            with rounding:
                answers = learner(inputs)
        loss = F.cross_entropy(answers, torch.arange(6) % 4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    return [answers, inputs.grad, *(weight.grad for weight in learner.parameters() if weight.grad is not None)]


def test_a_mixed_step_is_torchs_own_to_the_rounding_of_bf16() -> None:
    own, ours = trained(None), trained(Rounded())
    assert len(own) == 8
    for one, other in zip(own, ours, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert (one - other).abs().max() <= 2**-7 * one.abs().max()


def test_products_are_rounded_and_summed_in_float32() -> None:
    one, other = torch.randn(3, 40), torch.randn(5, 40)
    with torch.autocast("cpu", torch.bfloat16), Rounded():
        product = F.linear(one, other)
    exact = one.bfloat16().double() @ other.bfloat16().double().T  # of 40 terms float32 holds far more than bf16 shows
    assert product.dtype == torch.bfloat16
    assert torch.equal(product, exact.float().bfloat16())


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_what_torch_would_not_take_in_bf16_is_left_alone(kind: torch.dtype) -> None:
    one, other = torch.randn(3, 40, dtype=kind), torch.randn(5, 40, dtype=kind)
    with Rounded():
        assert torch.equal(F.linear(one, other), one @ other.T)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.float64), Rounded():
        assert F.linear(one, other).dtype == kind


def test_muons_iteration_is_torchs_own_to_the_rounding_of_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    matrices = [torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    found = {}
    for native in (True, False):
        monkeypatch.setattr(bf16, "native", lambda native=native: native)
        found[native] = orthogonalized(matrices, 3).float()
    assert (found[True] - found[False]).abs().max() <= 0.02


def test_only_the_cpu_and_only_without_kernels_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16, "native", lambda: False)
    assert isinstance(rounded(torch.device("cpu")), Rounded)
    assert not isinstance(rounded(torch.device("meta")), Rounded)
    monkeypatch.setattr(bf16, "native", lambda: True)
    assert not isinstance(rounded(torch.device("cpu")), Rounded)


def test_what_is_run_again_later_is_run_the_same_way() -> None:
    assert bf16.within() is nullcontext
    with Rounded():
        assert bf16.within() is Rounded
    assert bf16.within() is nullcontext
