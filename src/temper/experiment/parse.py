"""From a composed configuration to an `Experiment`: every record is made, and what is wrong is said in our words."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from temper.experiment.record import Experiment
from temper.experiment.settings import LIST_AXES
from temper.refusal import Refusal, nearest

WORDS = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be a word",
    "tuple_type": "must be a list",
    "dict_type": "must be {{NAME: value}}",
    "finite_number": "must be finite",
}


def parse(config: Mapping[str, Any]) -> Experiment:
    """Return the experiment that a composed, resolved configuration describes.

    Raises:
        Refusal: a target lies outside this package; a field is missing, unknown, of the wrong type or out of bounds;
            options clash. Names the key and the way out.
    """
    complete = {axis: {} for axis in LIST_AXES} | {key: value for key, value in config.items() if value != {}}
    experiment = make(complete, "")
    assert isinstance(experiment, Experiment)
    return experiment


def make(node: Any, key: str) -> Any:
    """Return ``node`` with every mapping that has a ``_target_`` turned into the record it names."""
    if isinstance(node, list):
        return [make(child, f"{key}[{position}]") for position, child in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    built = {name: make(child, f"{key}.{name}".lstrip(".")) for name, child in node.items() if name != "_target_"}
    if "_target_" not in node:
        return built
    target = str(node["_target_"])
    if not target.startswith("temper."):
        way_out = "put the class in src/temper/AXIS/NAME.py and its knobs in conf/AXIS/NAME.yaml"
        raise Refusal(f"{key}._target_: {target} is not of temper: {way_out} (README.md, For developers)")
    module, _, name = target.rpartition(".")
    try:
        record = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise Refusal(f"{key}._target_: there is no {target}: leave _target_ as the option's file has it") from None
    try:
        return record(**built)
    except ValidationError as fault:
        raise Refusal(_sentence(fault.errors(), key, record)) from None


def _sentence(errors: list[ErrorDetails], key: str, record: Any) -> str:
    """Return what is wrong with one field, in our words; the ways to be of a type that has several are alternatives."""
    known = list(getattr(record, "__pydantic_fields__", {}))
    first = errors[0]
    place = [str(part) for part in first["loc"][:1]]
    # A union's location goes on with the names of its members, a container's with positions.
    place += [str(part) for part in first["loc"][1:] if isinstance(part, int)]
    field, whole = ".".join(place), f"{key}.{'.'.join(place)}".strip(".")
    if first["type"] in ("missing", "missing_keyword_only_argument"):
        return f"{whole}: missing: the option's file in conf/ lists it with its default"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{whole}: {key or 'a run'} has no {field}; {nearest(field, known)}"
    ways: dict[str, str] = {}
    for each in (_said(error) for error in errors if error["loc"][:1] == first["loc"][:1]):
        ways.setdefault(each.removesuffix(".0"), each)  # of a whole number and of a share, > 0 and > 0.0 are one
    said = " or ".join(ways.values())
    if field:
        return f"{whole}={_shown(first['input'])}: {said}"
    names_knob = said.replace("=", " ").split(" ")[0].rstrip(":") in known
    return f"{key}.{said}" if key and names_knob else f"{key}: {said}" if key else said


def _said(error: ErrorDetails) -> str:
    template = WORDS.get(error["type"])
    said = template.format(**error.get("ctx", {})) if template else error["msg"]
    return said.removeprefix("Value error, ").replace("Input should be", "must be")


def _shown(value: Any) -> str:
    text = str(value).replace(" ", "")
    return text if len(text) <= 60 else f"{text[:57]}..."
