"""Views of an image, held against torch's own padding and flipping, one image at a time."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from temper.data.views import LEVELS, Level, View, views


def oracle(image: Tensor, shift: int, mirrored: bool) -> Tensor:
    """Return one image (c, h, w) as it looks: a window of the padded image that starts ``1 - shift`` pixels in."""
    height, width = image.shape[-2:]
    padded = F.pad(image.double().unsqueeze(0), (1, 1, 1, 1), mode="reflect")[0]
    start = 1 - shift
    window = padded[:, start : start + height, start : start + width]
    return (torch.flip(window, [2]) if mirrored else window).to(image.dtype)


def pixels(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 5, 9), (3, 2, 3)])
@pytest.mark.parametrize("shift", [0, 1, -1])
@pytest.mark.parametrize("mirrored", [False, True])
def test_images_look_as_padded_slices_of_each(shape: tuple[int, ...], shift: int, mirrored: bool) -> None:
    images = pixels(4, *shape)
    before = images.clone()
    seen = View(1.0, shift, mirrored).of(images)
    assert torch.equal(seen, torch.stack([oracle(image, shift, mirrored) for image in images]))
    assert torch.equal(images, before)


def test_what_lies_in_the_middle_moves_down_and_right() -> None:
    image = torch.zeros(1, 1, 7, 7)
    image[0, 0, 3, 4] = 1
    for (shift, mirrored), place in {
        (1, False): [4, 5],
        (-1, False): [2, 3],
        (0, True): [3, 2],
        (1, True): [4, 1],
    }.items():
        assert View(1.0, shift, mirrored).of(image)[0, 0].nonzero().tolist() == [place]


def test_a_line_of_one_pixel_stays() -> None:
    images = pixels(2, 3, 1, 1)
    for shift in (1, -1):
        assert torch.equal(View(1.0, shift, True).of(images), images)


def test_layout_does_not_matter() -> None:
    images = pixels(4, 3, 6, 5)
    last = images.contiguous(memory_format=torch.channels_last)
    for view in views("mirror_and_shift"):
        assert torch.equal(view.of(last), view.of(images))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, {(0, False): 1.0}),
        ("mirror", {(0, False): 0.5, (0, True): 0.5}),
        (
            "mirror_and_shift",
            {
                (0, False): 0.25,
                (0, True): 0.25,
                (1, False): 0.125,
                (1, True): 0.125,
                (-1, False): 0.125,
                (-1, True): 0.125,
            },
        ),
    ],
)
def test_levels(level: Level | None, expected: dict[tuple[int, bool], float]) -> None:
    found = views(level)
    assert {(view.shift, view.mirrored): view.weight for view in found} == expected
    assert len(found) == len(expected)
    assert sum(view.weight for view in found) == 1
    assert [view.moved for view in found] == [False] + [True] * (len(found) - 1)


def test_levels_are_those_that_can_be_named() -> None:
    assert LEVELS == ("mirror", "mirror_and_shift")
