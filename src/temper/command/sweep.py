"""The trials of ``python train.py -m``, each a process of its own in single-run mode.

In one process the ranks of a distributed trial would each run the whole sweep again, and what one trial leaves in
torch, Lightning or Weights & Biases would reach the next. Started again with the same ``hydra.sweep.dir``, a sweep goes
on: finished trials print their report, the one that was cut off resumes.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.refusal import Refusal, refusing
from temper.report.record import Report
from temper.training.folder import Folder, folder_word


class Trials:
    """The trials of one sweep.

    Args:
        config: the sweep's composed configuration, Hydra's part in it.
        loader: composes a trial's.
    """

    def __init__(self, config: DictConfig, loader: ConfigLoader) -> None:
        self.config, self.loader = config, loader
        self.console = Console()

    def run(self, overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Run the trials one after the other, and print a table of them all.

        Raises:
            SystemExit: a trial failed, with status 1 after all have run; or two trials would share a folder.
        """
        folders = [self._folder(words, first + position) for position, words in enumerate(overrides)]
        with refusing():
            if len(set(folders)) < len(folders):
                raise Refusal("hydra.sweep.subdir: two trials would share a folder: leave it at ${hydra.job.num}")
        done = []
        for position, (words, folder) in enumerate(zip(overrides, folders, strict=True)):
            self.console.rule(Text(f"trial {position + 1}/{len(overrides)}: {' '.join(words)}"), align="left")
            done.append(self._run_one(words, folder, first + position))
        self._tell(overrides, folders, done)
        if any(each.status is not JobStatus.COMPLETED for each in done):
            raise SystemExit(1)
        return done

    def _folder(self, words: Sequence[str], number: int) -> Path:
        composed = self.loader.load_sweep_config(self.config, list(words))
        with open_dict(composed):
            composed.hydra.job.id, composed.hydra.job.num = f"job_{number}", number
        HydraConfig.instance().set_config(composed)
        sweep = OmegaConf.select(self.config, "hydra.sweep.dir")  # resolved once: it may hold the time
        return Path(str(sweep), str(OmegaConf.select(composed, "hydra.sweep.subdir"))).absolute()

    def _run_one(self, words: Sequence[str], folder: Path, number: int) -> JobReturn:
        status = start(words, folder, number)
        result = JobReturn()
        result.overrides = list(words)
        result.status = JobStatus.COMPLETED if status == 0 else JobStatus.FAILED
        result.return_value = (
            _score(folder) if status == 0 else RuntimeError(f"trial {number} ended with status {status}")
        )
        return result

    def _tell(self, overrides: Sequence[Sequence[str]], folders: Sequence[Path], done: Sequence[JobReturn]) -> None:
        table = Table(title="trials")
        for column in ("trial", "settings", "state", "score", "folder"):
            table.add_column(column, overflow="fold")
        for position, (words, folder, result) in enumerate(zip(overrides, folders, done, strict=True)):
            completed = result.status is JobStatus.COMPLETED
            score = f"{result.return_value:.4f}" if completed else "-"
            state = Report.load(folder).state if completed else "failed"
            table.add_row(str(position + 1), Text(" ".join(words)), state, score, Text(str(folder)))
        self.console.print(table)


def start(
    words: Sequence[str],
    folder: Path,
    number: int,
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run trial ``number`` to its end and return its exit status; what it prints is added to ``log`` if there is one.

    A process that an earlier sweep has left behind when it was killed may still have the folder: it is waited for.
    """
    Folder(folder).wait()
    command = [sys.executable, sys.argv[0], *words, folder_word(folder), f"hydra.job.num={number}"]
    values = {**os.environ, **(environment or {})}
    if log is None:
        return subprocess.run(command, check=False, env=values).returncode
    with log.open("a") as file:
        return subprocess.run(command, check=False, env=values, stdout=file, stderr=file).returncode


def _score(folder: Path) -> float:
    from temper.report.record import Report  # pulls in torch, which a sweep's own process does not need before

    return Report.load(folder).returned
