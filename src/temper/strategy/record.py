"""What every strategy is made by: a frozen, keyword-only record whose fields are the knobs of its YAML file."""

from typing import TypeVar, cast, dataclass_transform

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def strategy(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen record: its fields are checked, and unknown ones refused, as it is made."""
    return cast("type[T]", dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))(cls))


def option(record: object) -> str:
    """Return the name of the option that ``record``, a strategy's, was made from."""
    return type(record).__module__.rpartition(".")[2]
