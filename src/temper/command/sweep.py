"""The trials of ``python train.py -m``, each a process of its own in single-run mode.

Where they run, and how many at a time, is the launcher's to say: here, on Ray, on SLURM (`temper.launcher`).

In one process the ranks of a distributed trial would each run the whole sweep again, and what one trial leaves in
torch, Lightning or Weights & Biases would reach the next. Started again with the same ``hydra.sweep.dir``, a sweep goes
on: finished trials print their report, the one that was cut off resumes.
"""

import math
import shlex
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.command import own_options
from temper.digest import LEFT_OFF
from temper.forked import INTERRUPTED, programs
from temper.refusal import InUse, Refusal, refusing
from temper.report.record import Report
from temper.settings_file import container
from temper.training.folder import Folder, folder_word

if TYPE_CHECKING:
    from temper.strategy import Launcher, RunTrial

Result = TypeVar("Result")
_PAUSE = 5.0  # seconds until a trial whose folder is in use is tried again


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
            SystemExit: a trial failed, with status 1 after all have run; or, with status 2 before any has, two would
                share a folder, one's folder holds another, or its processes would be others than its trainer's.
        """
        composed = [self._composed(words, first + position) for position, words in enumerate(overrides)]
        folders = [self._folder(each) for each in composed]
        with refusing():
            if len(set(folders)) < len(folders):
                raise Refusal("hydra.sweep.subdir: two trials would share a folder: leave it at ${hydra.job.num}")
            where = launcher(self.config)
            for each, folder in zip(composed, folders, strict=True):
                settings = {key: value for key, value in container(each).items() if key not in LEFT_OFF}
                if objection := where.objection(settings["trainer"]):
                    raise Refusal(objection)
                Folder(folder).check(settings, "hydra.sweep.dir")  # as folders go by position, others' words shift them
        root = Path(str(self.config.hydra.sweep.dir)).absolute()
        done: dict[int, JobReturn] = {}
        shared, own = apart(overrides)
        if shared:
            self._say(f"{len(overrides)} trials of {' '.join(shared)}")
        with opened(where, root) as runner:

            def run_one(position: int) -> JobReturn:
                words, folder, number = overrides[position], folders[position], first + position
                self._say(f"trial {position + 1}/{len(overrides)}: {' '.join(own[position])}")
                return _returned(runner.run(words, folder, number), words, folder, number)

            with closing(runner.together(run_one, range(len(overrides)))) as ending:
                for position, result in ending:
                    done[position] = result
                    if (log := runner.log(first + position)) is not None:
                        ended = "ended" if result.status is JobStatus.COMPLETED else str(result._return_value)
                        self._say(f"trial {position + 1} {ended}, {len(overrides) - len(done)} to go ({log})")
        results = [done[position] for position in range(len(overrides))]
        self._tell(shared, own, folders, results)
        if any(each.status is not JobStatus.COMPLETED for each in results):
            raise SystemExit(1)
        return results

    def _say(self, text: str) -> None:
        self.console.rule(Text(text), align="left")

    def _composed(self, words: Sequence[str], number: int) -> DictConfig:
        composed = self.loader.load_sweep_config(self.config, list(words))
        with open_dict(composed):
            composed.hydra.job.id, composed.hydra.job.num = f"job_{number}", number
        return composed

    def _folder(self, composed: DictConfig) -> Path:
        HydraConfig.instance().set_config(composed)
        sweep = OmegaConf.select(self.config, "hydra.sweep.dir")  # resolved once: it may hold the time
        return Path(str(sweep), str(OmegaConf.select(composed, "hydra.sweep.subdir"))).absolute()

    def _tell(
        self, shared: Sequence[str], own: Sequence[Sequence[str]], folders: Sequence[Path], done: Sequence[JobReturn]
    ) -> None:
        kept = {
            folder: Report.load(folder)
            for folder, result in zip(folders, done, strict=True)
            if result.status is JobStatus.COMPLETED
        }
        metrics = {report.score.metric for report in kept.values() if report.score is not None}
        table = Table(title=Text(" ".join(["trials", *(["of"] if shared else []), *shared])))
        for column in ("trial", "settings", "state", metrics.pop() if len(metrics) == 1 else "score", "folder"):
            table.add_column(column, overflow="fold")
        for position, (words, folder, result) in enumerate(zip(own, folders, done, strict=True)):
            report = kept.get(folder)
            score = "-" if report is None or math.isnan(report.returned) else f"{report.returned:.4f}"
            state = str(result._return_value) if report is None else report.state
            table.add_row(str(position + 1), Text(" ".join(words)), state, score, Text(str(folder)))
        self.console.print(table)


def apart(overrides: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Return the words that all trials share, and those of each that tell it from the others."""
    if len(overrides) < 2:
        return [], [list(words) for words in overrides]
    shared = [word for word in overrides[0] if all(word in words for words in overrides)]
    return shared, [[word for word in words if word not in shared] for words in overrides]


class Here:
    """Trials on this machine, one after the other: of a sweep without a launcher, which need not wait for torch."""

    jobs, shows = 1, True

    def objection(self, trainer: Mapping[str, Any]) -> str | None:
        """Return none: a trial's process starts those that it needs beside it."""
        return None

    @contextmanager
    def opened(self, folder: Path) -> Iterator["RunTrial"]:
        """Yield what runs a trial; what it prints is shown."""
        with programs() as these:
            yield these.call


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


class Runner:
    """Runs the trials of one sweep.

    Args:
        where: they run.
        run_trial: of the launcher, opened.
        root: of the sweep.

    Attributes:
        over: whether no other trial must start.
    """

    def __init__(self, where: "Launcher | Here", run_trial: "RunTrial", root: Path) -> None:
        self.where, self.run_trial, self.root = where, run_trial, root
        self.over = Event()

    def log(self, number: int) -> Path | None:
        """Return the file of what trial ``number`` prints; None where that is shown."""
        return None if self.where.shows else self.root / f"{number}.log"

    def run(self, words: Sequence[str], folder: Path, number: int) -> int:
        """Run trial ``number`` to its end and return its exit status.

        A process that an earlier sweep has left behind when it was killed may have the folder, or be about to take it:
        it is waited for.
        """
        program = str(Path(sys.argv[0]).absolute())  # a node of a cluster starts elsewhere
        own = own_options.again(sys.argv[1:])
        command = [sys.executable, program, *own, *words, folder_word(folder), f"hydra.job.num={number}"]
        folder.parent.mkdir(parents=True, exist_ok=True)
        while True:
            Folder(folder).wait(self.over)
            if self.over.is_set():
                return INTERRUPTED
            status = self.run_trial(command, self.log(number))
            if status != InUse.status:
                return status
            print(f"temper: {folder} is in use by another process: waiting for it", file=sys.stderr)
            self.over.wait(_PAUSE)

    def together(
        self, run_one: Callable[[int], Result], numbers: Sequence[int]
    ) -> Generator[tuple[int, Result], None, None]:
        """Call ``run_one`` with each of ``numbers``, as many at a time as may be, and yield each with its result."""
        pool = ThreadPoolExecutor(self.where.jobs)
        try:
            running = {pool.submit(run_one, number): number for number in numbers}
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an interruption, those that wait must not start


@contextmanager
def opened(where: "Launcher | Here", root: Path) -> Iterator[Runner]:
    """Open ``where`` for the sweep in ``root``; what is not there ends the program with its message.

    Raises:
        SystemExit: interrupted from the keyboard, with status 130, as shells have it.
    """
    try:
        with ExitStack() as stack:
            with refusing():
                run_trial = stack.enter_context(where.opened(root))
            runner = Runner(where, run_trial, root)
            stack.callback(runner.over.set)
            yield runner
    except KeyboardInterrupt:
        again = shlex.quote(folder_word(root, "hydra.sweep.dir"))
        print(f"temper: interrupted: the same command with {again} goes on", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def report_of(folder: Path) -> Report | None:
    """Return the report in ``folder``; None where there is none to be read."""
    with suppress(OSError, ValueError):
        list(folder.iterdir())  # a folder that nodes share may be remembered as it was before they wrote
        return Report.load(folder)
    return None


def fault_of(status: int) -> str:
    """Return in words how a trial with the exit status ``status``, which is not 0, ended."""
    number = -status if status < 0 else status - 128 if status > 128 else 0  # of a process, and of a shell's
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"failed with status {status}"
    return f"was ended by {name}" + (", as systems do where memory runs out" if name == "SIGKILL" else "")


def _returned(status: int, words: Sequence[str], folder: Path, number: int) -> JobReturn:
    result, report = JobReturn(), report_of(folder) if status == 0 else None
    if report is not None and report.state not in ("finished", "paused"):
        report = None
    result.overrides = list(words)
    result.status = JobStatus.COMPLETED if report is not None else JobStatus.FAILED
    failure = RuntimeError(fault_of(status) if status else f"failed: {folder} holds no report of a finished run")
    result.return_value = report.returned if report is not None else failure
    return result
