"""The trials of ``python train.py -m``, each a process of its own in single-run mode.

Where they run, and how many at a time, is the launcher's to say: here, on Ray, on SLURM (`temper.launcher`).

In one process the ranks of a distributed trial would each run the whole sweep again, and what one trial leaves in
torch, Lightning or Weights & Biases would reach the next. Started again with the same ``hydra.sweep.dir``, a sweep goes
on: finished trials print their report, the one that was cut off resumes.
"""

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

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

if TYPE_CHECKING:
    from temper.strategy import Launcher, RunTrial

Result = TypeVar("Result")


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
        """Run the trials and print a table of them all.

        Raises:
            SystemExit: a trial failed, with status 1 after all have run; or two trials would share a folder.
        """
        folders = [self._folder(words, first + position) for position, words in enumerate(overrides)]
        with refusing():
            if len(set(folders)) < len(folders):
                raise Refusal("hydra.sweep.subdir: two trials would share a folder: leave it at ${hydra.job.num}")
            where = launcher(self.config)
        root = Path(str(self.config.hydra.sweep.dir)).absolute()
        done: dict[int, JobReturn] = {}
        with opened(where, root) as run_trial:

            def run_one(position: int) -> JobReturn:
                words, folder, number = overrides[position], folders[position], first + position
                log = None if where.jobs == 1 else root / f"{number}.log"
                self._say(f"trial {position + 1}/{len(overrides)}: {' '.join(words)}")
                return _returned(start(run_trial, words, folder, number, log=log), words, folder, number)

            with closing(together(run_one, range(len(overrides)), where.jobs)) as ending:
                for position, result in ending:
                    done[position] = result
                    if where.jobs > 1:
                        ended = "ended" if result.status is JobStatus.COMPLETED else "failed"
                        log = root / f"{first + position}.log"
                        self._say(f"trial {position + 1} {ended}, {len(overrides) - len(done)} to go ({log})")
        results = [done[position] for position in range(len(overrides))]
        self._tell(overrides, folders, results)
        if any(each.status is not JobStatus.COMPLETED for each in results):
            raise SystemExit(1)
        return results

    def _say(self, text: str) -> None:
        self.console.rule(Text(text), align="left")

    def _folder(self, words: Sequence[str], number: int) -> Path:
        composed = self.loader.load_sweep_config(self.config, list(words))
        with open_dict(composed):
            composed.hydra.job.id, composed.hydra.job.num = f"job_{number}", number
        HydraConfig.instance().set_config(composed)
        sweep = OmegaConf.select(self.config, "hydra.sweep.dir")  # resolved once: it may hold the time
        return Path(str(sweep), str(OmegaConf.select(composed, "hydra.sweep.subdir"))).absolute()

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


class Here:
    """Trials on this machine, one after the other: of a sweep without a launcher, which need not wait for torch."""

    jobs = 1

    @contextmanager
    def opened(self, folder: Path) -> Iterator["RunTrial"]:
        """Yield what runs a trial; what it prints is shown."""
        yield lambda command, log: subprocess.call(command)


def launcher(config: DictConfig) -> "Launcher | Here":
    """Return where the sweep ``config`` runs its trials: where none was chosen, here, one after the other.

    Raises:
        Refusal: a knob is at fault.
    """
    chosen = OmegaConf.select(config, "launcher")
    if chosen is None:
        return Here()
    from temper.experiment import make  # pulls in torch, for which a plain sweep would wait and which it would hold

    made = make(OmegaConf.to_container(chosen, resolve=True), "launcher")
    return cast("Launcher", made)


@contextmanager
def opened(where: "Launcher | Here", root: Path) -> Iterator["RunTrial"]:
    """Open ``where`` for the sweep in ``root``; what is not there ends the program with its message.

    Raises:
        SystemExit: interrupted from the keyboard, with status 130, as shells have it.
    """
    try:
        with ExitStack() as stack:
            with refusing():
                run_trial = stack.enter_context(where.opened(root))
            yield run_trial
    except KeyboardInterrupt:
        print(f"temper: interrupted: the same command with hydra.sweep.dir={root} goes on", file=sys.stderr)
        raise SystemExit(130) from None


def together(
    run_one: Callable[[int], Result], numbers: Sequence[int], jobs: int
) -> Generator[tuple[int, Result], None, None]:
    """Call ``run_one`` with each of ``numbers``, ``jobs`` at a time, and yield each with its result as it ends."""
    pool = ThreadPoolExecutor(jobs)
    try:
        running = {pool.submit(run_one, number): number for number in numbers}
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after an interruption, those that wait must not start


def start(run_trial: "RunTrial", words: Sequence[str], folder: Path, number: int, *, log: Path | None = None) -> int:
    """Run trial ``number`` to its end and return its exit status; what it prints is added to ``log`` if there is one.

    A process that an earlier sweep has left behind when it was killed may still have the folder: it is waited for.
    """
    Folder(folder).wait()
    folder.parent.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.argv[0]).absolute())  # a node of a cluster starts elsewhere
    return run_trial([sys.executable, program, *words, folder_word(folder), f"hydra.job.num={number}"], log)


def _returned(status: int, words: Sequence[str], folder: Path, number: int) -> JobReturn:
    result = JobReturn()
    result.overrides = list(words)
    result.status = JobStatus.COMPLETED if status == 0 else JobStatus.FAILED
    failure = RuntimeError(f"trial {number} ended with status {status}")
    result.return_value = Report.load(folder).returned if status == 0 else failure
    return result
