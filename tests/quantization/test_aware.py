"""Quantization-aware training: its bounds, and that the loss it learns from is that of the rounded network."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from tests.conftest import Train
from tests.quantization.conftest import ROUNDED, state

from temper.network.mlp import MLP
from temper.network.simulated import layers_of
from temper.quantity import Clock
from temper.quantization.aware import Aware


@pytest.mark.parametrize(("knob", "value"), [("start", -1e-9), ("start", 1.0), ("momentum", 0.0), ("momentum", 1.0)])
def test_refuses(knob: str, value: float) -> None:
    with pytest.raises(ValidationError, match=knob):
        Aware(**{"start": 0.5, "momentum": 0.01, knob: value})


def test_layers_round_in_training_from_the_start_on() -> None:
    aware = Aware(start=0.5, momentum=0.01)
    network = aware.prepared(MLP((4,), 2, hidden=[3], between="relu"))
    callback = aware.callback(Clock((0, 10)), seed=0)
    assert (callback.start, callback.rounds) == (5, True)
    assert not any(layer.rounds for layer in layers_of(network))


def test_weights_learn_otherwise_than_without(train: Train, tmp_path: Path) -> None:
    train(*ROUNDED, "quantization=aware")
    train(*ROUNDED, "quantization=static", folder=tmp_path / "static")
    aware, static = state(tmp_path / "run"), state(tmp_path / "static")
    name = "network.head.weight"
    assert not torch.equal(aware[name], static[name])
    torch.testing.assert_close(aware[name], static[name], rtol=0.1, atol=0.02)  # by the rounding of six steps
