"""The median filter against SciPy's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage

from temper.facts import Examples
from temper.preprocessing import median
from temper.preprocessing.median import Median


def images(height: int = 9, width: int = 7) -> torch.Tensor:
    return torch.rand(4, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [3, 5, 7])
def test_is_scipys(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(median, "_AT_ONCE", 3 * 9 * 7 * size**2 * 3)  # chunks of 3 and 1
    ours = Median(size=size).apply(images(), {})
    theirs = ndimage.median_filter(images().numpy(), size=(1, 1, size, size), mode="mirror")
    np.testing.assert_array_equal(ours.numpy(), theirs)


@settings(deadline=None, max_examples=25)
@given(row=st.integers(0, 8), column=st.integers(0, 6), value=st.floats(-1e6, 1e6, width=32))
def test_a_speck_goes_and_an_edge_stays(row: int, column: int, value: float) -> None:
    edge = (torch.arange(7) >= 3).float().expand(1, 1, 9, 7).clone()
    assert Median(size=3).apply(edge, {}).equal(edge)
    flat = torch.full((1, 1, 9, 7), 0.5)
    speck = flat.clone()
    speck[0, 0, row, column] = value
    assert Median(size=3).apply(speck, {}).equal(flat)


@pytest.mark.parametrize("size", [1, 4, 3.0, True])
def test_refuses(size: object) -> None:
    with pytest.raises(ValidationError, match="size"):
        Median(size=size)  # type: ignore[arg-type]


def test_refuses_other_inputs() -> None:
    assert Median(size=13).fit(Examples(images(), torch.zeros(4))) == {}
    with pytest.raises(ValueError, match=r"preprocessing\.median\.size=15 is too large.*at most 13"):
        Median(size=15).fit(Examples(images(), torch.zeros(4)))
    with pytest.raises(ValueError, match=r"median is for images.*preprocessing=\[standardize\]"):
        Median(size=3).fit(Examples(torch.rand(3, 2), torch.zeros(3)))
