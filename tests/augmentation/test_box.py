"""Boxes against slices."""

import torch

from temper.augmentation.box import inside


def test_is_where_the_slice_is() -> None:
    places = torch.tensor([[0, 0, 2, 3], [1, 2, 3, 3], [3, 1, 0, 4], [0, 0, 4, 5]])
    found = inside(*places.unbind(1), torch.Size([4, 3, 4, 5]))
    assert found.shape == (4, 1, 4, 5)
    for box, (top, left, high, wide) in zip(found, places.tolist(), strict=True):
        expected = torch.zeros(1, 4, 5, dtype=torch.bool)
        expected[:, top : top + high, left : left + wide] = True
        assert torch.equal(box, expected)
