"""The perceptron against matrix products written out, and over every shape it must take."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.network.mlp import MLP


def test_agrees_with_matrix_products() -> None:
    torch.manual_seed(0)
    network = MLP((2, 3), 4, hidden=[5, 7], between="tanh")
    inputs = torch.randn(8, 2, 3)
    w = dict(network.named_parameters())
    rows = inputs.reshape(8, 6)
    for layer in ("hidden.linear1", "hidden.linear2"):
        rows = torch.tanh(rows @ w[f"{layer}.weight"].T + w[f"{layer}.bias"])
    torch.testing.assert_close(network(inputs), rows @ w["head.weight"].T + w["head.bias"])


def test_a_single_sigmoid_unit_is_logistic_regression() -> None:
    network = MLP((1,), 1, hidden=[], between="relu")
    inputs = torch.linspace(0, 1, 5)[:, None]
    assert sum(weight.numel() for weight in network.parameters()) == 2
    torch.testing.assert_close(network(inputs), inputs[:, 0] * network.head.weight.item() + network.head.bias.item())


@settings(deadline=None, max_examples=25)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    hidden=st.lists(st.integers(1, 9), max_size=4),
    outputs=st.integers(1, 4),
    n=st.integers(1, 3),
)
def test_shape_and_count(shape: list[int], hidden: list[int], outputs: int, n: int) -> None:
    network = MLP(shape, outputs, hidden=hidden, between="relu")
    expected = (n,) if outputs == 1 else (n, outputs)
    assert network(torch.zeros(n, *shape)).shape == expected
    widths = [int(torch.tensor(shape).prod()), *hidden, outputs]
    count = sum(widths[i] * widths[i + 1] + widths[i + 1] for i in range(len(widths) - 1))
    assert sum(weight.numel() for weight in network.parameters()) == count


def test_without_an_activation_it_is_linear() -> None:
    network = MLP((3,), 2, hidden=[4, 4], between="identity").double()
    a, b = torch.randn(2, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(network(a) + network(b), network(a + b) + network(torch.zeros_like(a)))


@pytest.mark.parametrize("hidden", [[2], [2, 2]])
def test_the_head_is_not_activated(hidden: list[int]) -> None:
    network = MLP((1,), 1, hidden=hidden, between="relu")
    torch.nn.init.constant_(network.head.bias, -10.0)
    assert network(torch.zeros(1, 1)).item() < 0
