"""Polynomial features against scikit-learn's, products in plain floats, and the count of columns in closed form."""

from collections.abc import Callable
from itertools import combinations_with_replacement
from math import comb, prod
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.preprocessing import PolynomialFeatures

from temper.facts import Examples
from temper.preprocessing.polynomial import Polynomial
from temper.report.record import Report


def table(rows: int, columns: int, seed: int = 0) -> Examples:
    inputs = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    return Examples(inputs, torch.zeros(rows))


@pytest.mark.parametrize("interactions", [False, True])
@pytest.mark.parametrize(("columns", "degree"), [(1, 2), (2, 2), (4, 3), (6, 4), (5, 5)])
def test_agrees_with_scikit_learn(columns: int, degree: int, interactions: bool) -> None:
    if interactions and degree > columns:
        return
    train, step = table(20, columns), Polynomial(degree=degree, interactions=interactions)
    fitted = step.fit(train)
    before = train.inputs.clone()
    ours = step.apply(train.inputs.double(), fitted)
    theirs = PolynomialFeatures(degree, interaction_only=interactions, include_bias=False)
    torch.testing.assert_close(ours, torch.from_numpy(theirs.fit_transform(before.double().numpy())))
    assert fitted["factors"].dtype == torch.int64
    assert torch.equal(train.inputs, before)


def test_products_in_plain_floats() -> None:
    step, row = Polynomial(degree=3, interactions=False), [2.0, -3.0, 0.5]
    inputs = torch.tensor([row])
    made = step.apply(inputs, step.fit(Examples(inputs, torch.zeros(1))))[0].tolist()
    assert made == [prod(chosen) for k in (1, 2, 3) for chosen in combinations_with_replacement(row, k)]


@settings(deadline=None, max_examples=25)
@given(columns=st.integers(1, 6), degree=st.integers(2, 4), rows=st.integers(1, 5), seed=st.integers(0, 99))
def test_rows_stand_alone_and_columns_are_counted(columns: int, degree: int, rows: int, seed: int) -> None:
    train, step = table(rows, columns, seed), Polynomial(degree=degree, interactions=False)
    fitted = step.fit(train)
    whole = step.apply(train.inputs, fitted)
    assert whole.shape == (rows, comb(columns + degree, degree) - 1)
    assert torch.equal(whole[:, :columns], train.inputs)
    assert torch.equal(whole, torch.cat([step.apply(row, fitted) for row in train.inputs.split(1)]))


def test_a_linear_model_bends(train: Callable[..., Report], tmp_path: Path) -> None:
    rows = [f"{x / 10},{(x / 10) ** 2}" for x in range(-30, 31)]  # a parabola: no straight line comes near
    (tmp_path / "bowl.csv").write_text("\n".join(["x,y", *rows]))
    words = ("task=linear_regression", "data=table", f"data.path={tmp_path / 'bowl.csv'}", "data.target=y")
    words += ("epochs=200", "batch_size=full", "optimizer.lr=0.1", "trainer=cpu")
    straight = train(*words, "preprocessing=[standardize]", folder=tmp_path / "straight")
    bent = train(*words, "preprocessing=[polynomial,standardize]", folder=tmp_path / "bent")
    assert (straight.metrics["test/rmse"] or 0) > 1
    assert (bent.metrics["test/rmse"] or 9) < 0.01


def test_the_network_sees_the_products_and_a_checkpoint_holds_them(
    train: Callable[..., Report], tmp_path: Path
) -> None:
    words = ("task=linear_regression", "data=diabetes", "epochs=1", "trainer=cpu")
    report = train(*words, "preprocessing=[polynomial,standardize]", folder=tmp_path / "bent")
    assert report.complexity.parameters == 66
    kept = torch.load(tmp_path / "bent" / "checkpoints" / "last.ckpt", weights_only=True)["Batches"]["fitted"]
    assert kept["polynomial"]["factors"].shape == (65, 2)
    assert kept["standardize"]["mean"].shape == (65,)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [({"degree": 1}, "degree"), ({"degree": 2.0}, "degree"), ({"interactions": "some"}, "interactions")],
)
def test_refuses(knobs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Polynomial(**{"degree": 2, "interactions": False, **knobs})


def test_refuses_data_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"polynomial\.degree=3 would make 10,659 columns of 38, and 10,000"):
        Polynomial(degree=3, interactions=False).fit(table(2, 38))
    assert Polynomial(degree=3, interactions=False).fit(table(2, 37))["factors"].shape == (9879, 3)
    with pytest.raises(ValueError, match=r"degree=9 would make 92,377 columns of 10.*interactions=true"):
        Polynomial(degree=9, interactions=False).fit(table(2, 10))
    with pytest.raises(ValueError, match=r"degree=100000 would make more than 10\^18 columns of 500"):
        Polynomial(degree=100_000, interactions=False).fit(table(2, 500))
    with pytest.raises(ValueError, match=r"products of 4 different columns, and there are 3: at most 3"):
        Polynomial(degree=4, interactions=True).fit(table(2, 3))
    large = Examples(torch.tensor([[1e20, -1.0]]), torch.zeros(1))
    with pytest.raises(ValueError, match=r"too large for 32 bits.*preprocessing=\[standardize,polynomial\]"):
        Polynomial(degree=2, interactions=False).fit(large)
    Polynomial(degree=2, interactions=True).fit(large)
    with pytest.raises(ValueError, match=r"for tables.*preprocessing=\[normalize\]"):
        Polynomial(degree=2, interactions=False).fit(Examples(torch.zeros(2, 3, 4, 4), torch.zeros(2)))


def test_a_product_is_called_by_its_factors() -> None:
    step = Polynomial(degree=3, interactions=False)
    assert step.names(("a", "b"), step.fit(table(4, 2))) == (
        "a", "b", "a²", "a·b", "b²", "a³", "a²·b", "a·b²", "b³",
    )  # fmt: skip
    few = Polynomial(degree=2, interactions=True)
    assert few.names(("a", "b", "c"), few.fit(table(4, 3))) == ("a", "b", "c", "a·b", "a·c", "b·c")
