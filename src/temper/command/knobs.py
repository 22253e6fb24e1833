"""Which option has which knob, for the answer to one that was typed where it is not.

Torch is not imported here.
"""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from temper.recipes import CONF, axes

_MOST_PLACES = 4  # that are told


def having(axis: str, knob: str) -> list[str]:
    """Return the options of ``axis``, of which one is chosen, that have ``knob``."""
    if axis not in axes() or isinstance(axes()[axis], list):
        return []
    return [option for option, knobs in _options(axis) if knob in knobs]


def leaves(knob: str) -> list[str]:
    """Return the first places beneath an axis, or another key, that have a knob of exactly that name."""
    config: Any = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"))
    mine = {key: held for key, held in config.items() if isinstance(held, Mapping) and key != "hydra"}
    found = [f"{key}.{knob}" for key, held in mine.items() if knob in held]
    for axis, default in axes().items():
        if isinstance(default, list):
            found += [f"{axis}.{option}.{knob}" for option, knobs in _options(axis) if knob in knobs]
        elif having(axis, knob):
            found.append(f"{axis}.{knob}")
    return found[:_MOST_PLACES]


def _options(axis: str) -> list[tuple[str, Any]]:
    """Return the options of ``axis`` with what their files give their knobs."""
    several, found = isinstance(axes()[axis], list), []
    for path in sorted((CONF / axis).glob("*.yaml")):
        held: Any = OmegaConf.to_container(OmegaConf.load(path)) or {}
        found.append((path.stem, held.get(path.stem, {}) if several else held["task"] if axis == "task" else held))
    return found
