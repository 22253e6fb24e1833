"""The sampling against torchvision's affine, image by image."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from temper.augmentation.affine import matrix, resample


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(3, 20),
    width=st.integers(3, 20),
    seed=st.integers(0, 999),
    mode=st.sampled_from(["bilinear", "nearest"]),
)
def test_agrees_with_torchvision(height: int, width: int, seed: int, mode: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (4, 3, height, width), generator=generator, dtype=torch.uint8)
    before = images.clone()
    turn, scale, right, down = torch.rand(4, 4, generator=generator).tolist()
    made = matrix(
        torch.tensor(turn) * 90, 1 / (0.5 + torch.tensor(scale)), torch.tensor(right) * 5, torch.tensor(down) * -3
    )
    result = resample(images, made, mode)
    for row, image in enumerate(images):
        there = F.affine(
            image,
            angle=turn[row] * 90,
            translate=[right[row] * 5, down[row] * -3],
            scale=0.5 + scale[row],
            shear=[0.0, 0.0],
            interpolation=InterpolationMode(mode),
        )
        differs = (result[row].int() - there.int()).abs()
        # Nearest by, a source half-way between two pixels may fall to either.
        assert (differs <= 1).float().mean() >= (0.99 if mode == "bilinear" else 0.97)
    assert torch.equal(images, before)


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32, torch.float64])
def test_nothing_moved_is_the_image(kind: torch.dtype) -> None:
    images = torch.randint(256, (3, 2, 7, 5)).to(kind)
    still = torch.zeros(3)
    result = resample(images, matrix(still, still + 1, still, still))
    assert result.dtype == kind
    torch.testing.assert_close(result, images, rtol=1e-4, atol=1e-3 if kind.is_floating_point else 0)


def test_floats_are_sampled_as_pixels_are() -> None:
    images = torch.randint(256, (8, 3, 16, 16), dtype=torch.uint8)
    turn, still = torch.linspace(-40, 40, 8), torch.zeros(8)
    made = matrix(turn, still + 1, still, still)
    assert torch.equal(resample(images.float(), made).round().to(torch.uint8), resample(images, made))
