"""Principal components against scikit-learn's, and the laws that make them what they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import decomposition

from temper.facts import Examples
from temper.preprocessing.pca import PCA
from temper.report.record import Report


def table(rows: int = 60, columns: int = 5, seed: int = 0) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(columns, columns, generator=generator)
    return Examples(torch.randn(rows, columns, generator=generator) @ mixing + 3, torch.zeros(rows))


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("components", [1, 3, 5, 0.3, 0.8, 0.999])
@pytest.mark.parametrize("rows", [60, 4])
def test_agrees_with_scikit_learn(components: float, whiten: bool, rows: int) -> None:
    train, step = table(rows), PCA(components=components, whiten=whiten)
    if isinstance(components, int) and components > rows - 1:
        return
    before = train.inputs.clone()
    ours = step.apply(train.inputs, step.fit(train)).double().numpy()
    rival = decomposition.PCA(components, whiten=whiten, svd_solver="full").fit(before.double().numpy())
    theirs = rival.transform(before.double().numpy())
    assert ours.shape == theirs.shape
    signs = np.sign((ours * theirs).sum(0))  # free in each direction
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-4)
    assert torch.equal(train.inputs, before)


@settings(deadline=None, max_examples=15)
@given(rows=st.integers(8, 40), columns=st.integers(1, 6), seed=st.integers(0, 99))
def test_components_are_uncorrelated_and_keep_the_distances(rows: int, columns: int, seed: int) -> None:
    train = table(rows, columns, seed)
    step = PCA(components=columns, whiten=False)
    fitted = step.fit(train)
    made = step.apply(train.inputs, fitted).double()
    covariance = made.T @ made / (rows - 1)
    assert (covariance - covariance.diag().diag()).abs().max() < 1e-4 * covariance.max()
    assert (covariance.diag().diff() <= 1e-4 * covariance.max()).all()
    torch.testing.assert_close(torch.pdist(made), torch.pdist(train.inputs.double()), atol=1e-3, rtol=1e-3)
    largest = fitted["directions"].gather(0, fitted["directions"].abs().argmax(0, keepdim=True))
    assert (largest > 0).all()
    white = PCA(components=columns, whiten=True)
    torch.testing.assert_close(
        white.apply(train.inputs, white.fit(train)).std(0), torch.ones(columns), atol=1e-3, rtol=0
    )


def test_columns_that_say_the_same_become_one() -> None:
    column = torch.arange(6.0).unsqueeze(1)
    train = Examples(torch.cat([column, 2 * column, -column], 1), torch.zeros(6))
    assert PCA(components=0.99, whiten=True).fit(train)["directions"].shape == (3, 1)
    with pytest.raises(ValueError, match=r"pca\.components=2: the 6 training rows of 3 columns vary along 1"):
        PCA(components=2, whiten=True).fit(train)


def test_the_network_sees_the_components_and_a_checkpoint_holds_them(
    train: Callable[..., Report], tmp_path: Path
) -> None:
    words = ("task=linear_regression", "data=diabetes", "epochs=1", "trainer=cpu")
    report = train(*words, "preprocessing=[standardize,pca]", "preprocessing.pca.components=4", folder=tmp_path / "few")
    assert report.complexity.parameters == 5
    kept = torch.load(tmp_path / "few" / "checkpoints" / "last.ckpt", weights_only=True)["Batches"]["fitted"]
    assert {name: tuple(value.shape) for name, value in kept["pca"].items()} == {"mean": (10,), "directions": (10, 4)}


@pytest.mark.parametrize("bad", [0, -1, 0.0, 1.0, 2.0, 1.5, True, "all", None])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match=r"components\n.*a whole number of components.*or a share"):
        PCA(**{"components": bad, "whiten": False})


def test_refuses_data_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"components=6: the 60 training rows of 5 columns vary along 5 .*at most 5"):
        PCA(components=6, whiten=False).fit(table())
    with pytest.raises(ValueError, match="no direction varies"):
        PCA(components=1, whiten=False).fit(Examples(torch.full((5, 2), 0.1), torch.zeros(5)))
    with pytest.raises(ValueError, match=r"for tables.*preprocessing=\[patch_whitening\]"):
        PCA(components=1, whiten=False).fit(Examples(torch.zeros(2, 3, 4, 4), torch.zeros(2)))


def test_components_have_numbers_and_no_names() -> None:
    step = PCA(components=2, whiten=False)
    assert step.names(tuple("abcde"), step.fit(table())) == ("component 1", "component 2")
