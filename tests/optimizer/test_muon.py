"""Muon against torch's own, its rule for the rest against that optimizer alone, its laws and bad values."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.optimizer.conftest import keeps_the_dtype
from torch import Tensor, nn

from temper.facts import ParameterGroup
from temper.optimizer.adamw import AdamW
from temper.optimizer.momentum import Momentum
from temper.optimizer.muon import Muon
from temper.optimizer.sam import SAM
from temper.optimizer.schedule_free_sgd import ScheduleFreeSGD

REST = AdamW(lr=0.003, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)
GOOD: dict[str, Any] = {
    "lr": 0.02,
    "momentum": 0.95,
    "nesterov": True,
    "rounds": 5,
    "weight_decay": 0.0,
    "normalize": False,
    "head": "muon",
    "rest": REST,
}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(6, 4)
        self.tall = nn.Linear(4, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.head(torch.tanh(self.tall(torch.tanh(self.wide(inputs)))))
        return found


def net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net().double()


def groups(module: nn.Module, **scale: float) -> list[ParameterGroup]:
    named = dict(module.named_parameters())
    return [ParameterGroup(names=tuple(named), parameters=tuple(named.values()), **scale)]


def train(module: nn.Module, *optimizers: torch.optim.Optimizer, steps: int = 6) -> None:
    generator = torch.Generator().manual_seed(1)
    kind = next(module.parameters()).dtype
    inputs = torch.randn(10, 6, generator=generator, dtype=torch.float64).to(kind)
    targets = torch.randn(10, 3, generator=generator, dtype=torch.float64).to(kind)
    for _ in range(steps):
        module.zero_grad()
        ((module(inputs) - targets) ** 2).mean().backward()
        for optimizer in optimizers:
            optimizer.step()


def split(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    weights = list(module.parameters())
    return [weight for weight in weights if weight.ndim >= 2], [weight for weight in weights if weight.ndim < 2]


def quintic(matrix: Tensor, rounds: int) -> Tensor:
    left, values, right = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(rounds):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ torch.diag(values) @ right


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("rounds", [3, 5])
def test_follows_the_formula_on_a_small_net(nesterov: bool, rounds: int) -> None:
    """Directions by a singular value decomposition; the rest by its own optimizer."""
    ours, theirs = net(), net()
    knobs = {**GOOD, "nesterov": nesterov, "rounds": rounds, "weight_decay": 0.5, "momentum": 0.8}
    built = Muon(**knobs).build(groups(ours, rate=0.5, decay=2.0))
    matrices, others = split(theirs)
    rest = torch.optim.AdamW(others, lr=0.0015, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.02)
    velocities = [torch.zeros_like(matrix) for matrix in matrices]
    for _ in range(6):
        train(ours, built, steps=1)
        train(theirs, rest, steps=1)
        for matrix, velocity in zip(matrices, velocities, strict=True):
            assert matrix.grad is not None
            velocity.copy_(0.8 * velocity + matrix.grad)
            move = quintic(matrix.grad + 0.8 * velocity if nesterov else velocity, rounds)
            rows, columns = matrix.shape
            with torch.no_grad():
                matrix.copy_(matrix - 0.01 * 1.0 * matrix - 0.01 * max(1.0, rows / columns) ** 0.5 * move)
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("nesterov", [True, False])
def test_follows_torch_in_bfloat16(nesterov: bool) -> None:
    ours, theirs, start = net().float(), net().float(), net().float()
    train(ours, Muon(**{**GOOD, "nesterov": nesterov}).build(groups(ours)))
    matrices, others = split(theirs)
    knobs: dict[str, Any] = {"momentum": 0.95, "nesterov": nesterov, "ns_steps": 5, "weight_decay": 0.0}
    train(
        theirs,
        torch.optim.Muon(matrices, lr=0.02, adjust_lr_fn="original", **knobs),
        torch.optim.AdamW(others, lr=0.003, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
    )
    for one, other, before in zip(ours.parameters(), theirs.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-2)
        assert (one - other).norm() < 0.1 * (other - before).norm()


def test_the_first_step_goes_equally_far_along_every_direction() -> None:
    ours = net()
    before = ours.tall.weight.detach().clone()
    train(ours, Muon(**GOOD).build(groups(ours)), steps=1)
    strengths = torch.linalg.svdvals((ours.tall.weight.detach() - before) / (0.02 * 2**0.5))  # 8 rows, 4 columns
    assert strengths.min() > 0.6
    assert strengths.max() < 1.21


def test_the_rest_follows_its_own_rule_to_the_bit() -> None:
    def frozen() -> Net:
        module = net()
        module.wide.weight.requires_grad_(False)
        module.tall.weight.requires_grad_(False)
        return module

    ours, theirs = frozen(), frozen()
    wanted = [
        ParameterGroup(names=each.names[1:2] + each.names[3:], parameters=each.parameters[1:2] + each.parameters[3:])
        for each in groups(ours)
    ]
    train(ours, Muon(**{**GOOD, "head": "rest"}).build(wanted))
    train(theirs, REST.build(groups_of_rest(theirs)))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def groups_of_rest(module: Net) -> list[ParameterGroup]:
    named = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    return [ParameterGroup(names=tuple(named), parameters=tuple(named.values()))]


def test_the_head_may_follow_the_rest() -> None:
    for head, count in (("muon", 3), ("rest", 2)):
        built = Muon(**{**GOOD, "head": head}).build(groups(net()))
        assert [len(group["params"]) for group in built.param_groups] == [count, 6 - count]
        assert [group["lr"] for group in built.param_groups] == [0.02, 0.003]


def test_biases_alone_and_matrices_alone_will_do() -> None:
    for kind, rate in ((0, 0.02), (1, 0.003)):
        module = net()
        chosen = split(module)[kind]
        names = tuple(str(position) for position in range(3))
        built = Muon(**GOOD).build([ParameterGroup(names=names, parameters=tuple(chosen))])
        assert [group["lr"] for group in built.param_groups] == [rate]
        before = [weight.detach().clone() for weight in chosen]
        train(module, built, steps=1)
        assert not any(torch.equal(one, other) for one, other in zip(before, chosen, strict=True))


@settings(deadline=None, max_examples=10)
@given(power=st.integers(-12, 12))
def test_the_size_of_the_gradient_does_not_matter(power: int) -> None:
    def after(factor: float) -> Tensor:
        weight = nn.Parameter(torch.ones(4, 6, dtype=torch.float64))
        built = Muon(**GOOD).build([ParameterGroup(names=("w",), parameters=(weight,))])
        for seed in range(3):
            noise = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            weight.grad = noise * factor
            built.step()
        return weight.detach()

    torch.testing.assert_close(after(2.0**power), after(1.0), rtol=0, atol=1e-4)  # the norm has + 1e-7


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_steps_as_its_matrix_does(layout: torch.memory_format) -> None:
    start, gradient = torch.randn(6, 4, 3, 3), torch.randn(6, 4, 3, 3)
    convolution = nn.Parameter(start.clone(memory_format=layout))
    matrix = nn.Parameter(start.reshape(6, 36).clone())
    for weight in (convolution, matrix):
        built = Muon(**{**GOOD, "weight_decay": 0.1}).build([ParameterGroup(names=("w",), parameters=(weight,))])
        for _ in range(3):
            weight.grad = gradient.reshape(weight.shape).clone()
            built.step()
    assert torch.equal(convolution.detach().reshape(6, 36), matrix.detach())


def test_normalize_brings_each_matrix_to_its_length() -> None:
    weight = nn.Parameter(torch.randn(6, 4, 3, 3, dtype=torch.float64))
    before = weight.detach().clone()
    knobs = {**GOOD, "normalize": True, "momentum": 0.0, "nesterov": False}
    built = Muon(**knobs).build([ParameterGroup(names=("w",), parameters=(weight,))])
    weight.grad = torch.zeros_like(weight)
    built.step()
    torch.testing.assert_close(weight.detach(), before * 6**0.5 / before.norm())
    nothing = nn.Parameter(torch.zeros(2, 3))
    nothing.grad = torch.ones(2, 3)
    Muon(**knobs).build([ParameterGroup(names=("w",), parameters=(nothing,))]).step()
    assert nothing.isfinite().all()


def test_goes_on_from_its_state_to_the_bit() -> None:
    whole, first = net(), net()
    train(whole, Muon(**GOOD).build(groups(whole)), steps=8)
    built = Muon(**GOOD).build(groups(first))
    train(first, built, steps=3)
    second = net(seed=5)
    second.load_state_dict(first.state_dict())
    again = Muon(**GOOD).build(groups(second))
    again.load_state_dict(built.state_dict())
    train(second, again, steps=5)
    for one, other in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


test_keeps_the_dtype_of_the_rest = keeps_the_dtype(
    lambda **knobs: Muon(**{**knobs, "rest": Momentum(lr=0.1, momentum=0.9, weight_decay=0.0)}), GOOD
)


def test_keeps_the_dtype_of_a_matrix() -> None:
    weight = nn.Parameter(torch.ones(3, 4, dtype=torch.bfloat16))
    weight.grad = torch.ones_like(weight)
    Muon(**GOOD).build([ParameterGroup(names=("w",), parameters=(weight,))]).step()
    assert weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lr": 0.0}, "lr.*greater than 0"),
        ({"momentum": 1.0}, "momentum.*less than 1"),
        ({"rounds": 0}, "rounds.*greater than 0"),
        ({"weight_decay": -1e-9}, "weight_decay.*greater than or equal to 0"),
        ({"head": "adamw"}, "head.*'muon' or 'rest'"),
        ({"momentum": 0.0}, "momentum=0 leaves none: nesterov=false"),
        ({"normalize": True, "weight_decay": 0.1}, "weight_decay=0, or normalize=false"),
        ({"rest": SAM(rho=0.05, adaptive=False, base=REST)}, "rest=sam.*optimizer@optimizer.rest=adamw"),
        ({"rest": ScheduleFreeSGD(lr=1.0, beta=0.9, weight_decay=0.0)}, "rest=schedule_free_sgd.*rest=adamw"),
        ({"rest": Muon(**GOOD)}, "rest=muon.*rest=adamw"),
        ({"rest": 0.1}, "rest.*instance of Optimizer"),
    ],
)
def test_refuses(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Muon(**{**GOOD, **changed})
