"""The scaling against torchvision's affine, image by image, and its scales against torchvision's draws."""

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import ks_2samp
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from temper.augmentation.scaling import Scaling


def test_scales_as_torchvision_does() -> None:
    images = torch.randint(256, (12, 3, 24, 32), dtype=torch.uint8)
    before, scale = images.clone(), torch.linspace(0.4, 2.5, 12)
    result, _ = Scaling(smallest=0.4, largest=2.5).apply(images, torch.zeros(12), {"scale": scale})
    for row, by in enumerate(scale.tolist()):
        there = F.affine(images[row], 0.0, [0, 0], by, [0.0, 0.0], InterpolationMode.BILINEAR)
        assert ((result[row].int() - there.int()).abs() <= 1).float().mean() >= 0.99, by
    assert torch.equal(images, before)


def test_scales_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    image = torch.zeros(3, 8, 8)
    theirs = [v2.RandomAffine(0, scale=(0.7, 1.2)).make_params([image])["scale"] for _ in range(2000)]
    scale = Scaling(smallest=0.7, largest=1.2).draw([1500, 500], (3, 8, 8), torch.Generator().manual_seed(0))["scale"]
    assert ks_2samp(theirs, scale.numpy()).pvalue > 0.001


@pytest.mark.parametrize(
    ("smallest", "largest", "said"),
    [(0.0, 1.0, "smallest"), (1.0, -1.0, "largest"), (1.2, 1.1, "is above largest=1.1")],
)
def test_refuses(smallest: float, largest: float, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Scaling(smallest=smallest, largest=largest)
