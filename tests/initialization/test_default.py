"""The default leaves what the layers drew."""

import torch
from torch import nn

from temper.initialization.default import Default


def test_agrees_with_layers_that_nothing_touched() -> None:
    torch.manual_seed(0)
    untouched = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(3, 2))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(3, 2))
    state = torch.get_rng_state()
    Default().apply(network)
    assert torch.equal(state, torch.get_rng_state())
    for mine, theirs in zip(network.parameters(), untouched.parameters(), strict=True):
        assert torch.equal(mine, theirs)
