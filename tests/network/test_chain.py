"""A chain is a Sequential, cut into blocks."""

import pytest
import torch
from torch import nn

from temper.network.chain import Chain, through


def chain(parts: int) -> Chain:
    torch.manual_seed(0)
    made = Chain(*(nn.Linear(3, 3) for _ in range(6)))
    made.parts = parts
    return made


@pytest.mark.parametrize("recomputes", [False, True])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_equals_torchs_sequential(parts: int, recomputes: bool) -> None:
    made, inputs = chain(parts), torch.randn(2, 3)
    made.recomputes = recomputes
    assert torch.equal(made(inputs), nn.Sequential(*made)(inputs))


def test_is_cut_into_blocks() -> None:
    made = chain(2)
    assert [[id(part) for part in block] for block in made.blocks()] == [
        [id(made[first]), id(made[first + 1])] for first in (0, 2, 4)
    ]
    inputs = torch.randn(2, 3)
    assert torch.equal(through(made.blocks()[1], inputs), made[3](made[2](inputs)))
