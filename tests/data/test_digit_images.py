"""Digits as images against scikit-learn's own, part by part those of the rows."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from sklearn.datasets import load_digits
from tests.data.conftest import CLEAN

from temper.data.digit_images import DigitImages
from temper.data.digits import Digits

KNOBS = {"validation": 0.2, "test": 0.2, "drop_last": False, **CLEAN}


def images(**knobs: Any) -> DigitImages:
    return DigitImages(**{**KNOBS, **knobs})


def test_pixels_are_ink_and_the_parts_those_of_the_rows() -> None:
    ours, rows = images().splits(), Digits(**KNOBS).splits()
    for part, name in ((ours.train, "train"), (ours.validation, "validation"), (ours.test, "test")):
        assert part is not None
        assert part.inputs.dtype == torch.uint8
        assert part.inputs.shape == (len(part), 1, 8, 8)
        theirs = getattr(rows, name)
        assert torch.equal(part.targets, theirs.targets)
        # A pixel is a whole number of 255 sixteenths, to half a unit.
        assert (part.inputs.flatten(1).float() * 16 / 255 - theirs.inputs).abs().max() <= 0.51 * 16 / 255  # float32
    assert int(ours.train.inputs.max()) == 255
    assert sum(map(len, (ours.train, ours.test))) + 359 == len(load_digits().target)


def test_noise_is_a_share_of_the_range_and_stays_in_it() -> None:
    clean, noisy = images().splits().test.inputs, images(input_noise=0.1).splits().test.inputs
    middle = (clean > 64) & (clean < 192)  # where nothing is cut off
    assert (noisy.int() - clean.int())[middle].float().std().item() == pytest.approx(25.5, rel=0.05)


def test_reads_an_image_in_grey(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (255, 255, 255)).save(tmp_path / "white.png")
    read = images().read(tmp_path / "white.png")
    assert (read.shape, read.dtype, int(read.min())) == ((1, 1, 8, 8), torch.uint8, 255)


@pytest.mark.parametrize("bad", [{"validation": 0.9, "test": 0.1}, {"imbalance": 1.0}, {"label_noise": 1.1}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        images(**bad)
