"""The iteration against singular values, against one matrix at a time, and its laws."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from temper.optimizer.newton_schulz import COEFFICIENTS, multiply_adds, orthogonalized

SHAPES = [(6, 20), (20, 6), (16, 16), (1, 9), (9, 1)]


def matrix(rows: int, columns: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def quintic(values: Tensor, rounds: int) -> Tensor:
    a, b, c = COEFFICIENTS
    for _ in range(rounds):
        values = a * values + b * values**3 + c * values**5
    return values


def by_singular_values(given_matrix: Tensor, rounds: int) -> Tensor:
    left, values, right = torch.linalg.svd(given_matrix / given_matrix.norm(), full_matrices=False)
    return left @ torch.diag(quintic(values, rounds)) @ right


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rounds", [1, 3, 5])
def test_acts_on_singular_values_alone(shape: tuple[int, int], rounds: int) -> None:
    several = [matrix(*shape, seed).double() for seed in range(3)]
    for found, alone in zip(orthogonalized(several, rounds), several, strict=True):
        torch.testing.assert_close(found, by_singular_values(alone, rounds), rtol=0, atol=1e-5)  # the norm has + 1e-7


@pytest.mark.parametrize("shape", [*SHAPES, (8, 3, 3, 3)], ids=str)
def test_counts_its_own_products(shape: tuple[int, ...]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalized([torch.ones(shape).double()], 5)
    assert multiply_adds(torch.Size(shape), 5) == counter.get_total_flops() // 2 > 0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rounds", [1, 3, 5])
def test_is_true_to_some_hundredths_in_bfloat16(shape: tuple[int, int], rounds: int) -> None:
    for seed in range(3):
        found = orthogonalized([matrix(*shape, seed)], rounds)[0]
        assert found.dtype == torch.bfloat16
        expected = by_singular_values(matrix(*shape, seed).double(), rounds)
        assert (found.double() - expected).norm() / expected.norm() < 0.05


@settings(deadline=None, max_examples=20)
@given(smallest=st.floats(0.01, 0.9), seed=st.integers(0, 9))
def test_five_rounds_make_all_directions_about_equally_strong(smallest: float, seed: int) -> None:
    left, _, right = torch.linalg.svd(matrix(8, 24, seed), full_matrices=False)
    values = torch.logspace(0, torch.tensor(smallest).log10().item(), 8)
    strengths = torch.linalg.svdvals(orthogonalized([left @ torch.diag(values) @ right], 5)[0].float())
    assert strengths.min() > 0.6
    assert strengths.max() < 1.25


def test_a_convolution_is_a_matrix_of_its_outputs() -> None:
    weight = torch.randn(6, 4, 3, 3)
    expected = orthogonalized([weight.reshape(6, 36)], 5)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert torch.equal(orthogonalized([weight.contiguous(memory_format=layout)], 5), expected)


def test_nothing_stays_nothing() -> None:
    assert torch.equal(orthogonalized([torch.zeros(3, 5)], 5), torch.zeros(1, 3, 5, dtype=torch.bfloat16))
