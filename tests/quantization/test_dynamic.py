"""Dynamic quantization: its bounds, and answers that do not depend on what an example comes with."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from tests.conftest import Train
from tests.quantization.conftest import ROUNDED, delivered, whole_layers

from temper.quantization.dynamic import Dynamic


@pytest.mark.parametrize("start", [-1e-9, 1.0])
def test_refuses(start: float) -> None:
    with pytest.raises(ValidationError, match="start"):
        Dynamic(start=start)


def test_watches_nothing_and_answers_each_example_by_itself(train: Train, tmp_path: Path) -> None:
    assert not Dynamic(start=0.9).watches
    train(*ROUNDED, "quantization=dynamic")
    network = delivered(tmp_path / "run")
    assert all(layer.least is None for layer in whole_layers(network))
    inputs = torch.randn(20, 64) * torch.logspace(-3, 3, 20)[:, None]
    with torch.inference_mode():
        assert torch.equal(network(inputs), torch.cat([network(one) for one in inputs.split(1)]))
