"""The MLP task: its network against matrix products, its ruler, and bad values."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError

from temper.facts import Facts, Kind
from temper.quantity import Clock
from temper.task.mlp import MLP, MLPModule
from temper.task.ruler import judge

make: Callable[..., MLP] = MLP
GOOD = {"hidden": [8], "activation": "relu", "dropout": None}


def facts(kind: Kind, shape: tuple[int, ...], outputs: int) -> Facts:
    classes = {"regression": 0, "binary": 2, "multiclass": outputs}[kind]
    return Facts(
        kind=kind, shape=shape, outputs=outputs, classes=classes, examples=8, class_counts=(), clock=Clock((0, 1))
    )


def test_ten_five_one_agrees_with_matrix_products() -> None:
    network = make(**{**GOOD, "hidden": [5], "activation": "sigmoid"}).network(facts("regression", (10,), 1))
    inputs = torch.randn(6, 10)
    w1, b1, w2, b2 = network.parameters()
    assert w1.shape == (5, 10)
    torch.testing.assert_close(network(inputs), torch.sigmoid(inputs @ w1.T + b1) @ w2[0] + b2)


def test_a_single_unit() -> None:
    network = make(**{**GOOD, "hidden": []}).network(facts("binary", (1,), 1))
    assert sum(weight.numel() for weight in network.parameters()) == 2


def test_takes_images_as_rows() -> None:
    network = make(**{**GOOD, "hidden": [4]}).network(facts("multiclass", (1, 8, 8), 10))
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(("dropout", "layers"), [(None, 0), (0.0, 0), (0.25, 2)])
def test_dropout_follows_each_hidden_layer(dropout: float | None, layers: int) -> None:
    network = make(**{**GOOD, "hidden": [4, 3], "dropout": dropout}).network(facts("multiclass", (6,), 3))
    found = [layer.p for layer in network.modules() if isinstance(layer, torch.nn.Dropout)]
    assert found == [dropout] * layers
    plain = make(**{**GOOD, "hidden": [4, 3]}).network(facts("multiclass", (6,), 3))
    assert list(network.state_dict()) == list(plain.state_dict())


def test_is_deep_where_it_has_a_hidden_layer() -> None:
    assert make(**GOOD).deep
    assert not make(**{**GOOD, "hidden": []}).deep


@pytest.mark.parametrize(("kind", "outputs"), [("regression", 1), ("binary", 1), ("multiclass", 3)])
def test_judges_as_the_data_asks(kind: Kind, outputs: int) -> None:
    module = MLPModule.__new__(MLPModule)
    torch.nn.Module.__init__(module)
    module.facts = facts(kind, (1,), outputs)
    prediction, target = torch.randn(6, outputs).squeeze(1), torch.arange(6) % 2
    assert str(module.judge(prediction, target)) == str(judge(prediction, target, module.facts))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"hidden": [0]}, "hidden"),
        ({"hidden": [8, -1]}, "hidden"),
        ({"hidden": [8.5]}, "hidden"),
        ({"hidden": 8}, "hidden"),
        ({"activation": "swish"}, "activation"),
        ({"drop": 0.5}, "drop"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": True}, "dropout"),
        ({"hidden": [], "dropout": 0.5}, r"dropout=0.5 has no hidden unit to silence.*dropout=null"),
    ],
)
def test_refuses(bad: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        make(**{**GOOD, **bad})
