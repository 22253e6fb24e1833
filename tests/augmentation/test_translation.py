"""The translation against slices, pixel by pixel, and its shifts against torchvision's draws."""

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import ks_2samp
from torchvision.transforms import v2

from temper.augmentation.translation import Translation


@pytest.mark.parametrize("kind", [torch.uint8, torch.float64])
def test_moves_the_pixels(kind: torch.dtype) -> None:
    images = torch.randint(1, 256, (4, 3, 6, 5)).to(kind)
    before = images.clone()
    drawn = {"right": torch.tensor([0.0, 2.0, -1.0, 5.0]), "down": torch.tensor([0.0, 1.0, -3.0, 0.0])}
    result, _ = Translation(share=1.0).apply(images, torch.zeros(4), drawn)
    expected = torch.zeros_like(images)
    expected[0] = images[0]
    expected[1, :, 1:, 2:] = images[1, :, :-1, :-2]
    expected[2, :, :-3, :-1] = images[2, :, 3:, 1:]
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-2 if kind.is_floating_point else 0)
    assert torch.equal(images, before)


def test_shifts_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = [
        v2.RandomAffine(0, translate=(0.2, 0.2)).make_params([torch.zeros(3, 16, 40)])["translate"] for _ in range(2000)
    ]
    drawn = Translation(share=0.2).draw([1500, 500], (3, 16, 40), torch.Generator().manual_seed(0))
    right, down = zip(*theirs, strict=True)
    assert ks_2samp(right, drawn["right"].numpy()).pvalue > 0.001
    assert ks_2samp(down, drawn["down"].numpy()).pvalue > 0.001
    assert drawn["right"].abs().max() == 8
    assert drawn["down"].abs().max() == 3


@pytest.mark.parametrize("bad", [-0.01, 1.01, "much"])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="share"):
        Translation(**{"share": bad})
