"""Diabetes against scikit-learn's own table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.datasets import load_diabetes

from temper.data.diabetes import Diabetes


def diabetes(**knobs: Any) -> Diabetes:
    return Diabetes(**{"validation": 0.2, "test": 0.2, "drop_last": False, **knobs})


def test_every_patient_is_in_one_part() -> None:
    splits = diabetes().splits()
    assert splits.validation is not None
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [266, 88, 88]
    inputs, targets = load_diabetes(return_X_y=True, scaled=False)
    ours = torch.cat([torch.cat((part.inputs, part.targets.unsqueeze(1)), 1) for part in parts])
    theirs = np.column_stack((inputs, targets)).astype(np.float32)
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    assert splits.class_names == ()


def test_zero_shares_leave_everything_for_training() -> None:
    data = diabetes(validation=0.0, test=0.0)
    assert (data.validates, len(data.splits().train), data.splits().validation) == (False, 442, None)


def test_reads_ten_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((2, 10)))
    assert diabetes().read(tmp_path / "rows.npy").shape == (2, 10)


@pytest.mark.parametrize("bad", [{"validation": 1.0}, {"test": 0.001}, {"validation": 0.5, "test": 0.5}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        diabetes(**bad)


def test_features_are_called_as_scikit_learn_calls_them() -> None:
    assert list(diabetes().feature_names) == load_diabetes().feature_names
