"""Overfit keeps a handful of examples, and changes nothing else."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from temper.debug.overfit import Overfit


def test_keeps_a_handful_of_examples(tmp_path: Path) -> None:
    debug = Overfit(examples=32)
    assert (debug.shortened_to, debug.memorised, debug.callbacks(tmp_path)) == (None, 32, [])


@pytest.mark.parametrize("bad", [0, -1, 2.5, True])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="examples"):
        Overfit(examples=bad)  # type: ignore[arg-type] # wrong on purpose
