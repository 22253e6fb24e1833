"""The words of a sweep itself, and values that only a sweep can choose from, looked at before Hydra sees them."""

from collections.abc import Sequence
from contextlib import suppress

from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException

from temper.recipes import OF_SWEEPS
from temper.refusal import Refusal


def of_sweep(override: Override) -> bool:
    """Return whether ``override`` is about a sweep itself, and none of the trials' own words."""
    return override.key_or_group.split(".")[0] in OF_SWEEPS


def check_search(overrides: Sequence[Override], sweeping: bool) -> None:
    """Refuse a search without values to choose from, and values that only a search can choose from."""
    named = [override for override in overrides if override.key_or_group == "search"]
    last = {override.get_key_element(): override for override in overrides}  # a key's last word is what counts
    swept = {key: override for key, override in last.items() if override.is_sweep_override()}
    if (own := next(filter(of_sweep, swept.values()), None)) is not None:
        raise Refusal(f"{own.input_line}: it is the sweep's own: give it one value")
    name = named[-1].value() if named else None
    if name is not None and not (sweeping and swept):
        front, flag = ("", "") if sweeping else ("put -m in front, and ", "-m ")
        way_out = f"{front}give some key values to choose from, for example {flag}search={name} optimizer.lr=0.01,0.1"
        raise Refusal(f"search={name} chooses among the values of a sweep: {way_out}")
    for key, override in swept.items():
        if override.value_type is not ValueType.INTERVAL_SWEEP:
            with suppress(ValueError, HydraException):  # of a range that goes on by 0
                if next(iter(override.sweep_string_iterator()), None) is not None:
                    continue
            raise Refusal(f"{override.input_line}: holds no value: for example {key}=range(1,5)")
        if name in (None, "grid"):
            way_out = "list some with choice(), or let a search draw them, for example search=random"
            raise Refusal(f"{override.input_line}: an interval has no end of values: {way_out}")


def check_launcher(overrides: Sequence[Override], sweeping: bool) -> None:
    """Refuse a launcher where nothing is swept."""
    for override in overrides:
        if override.key_or_group == "launcher" and override.value() is not None and not sweeping:
            way_out = "put -m in front, or leave it away; a run of its own goes to a node or to several by trainer=ddp"
            raise Refusal(f"{override.input_line} runs the trials of a sweep: {way_out}")
