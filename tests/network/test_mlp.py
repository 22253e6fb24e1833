"""The perceptron against matrix products written out, and over every shape it must take."""

import math

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


def dropped(seed: int) -> tuple[MLP, torch.Tensor, dict[int, torch.Tensor], torch.Tensor]:
    """Return a network, inputs, which hidden units spoke in a training pass, by layer, and what it answered."""
    torch.manual_seed(0)
    network, inputs = MLP((3,), 2, hidden=[5, 4], between="tanh", dropout=0.4), torch.randn(6, 3)
    spoke: dict[int, torch.Tensor] = {}
    for layer in (1, 2):
        network.hidden.get_submodule(f"dropout{layer}").register_forward_hook(
            lambda module, inputs, output, layer=layer: spoke.__setitem__(layer, output != 0)
        )
    torch.manual_seed(seed)
    return network, inputs, spoke, network(inputs)


def test_dropout_by_the_paper_scaled_in_training() -> None:
    network, inputs, spoke, answer = dropped(seed=1)
    w = {name: value.tolist() for name, value in network.named_parameters()}
    assert not all(each.all() for each in spoke.values())
    for row, (features, answered) in enumerate(zip(inputs.tolist(), answer.tolist(), strict=True)):
        values = features
        for layer in (1, 2):
            weights, biases = w[f"hidden.linear{layer}.weight"], w[f"hidden.linear{layer}.bias"]
            values = [
                math.tanh(sum(a * b for a, b in zip(weight, values, strict=True)) + bias) / (1 - 0.4) * bool(there)
                for weight, bias, there in zip(weights, biases, spoke[layer][row], strict=True)
            ]
        by_hand = [
            sum(a * b for a, b in zip(weight, values, strict=True)) + bias
            for weight, bias in zip(w["head.weight"], w["head.bias"], strict=True)
        ]
        assert answered == pytest.approx(by_hand, abs=1e-5)


def test_dropout_keeps_the_mean_and_leaves_evaluation_alone() -> None:
    network, inputs, _, _ = dropped(seed=1)
    plain = MLP((3,), 2, hidden=[5, 4], between="tanh")
    plain.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(inputs), plain.eval()(inputs))
    # Behind one dropped layer the answer is linear in what was drawn, so that means are those of the whole network.
    one = MLP((3,), 2, hidden=[5], between="tanh", dropout=0.4)
    many = one.train()(inputs[:1].expand(20_000, 3))
    error = many.std(dim=0) / 20_000**0.5
    assert ((many.mean(dim=0) - one.eval()(inputs[:1])[0]).abs() < 5 * error).all()


def test_units_are_silent_as_often_as_asked() -> None:
    network = MLP((3,), 2, hidden=[50], between="sigmoid", dropout=0.3)
    silent = (network.hidden(torch.randn(400, 3)) == 0).double().mean().item()
    assert abs(silent - 0.3) < 5 * (0.3 * 0.7 / 20_000) ** 0.5
