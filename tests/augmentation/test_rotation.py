"""The rotation against torchvision's, image by image, and its angles against torchvision's draws."""

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import ks_2samp
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from temper.augmentation.rotation import Rotation


def test_turns_as_torchvision_does() -> None:
    images = torch.randint(256, (12, 3, 24, 32), dtype=torch.uint8)
    before, angle = images.clone(), torch.linspace(-180, 180, 12)
    result, targets = Rotation(degrees=180.0).apply(images, torch.arange(12), {"angle": angle})
    for row, by in enumerate(angle.tolist()):
        differs = (result[row].int() - F.rotate(images[row], by, InterpolationMode.BILINEAR).int()).abs()
        assert (differs <= 1).float().mean() >= 0.99, by
    assert torch.equal(images, before)
    assert targets.tolist() == list(range(12))


def test_a_quarter_turn_is_a_transposition() -> None:
    images = torch.randint(256, (2, 3, 6, 6), dtype=torch.uint8)
    result, _ = Rotation(degrees=90.0).apply(images, torch.zeros(2), {"angle": torch.tensor([90.0, -90.0])})
    assert torch.equal(result[0], images[0].rot90(1, (1, 2)))
    assert torch.equal(result[1], images[1].rot90(-1, (1, 2)))


def test_angles_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = [v2.RandomRotation(20).make_params([])["angle"] for _ in range(2000)]
    angle = Rotation(degrees=20.0).draw([1500, 500], (3, 8, 8), torch.Generator().manual_seed(0))["angle"]
    assert angle.shape == (2000,)
    assert ks_2samp(theirs, angle.numpy()).pvalue > 0.001


@pytest.mark.parametrize("bad", [0.0, -1.0, 180.1, True])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="degrees"):
        Rotation(**{"degrees": bad})
