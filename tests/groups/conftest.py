"""What groups are made of: a network, and what may stand beside it in a run's module."""

from collections.abc import Callable

import pytest
from torch import nn

Beside = Callable[[nn.Module], nn.ModuleDict]


@pytest.fixture
def beside() -> Beside:
    """Return a function that puts a network beside a regressor."""

    def put(network: nn.Module) -> nn.ModuleDict:
        return nn.ModuleDict(
            {
                "network": network,
                "distillers": nn.ModuleDict({"hints": nn.Conv2d(2, 2, 1)}),
            }
        )

    return put
