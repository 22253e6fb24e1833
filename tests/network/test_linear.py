"""The line against its equation, and as scikit-learn's least squares would have it."""

import numpy as np
import torch
from sklearn.linear_model import LinearRegression

from temper.network.linear import Linear


def test_predicts_what_least_squares_predicts_with_its_coefficients() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(20, 3))
    fitted = LinearRegression().fit(x, draw.normal(size=20))
    network = Linear(3).double()
    with torch.no_grad():
        network.weight.copy_(torch.from_numpy(fitted.coef_)[None])
        network.bias.fill_(fitted.intercept_)
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach(), fitted.predict(x))


def test_one_example_gives_one_value() -> None:
    network = Linear(1)
    assert network(torch.zeros(1, 1)).shape == (1,)
    assert (network.weight.shape, network.bias.shape) == ((1, 1), (1,))
