"""Standardisation against scikit-learn's scaler."""

import pytest
import torch
from pydantic import ValidationError
from sklearn.preprocessing import StandardScaler

from temper.facts import Examples
from temper.preprocessing.standardize import Standardize


def table() -> Examples:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(50, 3, generator=generator) * torch.tensor([1.0, 100.0, 0.01]) + 7
    return Examples(inputs, torch.rand(50, generator=generator) * 5 + 3)


def test_agrees_with_scikit_learn() -> None:
    train, step = table(), Standardize(inputs=True, target=True)
    fitted = step.fit(train)
    theirs = StandardScaler().fit(train.inputs.double().numpy())
    assert fitted["mean"].tolist() == pytest.approx(theirs.mean_.tolist())
    assert fitted["deviation"].tolist() == pytest.approx(theirs.scale_.tolist())
    out = step.apply(train.inputs, fitted)
    torch.testing.assert_close(
        out.double(), torch.from_numpy(theirs.transform(train.inputs.double().numpy())), atol=1e-3, rtol=1e-3
    )
    scaler = StandardScaler().fit(train.targets.double().view(-1, 1).numpy())
    assert step.target_scale(train) == pytest.approx((scaler.mean_[0], scaler.scale_[0]))


def test_a_constant_column_is_divided_by_one() -> None:
    train = Examples(torch.full((7, 1), 0.1), torch.full((7,), 0.1))
    step = Standardize(inputs=True, target=True)
    assert step.fit(train)["deviation"].tolist() == [1.0]
    assert step.target_scale(train)[1] == 1.0


def test_each_knob_stands_for_itself() -> None:
    train = table()
    only_target = Standardize(inputs=False, target=True)
    assert only_target.fit(train) == {}
    assert only_target.apply(train.inputs, {}) is train.inputs
    assert Standardize(inputs=True, target=False).target_scale(train) == (0.0, 1.0)


def test_classes_keep_their_numbers() -> None:
    assert Standardize(inputs=True, target=True).target_scale(Examples(torch.rand(4, 1), torch.arange(4))) == (0.0, 1.0)


def test_refuses() -> None:
    with pytest.raises(ValidationError, match=r"both false.*preprocessing=none"):
        Standardize(inputs=False, target=False)
    with pytest.raises(ValidationError, match="inputs"):
        Standardize(**{"inputs": "yes", "target": True})
    with pytest.raises(ValueError, match=r"for tables.*preprocessing=\[normalize\]"):
        Standardize(inputs=True, target=True).fit(Examples(torch.zeros(2, 3, 4, 4), torch.zeros(2)))
