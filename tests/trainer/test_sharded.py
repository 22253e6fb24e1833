"""What each process holds a part of, in a group of one process: every optimizer's rule, and what is whole again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from temper.command.command_line import options
from temper.experiment import make
from temper.facts import ParameterGroup
from temper.sharding import local, placed_like, whole


@pytest.fixture(scope="module", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    store = tmp_path_factory.mktemp("group") / "store"
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def network(kind: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)).to(kind)


def trained(module: nn.Module, optimizer: Any, kind: torch.dtype) -> dict[str, Tensor]:
    """Return the weights after four steps, which are enough for `lookahead`'s slow ones to move."""
    groups = [
        ParameterGroup(
            names=tuple(n for n, _ in chosen), parameters=tuple(w for _, w in chosen), rate=1.0, decay=float(decays)
        )
        for decays in (True, False)
        if (chosen := [(n, w) for n, w in module.named_parameters() if (w.ndim > 1) is decays])
    ]
    steps = optimizer.build(groups)
    inputs = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(1)).to(kind)

    def closure() -> Tensor:
        steps.zero_grad()
        loss = module(inputs).square().mean()
        loss.backward()
        return loss

    for _ in range(4):
        steps.step(closure)
    shown = optimizer.shown(steps) if optimizer.averages else None
    weights = dict(module.named_parameters())
    return {name: whole((shown or {}).get(weight, weight)).detach() for name, weight in weights.items()}


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16], ids=["float64", "bfloat16"])
@pytest.mark.parametrize("name", options("optimizer"))
def test_every_optimizer_follows_its_rule(
    name: str, kind: torch.dtype, composed: Callable[..., dict[str, Any]]
) -> None:
    words = ["optimizer.k=2"] if name == "lookahead" else []
    config = composed(f"optimizer={name}", *words)["optimizer"]
    parts = network(kind)
    mesh = init_device_mesh("cpu", (1,))
    fully_shard([parts[0], parts[1]], mesh=mesh)
    fully_shard(parts, mesh=mesh)
    found = trained(parts, make(config, "optimizer"), kind)
    assert all(isinstance(weight, DTensor) for weight in parts.parameters())
    wanted = trained(network(kind), make(config, "optimizer"), kind)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        # bf16 keeps 8 bits, and a fused rule rounds once where another rounds at each of its operations.
        torch.testing.assert_close(found[key], value, rtol=0, atol=1e-12 if kind == torch.float64 else 2e-2)
    assert any(not torch.equal(value, dict(network(kind).named_parameters())[key]) for key, value in found.items())


def test_whole_gathers_at_any_depth_and_leaves_the_rest() -> None:
    mesh = init_device_mesh("cpu", (1,))
    full = torch.arange(6.0).reshape(3, 2)
    cut = distribute_tensor(full, mesh, [Shard(0)])
    found = whole({"a": [cut, (cut, 1)], "b": "text", "c": full, "d": None})
    assert (found["b"], found["a"][1][1], found["d"]) == ("text", 1, None)
    for each in (found["a"][0], found["a"][1][0], found["c"]):
        assert not isinstance(each, DTensor)
        assert torch.equal(each, full)
    assert isinstance(found["a"][1], tuple)


def test_of_a_checkpoint_one_process_keeps_what_all_have_gathered() -> None:
    cut = distribute_tensor(torch.ones(3, 2), init_device_mesh("cpu", (1,)), [Shard(0)])
    assert torch.equal(whole({"a": [cut]}, kept=True)["a"][0], torch.ones(3, 2))
    assert whole({"a": [cut], "b": 1}, kept=False) == {"a": [None], "b": 1}


def test_placed_like_cuts_what_the_other_is_cut_into() -> None:
    full = torch.arange(6.0).reshape(3, 2)
    cut = distribute_tensor(torch.zeros(3, 2), init_device_mesh("cpu", (1,)), [Shard(0)])
    placed = placed_like(full, cut)
    assert isinstance(placed, DTensor)
    assert placed.placements == cut.placements
    assert torch.equal(placed.full_tensor(), full)
    assert placed_like(placed, cut) is placed
    assert placed_like(full, torch.zeros(1)) is full


def test_local_is_the_memory_itself() -> None:
    cut = distribute_tensor(torch.zeros(3, 2), init_device_mesh("cpu", (1,)), [Shard(0)])
    plain = torch.zeros(2)
    one, other = local([cut, plain])
    one += 1
    assert torch.equal(cut.full_tensor(), torch.ones(3, 2))
    assert other is plain
