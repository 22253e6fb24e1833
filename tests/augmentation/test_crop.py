"""The crop against slicing each padded image by itself."""

from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from temper.augmentation.crop import Crop


def by_slicing(images: Tensor, top: list[int], left: list[int], padding: int, border: str | None) -> Tensor:
    n, c, h, w = images.shape
    padded = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=images.dtype)
    padded[:, :, padding : padding + h, padding : padding + w] = images
    if border == "reflect":
        padded = torch.from_numpy(numpy.pad(images.numpy(), [(0, 0), (0, 0)] + [(padding, padding)] * 2, "reflect"))
    windows = zip(padded, top, left, strict=True)
    return torch.stack([image[:, y : y + h, x : x + w] for image, y, x in windows])


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    padding=st.integers(1, 4),
    seed=st.integers(0, 999),
    kind=st.sampled_from([torch.uint8, torch.float32]),
    last=st.booleans(),
    border=st.sampled_from([None, "reflect"]),
)
def test_agrees_with_slicing(
    shape: tuple[int, int, int, int], padding: int, seed: int, kind: torch.dtype, last: bool, border: Any
) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, shape, generator=generator).to(kind)
    given_images = images.contiguous(memory_format=torch.channels_last) if last else images
    before = given_images.clone()
    crop = Crop(padding=padding, border=border)
    drawn = crop.draw([shape[0]], shape[1:], generator)
    cropped, targets = crop.apply(given_images, torch.zeros(shape[0]), drawn)
    assert torch.equal(cropped, by_slicing(images, drawn["top"].tolist(), drawn["left"].tolist(), padding, border))
    assert torch.equal(given_images, before)
    assert targets.shape == (shape[0],)


def test_keeps_the_memory_format() -> None:
    images = torch.rand(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    crop = Crop(padding=2, border=None)
    cropped, _ = crop.apply(images, torch.zeros(4), crop.draw([4], (3, 8, 8), torch.Generator()))
    assert cropped.is_contiguous(memory_format=torch.channels_last)


def test_every_offset_is_as_likely_and_drawn_for_each_image() -> None:
    drawn = Crop(padding=2, border=None).draw([12500, 12500], (3, 8, 8), torch.Generator().manual_seed(0))
    pairs = torch.bincount(5 * drawn["top"] + drawn["left"], minlength=25)
    assert len(pairs) == 25
    assert ((pairs - 1000).abs() < 160).all()  # five standard deviations


def test_the_same_generator_gives_the_same_draw() -> None:
    first, second = (
        Crop(padding=4, border=None).draw([9], (3, 8, 8), torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="padding"):
        Crop(**{"padding": bad, "border": None})
