"""From a job to its report: build, train, test, tell."""

import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
from rich.console import Console

from temper import STARTED, curves, page
from temper.build import build_batches, build_module
from temper.checkpoints import Checkpoints, last_good
from temper.data.batches import Batches
from temper.experiment import Experiment
from temper.folder import Folder
from temper.job import Job
from temper.machine import gpus, set_threads
from temper.outcome import begin, conclude, final_figures
from temper.progress import Bar
from temper.recorder import Diverged, Recorder
from temper.refusal import Refusal, refusing
from temper.report import Report, show
from temper.supervised import Supervised
from temper.trained import Trained


def run(job: Job) -> Report:
    """Train and test what ``job`` asks for, or go on where an earlier attempt in its folder ended.

    Raises:
        SystemExit: the input is at fault; its message has been printed, and nothing was created.
    """
    experiment, rank = job.experiment, int(os.environ.get("LOCAL_RANK", os.environ.get("SLURM_PROCID", "0")))
    console = Console(quiet=rank > 0)
    folder = Folder(job.folder)
    with refusing(folder.path):
        machine = experiment.trainer.arguments()
        _check_precision(experiment, machine)
        _check_files(experiment)
        if rank == 0:
            experiment.data.prepare()
            folder.enter(job.config)
        finished = _finished(folder.path)
        if finished is not None:
            console.print(f"{folder.path} has finished: nothing to train", soft_wrap=True, markup=False)
            show(finished, console)
            return finished
        L.seed_everything(experiment.seed, workers=True, verbose=False)
        set_threads(experiment.trainer.threads, _processes(machine))
        batches = build_batches(experiment)
        module = build_module(experiment, batches.facts)
    report = begin(job, folder)
    if batches.splits.note:
        report.notes.append(batches.splits.note)
    for note in job.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    console.print(
        f"folder: {folder.path}\ngo on with: {job.command} hydra.run.dir={folder.path}", soft_wrap=True, markup=False
    )
    with _closing(job, report, folder, rank), _logged(folder.path / f"rank_{rank}.log"):
        trainer, recorder, checkpoints = build_trainer(job, machine, folder, report, module, batches, console)
        resumed = last_good(folder.checkpoints) or (Path(experiment.ckpt) if experiment.ckpt else None)
        trainer.fit(module, datamodule=batches, ckpt_path=resumed, weights_only=True if resumed else None)
        best = folder.checkpoints / "best.ckpt" if checkpoints.best is not None else None
        trainer.test(module, datamodule=batches, ckpt_path=best, weights_only=True if best else None, verbose=False)
        conclude(report, job, module, recorder, trainer)
        report.cost.wall_seconds = time.monotonic() - STARTED
        report.state = "finished"
        if trainer.is_global_zero:
            report.save(folder.path)
            curves.draw(folder.path)
            page.write(folder.path)
            for logger in trainer.loggers:
                logger.log_metrics(final_figures(report))
    if trainer.is_global_zero:
        show(report, console)
    return report


def _processes(machine: dict[str, Any]) -> int:
    devices = machine["devices"]
    return len(devices) if isinstance(devices, list) else int(devices)


def _check_precision(experiment: Experiment, machine: dict[str, Any]) -> None:
    on_cpu = machine["accelerator"] == "cpu" or (machine["accelerator"] == "auto" and not gpus())
    if on_cpu and experiment.precision == "16-mixed":
        raise Refusal("precision=16-mixed needs a GPU, and the run is on the CPU: choose precision=bf16-mixed")


def _check_files(experiment: Experiment) -> None:
    if experiment.ckpt is not None and not Path(experiment.ckpt).is_file():
        raise Refusal(
            f"ckpt={experiment.ckpt}: there is no {Path(experiment.ckpt).absolute()}: name a .ckpt file that a run has"
            " left in its checkpoints/"
        )
    for name, distillation in experiment.distillation.items():
        teacher = Trained.find(distillation.teacher, f"distillation.{name}.teacher").experiment()
        if teacher.data.classes != experiment.data.classes or type(teacher.data) is not type(experiment.data):
            raise Refusal(
                f"distillation.{name}.teacher={distillation.teacher} was trained on other data: name a run on the same"
            )
        if teacher.preprocessing != experiment.preprocessing or teacher.kind != experiment.kind:
            raise Refusal(
                f"distillation.{name}.teacher={distillation.teacher} sees inputs through other preprocessing, or"
                " answers another kind of question: use the teacher's preprocessing and a loss of its kind"
            )


def _finished(folder: Path) -> Report | None:
    if not (folder / "report.json").exists():
        return None
    report = Report.load(folder)
    return report if report.state == "finished" else None


def build_trainer(
    job: Job,
    machine: dict[str, object],
    folder: Folder,
    report: Report,
    module: Supervised,
    batches: Batches,
    console: Console,
) -> tuple[L.Trainer, Recorder, Checkpoints]:
    """Return Lightning's trainer of this run, with the two of its callbacks that tell how the run went."""
    experiment, clock = job.experiment, module.facts.clock
    metric, better = experiment.chosen_by
    settled = math.ceil(experiment.pruning.settled * clock.total_steps)
    recorder = Recorder(
        folder.path,
        report,
        flush_every=experiment.flush_every,
        accumulate=experiment.accumulate,
        metric=metric,
        better=better,
        target=experiment.target,
        bar=Bar(console, clock.total_steps),
    )
    checkpoints = Checkpoints(
        folder.checkpoints,
        seconds=experiment.checkpoint_seconds,
        accumulate=experiment.accumulate,
        metric=metric,
        better=better,
        settled=settled,
    )
    watching = [each.callback(metric, better, experiment.target, settled) for each in experiment.stopping.values()]
    # The order is meant: weights are pruned before they are recorded, and saved last of all.
    callbacks = [
        experiment.pruning.callback(clock),
        *experiment.debug.callbacks(folder.path),
        recorder,
        *watching,
        checkpoints,
    ]
    with _quiet():
        trainer = L.Trainer(
            **machine,  # type: ignore[arg-type]
            precision=experiment.precision,
            max_epochs=clock.epochs,
            accumulate_grad_batches=experiment.accumulate,
            check_val_every_n_epoch=min(experiment.validate_every, clock.epochs),
            limit_val_batches=1.0 if batches.splits.validation is not None else 0,
            num_sanity_val_steps=0,
            logger=[each.build(folder.path, job.config) for each in experiment.logger.values()] or False,
            callbacks=callbacks,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder.path,
        )
    return trainer, recorder, checkpoints


@contextmanager
def _closing(job: Job, report: Report, folder: Folder, rank: int) -> Iterator[None]:
    """End loggers and note the state, whatever happens in between."""
    failed = True
    try:
        yield
        failed = False
    except BaseException as fault:
        report.state = "failed" if isinstance(fault, Exception) else "stopped"
        if rank == 0:
            report.save(folder.path)
        if isinstance(fault, Diverged):
            print(f"temper: {fault}", file=sys.stderr)
            raise SystemExit(1) from None
        raise
    finally:
        for logger in job.experiment.logger.values():
            logger.finish(failed)
        folder.leave()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write what Lightning and Python warn of into ``path`` instead of over the bar."""
    sink = logging.FileHandler(path, delay=True)
    sink.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    loggers = [
        logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric", "py.warnings")
    ]
    before = [(logger.handlers[:], logger.propagate) for logger in loggers]
    logging.captureWarnings(True)
    for logger in loggers:
        logger.handlers, logger.propagate = [sink], False
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(False)
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        sink.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's greetings off the terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
