"""A layer's matrix by plain loops, and its truncated singular value decomposition by numpy."""

import numpy as np
import torch


def by_loops(weight: np.ndarray, convolution: str) -> np.ndarray:
    """Return the matrix of a layer's ``weight``, number by number."""
    if weight.ndim == 2:
        return weight
    outputs, channels, height, width = weight.shape
    spatial = convolution == "spatial"
    matrix = np.zeros((outputs * width, channels * height) if spatial else (outputs, channels * height * width))
    for o, i, y, x in np.ndindex(*weight.shape):
        at = (o * width + x, i * height + y) if spatial else (o, (i * height + y) * width + x)
        matrix[at] = weight[o, i, y, x]
    return matrix


def back(matrix: np.ndarray, shape: tuple[int, ...], convolution: str) -> np.ndarray:
    """Return the weight of ``shape`` whose matrix is ``matrix``."""
    places = by_loops(np.arange(int(np.prod(shape))).reshape(shape), convolution).astype(int)
    weight = np.zeros(matrix.size)
    weight[places.ravel()] = matrix.ravel()
    return weight.reshape(shape)


def truncated(weight: torch.Tensor, rank: int, convolution: str = "channel") -> torch.Tensor:
    """Return the nearest weight whose matrix has ``rank``, in float64."""
    whole = weight.detach().double().numpy()
    left, values, right = np.linalg.svd(by_loops(whole, convolution), full_matrices=False)
    return torch.from_numpy(back((left[:, :rank] * values[:rank]) @ right[:rank], whole.shape, convolution))


def rank_of(weight: torch.Tensor, convolution: str = "channel") -> int:
    """Return the rank of a layer's matrix, what float32 rounds off left out."""
    values = np.linalg.svd(by_loops(weight.detach().double().numpy(), convolution), compute_uv=False)
    return int((values > values[0] * 1e-5).sum())
