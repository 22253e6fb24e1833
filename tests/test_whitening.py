"""Whitened patches are uncorrelated and of the variance that the formula says; numpy finds the same filters."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from temper.whitening import whitening


def images(count: int = 40, offset: float = 3.0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    smooth = F.avg_pool2d(torch.randn(count, 2, 12, 12, generator=draw), 3, stride=1)  # neighbours alike
    return smooth * torch.tensor([1.0, 0.2]).view(1, 2, 1, 1) + offset


def patches_of(values: torch.Tensor, size: int) -> torch.Tensor:
    return F.unfold(values.double(), size).transpose(1, 2).flatten(0, 1)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("eps", [1e-9, 0.01])
def test_responses_are_uncorrelated(size: int, eps: float) -> None:
    values = images()
    found = whitening(values, size, eps)
    responses = patches_of(values, size) @ found.filters.double().flatten(1).T - found.offsets.double()
    covariance = responses.T @ responses / len(responses)
    assert responses.mean(0).abs().max() < 1e-4
    known = np.linalg.eigvalsh(np.cov(patches_of(values, size).numpy().T, bias=True))[::-1]
    expected = torch.tensor((known / (known + eps)).copy())
    assert torch.allclose(covariance, torch.diag(expected), atol=1e-3)


def test_filters_are_numpys_eigenvectors() -> None:
    values = images()
    variances, vectors = np.linalg.eigh(np.cov(patches_of(values, 3).numpy().T, bias=True))
    known = (vectors / np.sqrt(variances + 0.01)).T[::-1]
    ours = whitening(values, 3, 0.01).filters.flatten(1).double().numpy()
    assert np.abs(np.abs((ours * known).sum(1)) - (known**2).sum(1)).max() < 1e-5  # the same up to a sign
    assert (ours[np.arange(len(ours)), np.abs(ours).argmax(1)] > 0).all()


def test_a_constant_does_not_blow_up() -> None:
    found = whitening(torch.full((3, 1, 6, 6), 0.25), 3, 1e-3)
    assert torch.isfinite(found.filters).all()
    assert found.filters.abs().max() <= 1 / 1e-3**0.5 + 1e-3
