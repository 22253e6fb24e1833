"""Normalisation against NumPy's statistics."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from temper.facts import Examples
from temper.preprocessing import normalize
from temper.preprocessing.normalize import Normalize


def bytes_of(count: int) -> Examples:
    images = torch.randint(256, (count, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    images[:, 1] //= 3
    return Examples(images.to(torch.uint8), torch.zeros(count))


@pytest.mark.parametrize("scaled", [False, True])
def test_fits_the_moments_of_each_channel(scaled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalize, "_CHUNK", 7)
    train = bytes_of(30)
    pixels = train.inputs.numpy().astype(np.float64) / 255
    images = train.inputs.float() / 255 if scaled else train.inputs
    fitted = Normalize(mean=None, std=None).fit(Examples(images, train.targets))
    assert fitted["mean"].tolist() == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert fitted["std"].tolist() == pytest.approx(pixels.std((0, 2, 3)).tolist())
    assert fitted["mean"].dtype == fitted["std"].dtype == torch.float32


def test_what_was_fitted_comes_out_standardised() -> None:
    train, step = bytes_of(30), Normalize(mean=None, std=None)
    out = step.apply(train.inputs.float() / 255, step.fit(train))
    assert out.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert out.std((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_given_statistics_are_taken() -> None:
    step = Normalize(mean=(0.5, 0.0, 1.0), std=(0.5, 1.0, 2.0))
    fitted = step.fit(bytes_of(2))
    assert step.apply(torch.ones(1, 3, 1, 1), fitted).flatten().tolist() == [1.0, 1.0, 0.0]


def test_a_channel_that_never_varies_is_divided_by_one() -> None:
    train = Examples(torch.full((3, 1, 2, 2), 51, dtype=torch.uint8), torch.zeros(3))
    fitted = Normalize(mean=None, std=None).fit(train)
    assert fitted["mean"].item() == pytest.approx(0.2)
    assert fitted["std"].item() == 1.0


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ([0.5], None, "mean and std go together"),
        (None, [0.5], "mean and std go together"),
        ([0.5, 0.5], [0.5], "mean has 2 values and std 1"),
        ([0.5], [0.0], "std"),
        ([float("nan")], [1.0], "mean"),
    ],
)
def test_refuses(mean: object, std: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Normalize(**{"mean": mean, "std": std})


def test_refuses_other_inputs() -> None:
    with pytest.raises(ValueError, match="1 values, and these images 3 channels"):
        Normalize(mean=(0.5,), std=(0.5,)).fit(bytes_of(2))
    with pytest.raises(ValueError, match=r"for images.*preprocessing=\[standardize\]"):
        Normalize(mean=None, std=None).fit(Examples(torch.rand(3, 2), torch.zeros(3)))
