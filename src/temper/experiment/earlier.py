"""A configuration that an earlier version wrote, completed: what came since then and does nothing unless it is asked.

A missing knob that may be null is null, and a missing axis that has an option none stands at none: digests leave both
out for the same reason. Anything else that is missing stays so, and is refused where the configuration is parsed.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

from omegaconf import OmegaConf

from temper.experiment.settings import Settings
from temper.recipes import CONF


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config`` with every knob and axis that it lacks and that does nothing unless it is set."""
    axes = {axis: none for axis in _fields(Settings) if axis not in config and (none := _none(axis)) is not None}
    found = axes | {key: _with_nulls(value) for key, value in config.items()} | _nulls(Settings, config)
    if not getattr(_record(config.get("data")), "images", True):
        found["channels_last"] = False  # which once could be set for rows of numbers, and did nothing
    return found


def _with_nulls(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    held = {key: _with_nulls(child) for key, child in node.items()}
    record = _record(node)
    return held if record is None else held | _nulls(record, held)


def _record(node: Any) -> Any:
    """Return the record that ``node`` names; None where it is none of ours, which is refused where it is parsed."""
    module, _, name = str(node.get("_target_", "") if isinstance(node, Mapping) else "").rpartition(".")
    if not module.startswith("temper."):
        return None
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return None


def _nulls(record: type, held: Mapping[str, Any]) -> dict[str, None]:
    fields = _fields(record).items()
    return {name: None for name, field in fields if name not in held and type(None) in get_args(field.annotation)}


def _none(axis: str) -> dict[str, Any] | None:
    file = CONF / axis / "none.yaml"
    if not file.exists():
        return None
    values = OmegaConf.to_container(OmegaConf.load(file))
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()} or None


def _fields(record: type) -> dict[str, Any]:
    return getattr(record, "__pydantic_fields__", {})
