"""The hidden square against clipping its corners, pixel by pixel, as the paper's authors describe it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.augmentation.cutout import Cutout


@settings(deadline=None, max_examples=25)
@given(size=st.integers(1, 9), height=st.integers(1, 7), width=st.integers(1, 7), seed=st.integers(0, 999))
def test_hides_the_square_about_its_centre(size: int, height: int, width: int, seed: int) -> None:
    images = torch.rand(3, 2, height, width) + 1
    before = images.clone()
    cutout = Cutout(size=size)
    drawn = cutout.draw([3], (2, height, width), torch.Generator().manual_seed(seed))
    result, _ = cutout.apply(images, torch.zeros(3), drawn)
    for row, (y, x) in enumerate(zip(drawn["y"].tolist(), drawn["x"].tolist(), strict=True)):
        top, left = y - size // 2, x - size // 2
        for i in range(height):
            for j in range(width):
                hidden = top <= i < top + size and left <= j < left + size
                assert torch.equal(result[row, :, i, j], before[row, :, i, j] * (not hidden))
    assert torch.equal(images, before)


def test_centres_lie_on_every_pixel_alike() -> None:
    drawn = Cutout(size=4).draw([10000, 10000], (3, 4, 5), torch.Generator().manual_seed(0))
    counts = torch.bincount(5 * drawn["y"] + drawn["x"], minlength=20)
    assert len(counts) == 20
    assert ((counts - 1000).abs() < 160).all()  # five standard deviations


def test_keeps_the_memory_format() -> None:
    images = torch.rand(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    cutout = Cutout(size=4)
    result, _ = cutout.apply(images, torch.zeros(2), cutout.draw([2], (3, 8, 8), torch.Generator()))
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("bad", [0, -1, 2.5])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="size"):
        Cutout(**{"size": bad})
