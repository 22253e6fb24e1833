"""Operations against torchvision's functionals, image by image, and their ranges against torchvision's tables."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from temper.augmentation.operations import NAMES, Range, magnitudes, moderate_space, operate, positions, rows_of_each
from temper.augmentation.trivial_augment import WIDE

STILL = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}


def slope(by: float) -> float:
    return math.degrees(math.atan(by))


THEIRS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "shear_x": lambda image, by: F.affine(image, **{**STILL, "shear": [slope(by), 0.0]}, center=[0, 0]),
    "shear_y": lambda image, by: F.affine(image, **{**STILL, "shear": [0.0, slope(by)]}, center=[0, 0]),
    "translate_x": lambda image, by: F.affine(image, **{**STILL, "translate": [int(by), 0]}),
    "translate_y": lambda image, by: F.affine(image, **{**STILL, "translate": [0, int(by)]}),
    "rotate": F.rotate,
    "identity": lambda image, by: image,
    "brightness": lambda image, by: F.adjust_brightness(image, 1 + by),
    "color": lambda image, by: F.adjust_saturation(image, 1 + by),
    "contrast": lambda image, by: F.adjust_contrast(image, 1 + by),
    "sharpness": lambda image, by: F.adjust_sharpness(image, 1 + by),
    "posterize": lambda image, by: F.posterize(image, int(by)),
    "solarize": lambda image, by: F.solarize(image, 255 * by),
    "auto_contrast": lambda image, by: F.autocontrast(image),
    "equalize": lambda image, by: F.equalize(image),
    "invert": lambda image, by: F.invert(image),
}
EXACT = ("identity", "translate_x", "translate_y", "posterize", "solarize", "auto_contrast", "equalize", "invert")


def pictures(count: int, height: int, width: int, channels: int = 3) -> Tensor:
    """Return smooth pictures, with noise, of differing contrast."""
    generator = torch.Generator().manual_seed(count)
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    phase = 6 * torch.rand(count, channels, 1, 1, generator=generator)
    smooth = (x + y + phase).sin() * torch.linspace(0, 100, count).view(-1, 1, 1, 1) + 120
    return (smooth + 12 * torch.randn(count, channels, height, width, generator=generator)).clamp(0, 255).byte()


def levels(name: str, wide: bool) -> Tensor:
    space = WIDE if wide else moderate_space(32, 24)
    each = space.get(name, Range())
    strengths = torch.linspace(each.start, each.end, 9)
    strengths = strengths.round() if name == "posterize" else strengths
    return torch.cat([strengths, -strengths]) if each.signed else strengths


def test_names_are_those_that_torchvision_has() -> None:
    assert set(THEIRS) == set(NAMES)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torchvision(name: str, channels: int, wide: bool) -> None:
    by = levels(name, wide)
    images = pictures(len(by), 32, 24, channels)
    images[0] = 77  # nothing to stretch or to equalise
    before = images.clone()
    result = operate(images, positions([name]).expand(len(by), 1), by.unsqueeze(1))
    assert result.dtype == torch.uint8
    assert torch.equal(images, before)
    for row, strength in enumerate(by.tolist()):
        differs = (result[row].int() - THEIRS[name](images[row], strength).int()).abs()
        assert (differs <= 1).float().mean() >= 0.99, strength
        assert name not in EXACT or not differs.any(), strength


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 2, 2), (2, 1, 1, 5), (3, 3, 40, 3)])
def test_any_size_will_do(shape: tuple[int, ...]) -> None:
    images = torch.randint(256, shape, dtype=torch.uint8)
    for name in NAMES:
        drawn = positions([name]).expand(shape[0], 1)
        assert operate(images, drawn, torch.full(drawn.shape, 0.5 if name != "posterize" else 4.0)).shape == shape


@settings(deadline=None, max_examples=25)
@given(count=st.integers(1, 12), rounds=st.integers(1, 3), seed=st.integers(0, 999))
def test_a_batch_is_its_images_one_after_the_other(count: int, rounds: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(NAMES), (count, rounds), generator=generator)
    level = torch.randint(31, (count, rounds), generator=generator)
    by = magnitudes(drawn, level, 31, moderate_space(8, 8), generator)
    images = torch.randint(256, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    alone = [operate(images[i : i + 1], drawn[i : i + 1], by[i : i + 1]) for i in range(count)]
    assert torch.equal(operate(images, drawn, by), torch.cat(alone))


def test_half_of_the_signed_magnitudes_are_negative() -> None:
    drawn = torch.arange(len(NAMES)).unsqueeze(1).expand(-1, 4000)
    by = magnitudes(drawn, torch.full_like(drawn, 30), 31, moderate_space(32, 32), torch.Generator().manual_seed(0))
    for name, row in zip(NAMES, by, strict=True):
        each = moderate_space(32, 32).get(name, Range())
        assert set(row.abs().tolist()) == {abs(torch.tensor(each.end).item())}
        assert (row < 0).float().mean().item() == pytest.approx(0.5 if each.signed else 0, abs=0.04)


def test_rows_of_each_kind() -> None:
    found = rows_of_each(torch.tensor([2, 0, 2, 3]), 5, torch.device("cpu"))
    assert [rows.tolist() for rows in found] == [[1], [], [0, 2], [3], []]
