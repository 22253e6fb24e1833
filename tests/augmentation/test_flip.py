"""The flip against reversing each row by itself."""

import pytest
import torch
from pydantic import ValidationError

from temper.augmentation.flip import Flip
from temper.augmentation.mirror import by_choice, by_rows


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_reverses_the_rows_of_the_drawn_images(kind: torch.dtype, layout: torch.memory_format) -> None:
    images = torch.randint(256, (5, 3, 4, 6)).to(kind).contiguous(memory_format=layout)
    before = images.clone()
    flipped = torch.tensor([True, False, True, False, True])
    result, _ = Flip(p=0.5).apply(images, torch.zeros(5), {"flipped": flipped})
    for image, out, mirrored in zip(before.tolist(), result.tolist(), flipped.tolist(), strict=True):
        assert out == ([[row[::-1] for row in plane] for plane in image] if mirrored else image)
    assert torch.equal(images, before)
    assert result.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_both_ways_give_the_same(layout: torch.memory_format) -> None:
    images, flipped = torch.rand(6, 3, 4, 5).contiguous(memory_format=layout), torch.rand(6) < 0.5
    one, other = by_rows(images, flipped), by_choice(images, flipped)
    assert torch.equal(one, other)
    assert one.stride() == other.stride() == images.stride()


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_each_image_has_its_own_coin(p: float) -> None:
    flipped = Flip(p=p).draw([6000, 4000], (3, 4, 4), torch.Generator().manual_seed(0))["flipped"]
    assert flipped.shape == (10000,)
    assert flipped.float().mean().item() == pytest.approx(p, abs=0.025)


def test_none_or_all_or_no_images() -> None:
    images = torch.rand(3, 1, 2, 2)
    assert torch.equal(Flip(p=0.5).apply(images, torch.zeros(3), {"flipped": torch.zeros(3).bool()})[0], images)
    assert torch.equal(Flip(p=0.5).apply(images, torch.zeros(3), {"flipped": torch.ones(3).bool()})[0], images.flip(-1))


@pytest.mark.parametrize("bad", [-0.01, 1.01, True, "half"])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="p"):
        Flip(**{"p": bad})
