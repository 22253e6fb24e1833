"""Hydra's door to ``temper.command.search``: ``-m`` alone tries every combination, ``-m search=NAME`` chooses.

Hydra finds plug-ins only in this package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from temper.command.sweep_words import of_sweep
from temper.refusal import Refusal, refusing


@dataclass
class Settings:
    """What ``hydra.sweeper`` may hold, as Hydra's own sweeper."""

    _target_: str = "hydra_plugins.temper_sweeper.TemperSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


class TemperSweeper(BasicSweeper):
    """Runs a search where one is chosen, and every combination otherwise."""

    def sweep(self, arguments: list[str]) -> Any:
        """Run the trials that ``arguments`` ask for."""
        assert self.config is not None
        assert self.hydra_context is not None
        with refusing():
            if self.max_batch_size is not None:
                raise Refusal(
                    "hydra.sweeper.max_batch_size: how many trials run at a time is the launcher's to say:"
                    " launcher=local launcher.jobs=2"
                )
        loader = self.hydra_context.config_loader
        overrides = OverridesParser.create(loader).parse_overrides(arguments)
        if OmegaConf.select(self.config, "search") is None:
            return super().sweep([str(each.input_line) for each in overrides if not of_sweep(each)])
        from temper.command.search import run  # pulls in torch, which a plain sweep's own process does not need before

        return run(self.config, loader, overrides)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Leave it to `temper.command.sweep.Trials`, which composes each trial before the first one starts."""


ConfigStore.instance().store(group="hydra/sweeper", name="temper", node=Settings, provider="temper")
