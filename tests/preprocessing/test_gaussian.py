"""Gaussian smoothing against torchvision's blur and SciPy's filter."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage
from torchvision.transforms.v2 import functional

from temper.facts import Examples
from temper.preprocessing.gaussian import Gaussian


def images(height: int = 9, width: int = 7) -> torch.Tensor:
    return torch.rand(4, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.5), (5, 1.0), (7, 3.0), (9, 0.1)])
def test_is_torchvisions_blur(size: int, sigma: float) -> None:
    ours = Gaussian(size=size, sigma=sigma).apply(images(), {})
    torch.testing.assert_close(ours, functional.gaussian_blur(images(), [size, size], [sigma, sigma]))


def test_is_scipys_filter() -> None:
    ours = Gaussian(size=7, sigma=1.0).apply(images().double(), {})
    theirs = ndimage.gaussian_filter(images().double().numpy(), (0, 0, 1.0, 1.0), mode="mirror", radius=(0, 0, 3, 3))
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(size=st.sampled_from([3, 5, 7]), sigma=st.floats(0.01, 100), level=st.floats(-5, 5, width=32))
def test_a_flat_image_stays(size: int, sigma: float, level: float) -> None:
    flat = torch.full((1, 2, 6, 6), level)
    torch.testing.assert_close(Gaussian(size=size, sigma=sigma).apply(flat, {}), flat, rtol=1e-5, atol=1e-6)


def test_noise_falls_as_its_docstring_says() -> None:
    noise = torch.randn(20, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert Gaussian(size=9, sigma=1.0).apply(noise, {}).std().item() == pytest.approx(0.28, abs=0.01)


@pytest.mark.parametrize(("size", "sigma", "words"), [(1, 1.0, "size"), (4, 1.0, "odd.*3 or 5"), (5, 0.0, "sigma")])
def test_refuses(size: int, sigma: float, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Gaussian(size=size, sigma=sigma)


def test_refuses_other_inputs() -> None:
    with pytest.raises(ValueError, match=r"preprocessing\.gaussian\.size=15 is too large.*at most 13"):
        Gaussian(size=15, sigma=1.0).fit(Examples(images(), torch.zeros(4)))
    with pytest.raises(ValueError, match=r"gaussian is for images.*preprocessing=\[standardize\]"):
        Gaussian(size=3, sigma=1.0).fit(Examples(torch.rand(3, 2), torch.zeros(3)))
