import pytest
import torch
from tests.explain.conftest import Small, images
from torch import nn

from temper.explain.attribution import grad_cam, gradient_times_input, layer_with_maps, scores
from temper.network.convnet import ConvNet
from temper.network.mlp import MLP
from temper.network.resnet import ResNet


def small(outputs: int = 4) -> Small:
    torch.manual_seed(0)
    return Small(outputs=outputs).eval()


def by_hand(network: Small, image: torch.Tensor, weights: list[float], layer: str = "relu") -> list[list[float]]:
    """Return the map by plain loops: behind the ReLU dy/dA is w / Z at each position, before it where A is above 0."""
    kernel, offset = network.conv.weight.tolist(), network.conv.bias.tolist()  # type: ignore[union-attr]
    pixels = image.tolist()
    high, wide = len(pixels[0]), len(pixels[0][0])
    found = [[0.0] * wide for _ in range(high)]
    for k, weight in enumerate(weights):
        values = [[0.0] * wide for _ in range(high)]
        for i in range(high):
            for j in range(wide):
                value = offset[k]
                for c, plane in enumerate(pixels):
                    for di in range(3):
                        for dj in range(3):
                            y, x = i + di - 1, j + dj - 1
                            if 0 <= y < high and 0 <= x < wide:
                                value += kernel[k][c][di][dj] * plane[y][x]
                values[i][j] = value
        slopes = [weight / (high * wide) if layer == "relu" or value > 0 else 0.0 for row in values for value in row]
        alpha = sum(slopes) / (high * wide)
        for i in range(high):
            for j in range(wide):
                found[i][j] += alpha * (max(values[i][j], 0.0) if layer == "relu" else values[i][j])
    return [[max(value, 0.0) for value in row] for row in found]


@pytest.mark.parametrize("layer", ["relu", "conv"])
@pytest.mark.parametrize("chosen", [0, 3])
def test_grad_cam_is_the_papers(chosen: int, layer: str) -> None:
    network, inputs = small(), images(2, 2, 5, 6)
    classes = torch.tensor([chosen, 1])
    maps = grad_cam(network, layer, inputs, classes, "multiclass")
    assert maps.shape == (2, 5, 6)
    assert maps.max() > 0
    for place, one in enumerate(classes.tolist()):
        expected = by_hand(network, inputs[place], network.head.weight[one].tolist(), layer)
        torch.testing.assert_close(maps[place], torch.tensor(expected, dtype=torch.float64))
    assert not network.get_submodule(layer)._forward_hooks
    assert all(weight.grad is None for weight in network.parameters())


def test_one_logit_speaks_for_either_class() -> None:
    network, inputs = small(outputs=1), images(1, 2, 5, 6)
    for one, sign in ((1, 1.0), (0, -1.0)):
        maps = grad_cam(network, "relu", inputs, torch.tensor([one]), "binary")
        weights = [sign * weight for weight in network.head.weight[0].tolist()]
        torch.testing.assert_close(maps[0], torch.tensor(by_hand(network, inputs[0], weights), dtype=torch.float64))
    values = torch.tensor([2.0, 3.0])
    assert scores(values, torch.tensor([0, 1]), "binary").tolist() == [-2.0, 3.0]
    assert scores(values, values, "regression").tolist() == [2.0, 3.0]
    assert scores(torch.tensor([[1.0, 2.0]]), torch.tensor([1]), "multiclass").tolist() == [2.0]


class Corner(nn.Module):
    """Looks only at the upper left corner of an image, and says class 1 if there is light."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        window = torch.zeros(8, 8)
        window[:2, :2] = 1
        light = self.layer(images * window).mean((1, 2, 3))
        return torch.stack([-light, light], dim=1)


def test_what_looks_at_one_corner_lights_up_that_corner() -> None:
    inputs = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    (lit,) = grad_cam(Corner(), "layer", inputs, torch.tensor([1]), "multiclass")
    assert (lit[:2, :2] > 0).all()
    assert lit[2:].eq(0).all()
    assert lit[:, 2:].eq(0).all()
    (dark,) = grad_cam(Corner(), "layer", inputs, torch.tensor([0]), "multiclass")
    assert dark.eq(0).all()  # what speaks against a class is left out


def test_gradient_times_input_of_a_line_are_its_terms() -> None:
    network = nn.Linear(3, 2)
    inputs = torch.tensor([[1.0, -2.0, 0.5]])
    adds = gradient_times_input(network, inputs, torch.tensor([1]), "multiclass")
    torch.testing.assert_close(adds, inputs * network.weight[1].detach())
    torch.testing.assert_close(adds.sum() + network.bias[1], network(inputs)[0, 1])


def resnet(connection: str) -> ResNet:
    return ResNet(3, 10, blocks=[1, 2], widths=[4, 8], connection=connection, bottleneck=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
def test_the_last_maps_before_pooling_are_found(connection: str) -> None:
    network = resnet(connection).eval()
    assert layer_with_maps(network, (3, 8, 8), None) == "activation"
    maps = grad_cam(network, "activation", torch.rand(2, 3, 8, 8), torch.tensor([1, 2]), "multiclass")
    assert maps.shape == (2, 4, 4)
    assert maps.isfinite().all()
    assert layer_with_maps(network, (3, 8, 8), "stem") == "stem"


def convnet(widths: list[int], offset: bool = True) -> ConvNet:
    knobs = {"convolutions": 1, "residual": False, "between": "gelu", "pooling": "max", "offset": offset}
    return ConvNet(3, 10, widths=widths, logit_scale=1.0, **knobs)  # type: ignore[arg-type]


def test_maps_of_one_position_say_nothing_of_where() -> None:
    assert layer_with_maps(convnet([4, 8]).eval(), (3, 8, 8), None) == "stages.1"
    assert layer_with_maps(convnet([4]).eval(), (3, 2, 2), None) == "stem"
    assert layer_with_maps(convnet([4], offset=False).eval(), (3, 2, 2), None) is None
    assert layer_with_maps(convnet([4, 8]).eval(), (3, 4, 4), None) == "stages.0"
    perceptron = MLP((64,), 10, hidden=[8], between="relu")
    assert layer_with_maps(perceptron, (64,), None) is None
    with pytest.raises(ValueError, match="no layer of this network puts out feature maps"):
        layer_with_maps(perceptron, (64,), "hidden.linear1")


def test_a_layer_that_cannot_be_looked_at_is_refused() -> None:
    network = resnet("residual").eval()
    with pytest.raises(ValueError, match=r"did you mean stages\.0\.0\.body\.conv2"):
        layer_with_maps(network, (3, 8, 8), "stages.0.0.body.conv3")
    with pytest.raises(ValueError, match=r"shape \(10,\).*such as activation"):
        layer_with_maps(network, (3, 8, 8), "head")
    dense = resnet("dense").eval()
    with pytest.raises(ValueError, match=r"stages\.1\.bodies only holds others"):
        layer_with_maps(dense, (3, 8, 8), "stages.1.bodies")
