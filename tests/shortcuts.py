"""What is left out of runs in tests: half of a short run's time, and nothing that they look at."""

import copy
import importlib.metadata
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf


def leave_out_curves(patched: pytest.MonkeyPatch) -> None:
    """Leave curves.png out, which takes longer than a short run's training."""
    patched.setattr("temper.run.curves", SimpleNamespace(draw=lambda folder: None))


def time_briefly(patched: pytest.MonkeyPatch) -> None:
    """Take a network's latency from two passes in the place of two hundred: noise will do where nobody looks at it."""
    patched.setattr("temper.report.measure.WARM_UP", (0.0, 1))
    patched.setattr("temper.report.measure.TIMED", (0.0, 1))


def read_once(patched: pytest.MonkeyPatch) -> None:
    """Read once what each run reads anew and finds unchanged: scikit-learn's digits, and what is installed."""
    from sklearn import datasets

    digits = cache(datasets.load_digits)

    def load_digits(**how: Any) -> Any:
        return copy.deepcopy(digits(**how))

    patched.setattr(datasets, "load_digits", load_digits)
    patched.setattr(importlib.metadata, "version", cache(importlib.metadata.version))
    registry = "lightning.fabric.utilities.registry.entry_points"
    patched.setattr(registry, cache(importlib.metadata.entry_points))


def compose_quickly(patched: pytest.MonkeyPatch) -> None:
    """Take half the time to compose a command line.

    Hydra parses the same forty files each time, and for each of them it makes a dictionary of all choices, for choices
    that follow others (``${...}`` in a list of defaults): there are none in conf/, and one would fail here.
    """
    nothing = OmegaConf.create()
    patched.setattr("hydra._internal.defaults_list._create_interpolation_map", lambda *_: nothing)
    parsed = cache(OmegaConf.create)

    def load(file: Any) -> Any:
        text = Path(file).read_text() if isinstance(file, str | Path) else file.read()
        return copy.deepcopy(parsed(text))

    patched.setattr(OmegaConf, "load", load)
