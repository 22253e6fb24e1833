"""Every part that a network or its preprocessing may have, through both formats and back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

import temper
from temper.command.command_line import options
from temper.data.pipeline import Pipeline
from temper.export.answering import Answering, Meaning
from temper.export.checking import difference, in_batches
from temper.export.formats import FORMATS, program_of
from temper.facts import Examples, Facts
from temper.network.activation import Activation, activation
from temper.network.convnet import ConvNet
from temper.network.group_norm import with_group_norm
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.preprocessing.gaussian import Gaussian
from temper.preprocessing.median import Median
from temper.preprocessing.normalize import Normalize
from temper.preprocessing.patch_whitening import PatchWhitening
from temper.preprocessing.pca import PCA
from temper.preprocessing.polynomial import Polynomial
from temper.preprocessing.standardize import Standardize
from temper.quantity import Clock
from temper.strategy import Preprocessing

OF_IMAGES: dict[str, Preprocessing] = {
    "median": Median(size=3),
    "gaussian": Gaussian(size=3, sigma=1.0),
    "normalize": Normalize(mean=None, std=None),
    "patch_whitening": PatchWhitening(size=2, eps=0.01, negatives=True),
}
OF_ROWS: dict[str, Preprocessing] = {
    "standardize": Standardize(inputs=True, target=False),
    "polynomial": Polynomial(degree=3, interactions=False),
    "pca": PCA(components=5, whiten=True),
}


class Together(nn.Module):
    """The mean of what several networks say."""

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([network(inputs) for network in self.networks]).mean(0)


def networks_of_images(channels: int) -> nn.Module:
    """Return one network of every kind of layer: a plain block's and a striding stage's are others' too."""
    resnet = partial(ResNet, channels, 3, blocks=[1], widths=[4], bottleneck=False, dropout=0.3)
    convnet = partial(ConvNet, channels, 3, widths=[4], convolutions=1, residual=False, between="gelu", logit_scale=0.2)
    return Together(
        with_group_norm(resnet(connection="residual", stochastic_depth=0.5)),
        resnet(connection="preactivation"),
        resnet(connection="dense"),
        convnet(offset=True, pooling="max"),
        convnet(offset=False, pooling="average"),
    )


def networks_of_rows(columns: int) -> nn.Module:
    perceptron = MLP((columns,), 3, hidden=[7, 6], between="relu", dropout=0.5)
    activations = [activation(each) for each in get_args(Activation)]
    return Together(perceptron, nn.Sequential(nn.Linear(columns, 3), *activations))


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


IMAGES = (drawn(40, 3, 10, 12) * 60 + 128).clamp(0, 255).to(torch.uint8)


def test_knows_every_preprocessing() -> None:
    assert set(OF_IMAGES) | set(OF_ROWS) == set(options("preprocessing")) - {"none"}


@pytest.mark.parametrize(
    ("inputs", "steps", "networks"),
    [(IMAGES, OF_IMAGES, networks_of_images), (drawn(40, 4), OF_ROWS, networks_of_rows)],
    ids=["images", "rows"],
)
def test_a_file_answers_as_what_it_was_made_of(
    inputs: Tensor, steps: dict[str, Preprocessing], networks: Callable[[int], nn.Module], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    pipeline = Pipeline.fit(steps, Examples(inputs, torch.zeros(len(inputs))))
    seen = pipeline(inputs)
    network = networks(seen.shape[1])
    network.train()(seen)  # so that no statistics of batch norms are 0 and 1
    network.eval().requires_grad_(False)
    facts = Facts(
        kind="multiclass",
        shape=tuple(seen.shape[1:]),
        stored_shape=tuple(inputs.shape[1:]),
        outputs=3,
        classes=3,
        examples=40,
        class_counts=(20, 10, 10),
        clock=Clock((0, 1)),
    )
    program = program_of(Answering(network, pipeline, facts).eval(), inputs)
    batches = in_batches(inputs)
    expected = [network(pipeline(batch)).softmax(1) for batch in batches]
    assert torch.cat(expected).std(0).min() > 1e-3, "it has to have something to say"
    for form in FORMATS.values():
        path = tmp_path / f"model{form.suffix}"
        form.write(program, Meaning.of(facts, ()), path)
        assert difference(form.load(path), expected, batches, facts) < 5e-6, form.runtime
        held = path.read_bytes()
        assert str(Path(temper.__file__).parent).encode() not in held
        assert len(held) > 1_000


def test_a_file_holds_no_example(tmp_path: Path) -> None:
    inputs = torch.full((5, 4), 12345.678)
    facts = Facts(kind="regression", shape=(4,), outputs=1, classes=0, examples=5, class_counts=(), clock=Clock((0, 1)))
    program = program_of(Answering(MLP((4,), 1, hidden=[], between="relu"), Pipeline({}, {}), facts).eval(), inputs)
    FORMATS["torch"].write(program, Meaning.of(facts, ()), tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2")
    assert loaded.example_inputs is not None
    assert not torch.cat([each.flatten() for each in loaded.example_inputs[0]]).any()
