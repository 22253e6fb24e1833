"""What groups are made of: a network, and what may stand beside it in a run's module."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

Beside = Callable[[nn.Module], nn.ModuleDict]


@pytest.fixture
def beside() -> Beside:
    """Return a function that puts a network beside a learned weight of a term and a regressor."""

    def put(network: nn.Module) -> nn.ModuleDict:
        return nn.ModuleDict(
            {
                "network": network,
                "weigher": nn.ParameterDict({"log_variance": torch.zeros(())}),
                "distillers": nn.ModuleDict({"hints": nn.Conv2d(2, 2, 1)}),
            }
        )

    return put
