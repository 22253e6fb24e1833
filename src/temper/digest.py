"""What makes two runs the same method: a digest of the settings that a result depends on."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROMISES = ("expect", "target")
OF_THE_MACHINE = ("seed", "trainer", "logger", "debug", "hydra")
OF_THE_DISK = ("root", "cache", "workers", "in_memory")  # knobs of data: where it lies, and how it is read
FETCHED = "download"  # of data: whether what is not there is fetched
LOOKED_AT = ("gradient_norm",)  # more is recorded: the steps are the same
LEFT_OFF = ("pause",)  # the run is not over: with the rest, it is the same
CHECKPOINTING = "checkpoint_seconds"  # how often a checkpoint is kept
_CHECKPOINT_SECONDS = 60.0  # in every digest, whatever is set: the first ones held this default
LEFT_OUT = (*PROMISES, *OF_THE_MACHINE, *LOOKED_AT, *LEFT_OFF)


def digest(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a composed configuration's method, in hex.

    Left out: promises, unless they end the run, the seed, the machine, where a known data set lies, whether it is
    fetched and how it is read, how often a checkpoint is kept, every axis that stands at none and every knob that
    stands at null, so that a new axis, or a new knob that does nothing unless it is set, leaves old digests alone.
    """
    kept = method(config)
    # An axis that takes several options is a mapping without a target, and their order matters.
    several = {axis: value for axis, value in kept.items() if isinstance(value, Mapping) and "_target_" not in value}
    order = {axis: list(options) for axis, options in several.items()}
    return hashlib.sha256(json.dumps([kept, order], sort_keys=True).encode()).hexdigest()


def method(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a composed configuration that its digest is made of."""
    kept = {key: _set(value) for key, value in config.items() if key not in LEFT_OUT and not does_nothing(value)}
    if "target" in config.get("stopping", ()):  # where it ends a run, it is more than a promise
        kept["target"] = config.get("target")
    if CHECKPOINTING in kept:
        kept[CHECKPOINTING] = _CHECKPOINT_SECONDS
    if isinstance(kept.get("data"), Mapping):
        left_out = of_the_disk(kept["data"])
        kept["data"] = {key: value for key, value in kept["data"].items() if key not in left_out}
        if FETCHED in kept["data"]:
            kept["data"][FETCHED] = True  # in every digest, as the first ones held it
        for place in {"path", "root"} & kept["data"].keys():  # of the user's own data: photos/ is photos
            kept["data"][place] = os.path.normpath(str(kept["data"][place]))
    return kept


def of_the_disk(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the knobs of ``data`` that leave its examples as they are; a folder of images is known by its root."""
    images = str(data.get("_target_", "")).endswith(".ImageFolder")
    return tuple(knob for knob in OF_THE_DISK if not (images and knob == "root"))


def _set(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _set(child) for key, child in value.items() if child is not None}
    return value


def does_nothing(value: Any) -> bool:
    """Return whether ``value`` of a knob or an axis is that of one that is not set."""
    if isinstance(value, Mapping):
        return not value or str(value.get("_target_", "")).split(".")[-2:-1] == ["none"]
    return value is None or value == []


def placed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config`` with the places of its data as whole paths, however they were written."""
    data = dict(config.get("data") or {})
    for place in ("path", "root"):
        if data.get(place):
            data[place] = str(Path(data[place]).expanduser().resolve())
    return {**config, "data": data} if data else dict(config)
