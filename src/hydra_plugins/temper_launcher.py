"""Hydra's door to ``temper.command.sweep``: each trial of ``-m`` is a process of its own.

Hydra finds plug-ins only in this package.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from temper.command.sweep import Trials


@dataclass
class Settings:
    """What ``hydra.launcher`` may hold."""

    _target_: str = "hydra_plugins.temper_launcher.TemperLauncher"


class TemperLauncher(Launcher):
    """Runs trials, each as ``python train.py`` in single-run mode."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what launching needs."""
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run each trial; a failed one does not stop the others."""
        return Trials(self.config, self.hydra_context.config_loader).run(job_overrides, initial_job_idx)


ConfigStore.instance().store(group="hydra/launcher", name="temper", node=Settings, provider="temper")
