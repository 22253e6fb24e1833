"""One run, validated whole before anything is built."""

from typing import Self

from pydantic import model_validator

from temper.experiment.rules import RULES
from temper.experiment.settings import Settings
from temper.strategy import strategy


@strategy
class Experiment(Settings):
    """Settings that go together."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        for rule in RULES:
            rule(self)
        return self
