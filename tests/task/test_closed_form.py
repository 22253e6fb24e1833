"""Solutions without gradient descent, against normal equations in plain floats and against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import Tensor, nn

from temper.facts import Examples
from temper.task.closed_form import compare, least_squares, logistic_newton


def table(examples: int, features: int, seed: int = 0) -> Tensor:
    return torch.randn(examples, features, generator=torch.Generator().manual_seed(seed)) * 2 + 1


def test_a_line_is_that_of_the_normal_equations() -> None:
    x, y = [0.1, 0.4, 0.7, 1.5, 2.0], [1.0, 2.5, 2.0, 4.5, 4.0]
    n, sx, sy = len(x), sum(x), sum(y)
    sxx, sxy = sum(a * a for a in x), sum(a * b for a, b in zip(x, y, strict=True))
    slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    fit = least_squares(torch.tensor(x, dtype=torch.float64).unsqueeze(1), torch.tensor(y, dtype=torch.float64))
    assert fit.weights.item() == pytest.approx(slope, abs=1e-12)
    assert fit.intercept == pytest.approx((sy - slope * sx) / n, abs=1e-12)
    assert fit.unique


def test_least_squares_is_that_of_scikit_learn() -> None:
    inputs, noise = table(50, 4), table(50, 1, seed=1)[:, 0]
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0]) + 3 + noise
    fit, known = (
        least_squares(inputs, targets),
        LinearRegression().fit(inputs.double().numpy(), targets.double().numpy()),
    )
    np.testing.assert_allclose(fit.weights.numpy(), known.coef_, atol=1e-10)
    assert fit.intercept == pytest.approx(known.intercept_, abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_likelihood_is_that_of_scikit_learn(seed: int) -> None:
    inputs = table(80, 3, seed)
    chance = (inputs @ torch.tensor([1.0, -1.0, 0.5]) - 0.5).sigmoid()
    targets = torch.bernoulli(chance, generator=torch.Generator().manual_seed(seed))
    known = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    known.fit(inputs.double().numpy(), targets.numpy())
    fit = logistic_newton(inputs, targets)
    assert fit is not None
    assert fit.unique
    np.testing.assert_allclose(fit.weights.numpy(), known.coef_[0], atol=1e-4)
    assert fit.intercept == pytest.approx(known.intercept_[0], abs=1e-4)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), examples=st.integers(20, 60))
@example(seed=62, examples=41)  # ends with steps whose gain is lost in rounding
def test_nothing_beside_the_solution_is_likelier(seed: int, examples: int) -> None:
    inputs = table(examples, 2, seed)
    targets = torch.rand(examples, generator=torch.Generator().manual_seed(seed)) * 0.8 + 0.1  # soft: not separable
    fit = logistic_newton(inputs, targets)
    assert fit is not None
    rows = torch.cat([inputs, torch.ones(examples, 1)], dim=1).double()
    fitted = torch.cat([fit.weights, torch.tensor([fit.intercept], dtype=torch.float64)])
    gradient = rows.T @ ((rows @ fitted).sigmoid() - targets.double())
    assert gradient.abs().max() < 1e-7


def test_dependent_columns_give_the_shortest_solution() -> None:
    inputs = table(30, 1).repeat(1, 2)
    fit = least_squares(inputs, 4 * inputs[:, 0] + 1)
    np.testing.assert_allclose(fit.weights.numpy(), [2, 2], atol=1e-6)
    assert not fit.unique
    solution = compare(nn.Linear(2, 1), Examples(inputs, 4 * inputs[:, 0] + 1), "regression")
    assert "many weights fit alike" in solution.notes[1]
    assert "reached from initialization=zeros alone" in solution.notes[1]


@pytest.mark.parametrize("gap", [1e-3, 1.0, 100.0])
def test_separated_classes_have_no_finite_solution(gap: float) -> None:
    inputs = torch.tensor([[-gap - 1], [-gap], [gap], [gap + 1]])
    targets = torch.tensor([0.0, 0.0, 1.0, 1.0])
    assert logistic_newton(inputs, targets) is None
    solution = compare(nn.Linear(1, 1), Examples(inputs, targets), "binary")
    assert not solution.coefficients
    assert "a line separates the classes" in solution.notes[0]


def test_classes_that_touch_have_no_finite_solution() -> None:
    assert logistic_newton(torch.tensor([[-1.0], [0.0], [0.0], [1.0]]), torch.tensor([0.0, 0.0, 1.0, 1.0])) is None


def test_compares_by_name_and_measures_the_distance() -> None:
    head = nn.Linear(1, 1)
    nn.init.constant_(head.weight, 2.5)
    nn.init.constant_(head.bias, 0.25)
    inputs = torch.tensor([[0.0], [1.0], [2.0]])
    solution = compare(head, Examples(inputs, 2 * inputs[:, 0]), "regression")
    assert list(solution.coefficients) == ["w[0]", "bias"]
    assert solution.coefficients["w[0]"] == pytest.approx((2.5, 2.0))
    assert solution.coefficients["bias"] == pytest.approx((0.25, 0.0), abs=1e-12)
    assert solution.distance == pytest.approx((0.5**2 + 0.25**2) ** 0.5)


def test_a_far_example_that_is_sure_does_not_hide_the_solution() -> None:
    inputs = torch.cat([table(40, 1), torch.tensor([[2000.0]])])
    targets = torch.cat(
        [torch.bernoulli((table(40, 1)[:, 0]).sigmoid(), generator=torch.Generator().manual_seed(1)), torch.ones(1)]
    )
    fit, without = logistic_newton(inputs, targets), logistic_newton(inputs[:-1], targets[:-1])
    assert fit is not None
    assert without is not None
    assert fit.weights.item() == pytest.approx(without.weights.item(), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), features=st.integers(1, 4), scale=st.sampled_from([0.01, 1.0, 100.0]))
def test_any_separated_classes_are_found_out(seed: int, features: int, scale: float) -> None:
    inputs = table(40, features, seed) * scale
    targets = (inputs[:, 0] > inputs[:, 0].median()).float()
    assert logistic_newton(inputs, targets) is None
