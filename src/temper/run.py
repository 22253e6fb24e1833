"""From a job to its report: build, train, test, tell."""

import logging
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lightning as L
from lightning.pytorch.utilities.exceptions import SIGTERMException
from rich.console import Console

import temper
from temper.command.job import Job
from temper.data.batches import Batches
from temper.experiment import Experiment
from temper.forked import INTERRUPTED
from temper.preflight import check_same_data, check_teachers, check_transfer, start
from temper.preflight_machine import check_kernels, check_machine, check_partners
from temper.quantity import Clock
from temper.refusal import InUse, Refusal, refusing
from temper.report import curves, page
from temper.report.outcome import begin, conclude, final_figures
from temper.report.record import Report, Score, show
from temper.report.units import in_score
from temper.scheduler.lapse import check_moves
from temper.strategy import Remover
from temper.trainer.emulation import NOTE, emulated, precision_arguments
from temper.trainer.machine import environment, keep_freed_memory, processes, set_threads
from temper.trainer.started import rank
from temper.training.build import build_batches, build_module, made_whole
from temper.training.checkpoints import Checkpoints
from temper.training.folder import Folder, folder_word
from temper.training.gradient_norm import GradientNorm
from temper.training.layer_freezing import layer_freezing
from temper.training.leaving import Leaving, interrupted
from temper.training.pace import Pace
from temper.training.partners import Partners, lost
from temper.training.pause import Pause
from temper.training.private_gradient import PrivateGradient
from temper.training.progress import Bar
from temper.training.quiet import logged, quiet
from temper.training.recorder import Diverged, Recorder
from temper.training.shown_weights import ShownWeights
from temper.training.supervised import Supervised
from temper.training.transfer import transfer
from temper.training.unprofiled import Unprofiled

ENDED = 128 + signal.SIGTERM  # the status of a run that was told to end, as shells have it


def run(job: Job) -> Report:
    """Train and test what ``job`` asks for, or go on where an earlier attempt in its folder ended.

    Raises:
        SystemExit: the input is at fault; its message has been printed, and nothing was created.
    """
    experiment, folder = job.experiment, Folder(job.folder)
    with refusing(folder.path):
        folder.check(job.settings)
        finished = _finished(folder.path)
        if finished is not None:
            if rank() == 0:
                _tell_again(folder.path, finished)
            return finished
        machine = experiment.trainer.arguments()
        check_machine(experiment, machine)
        check_partners(experiment, processes(machine) * machine["num_nodes"])
        check_teachers(job)
        notes = check_transfer(job) + ([NOTE] if emulated(experiment.precision, machine) else [])
        mine = rank(processes(machine))
        L.seed_everything(experiment.seed, workers=True, verbose=False)
        set_threads(experiment.trainer.threads, processes(machine))
        keep_freed_memory()
        experiment.data.prepare()  # on every process: the first of a machine fetches, the others find it there
        batches = build_batches(experiment)
        notes += check_same_data(job, batches.facts)
        if experiment.debug.shortened_to is None:
            experiment.optimizer.check(batches.facts.clock.total_steps)
            experiment.averaging.check(batches.facts.clock)
            if experiment.batch_size != "full":
                experiment.batch_growth.check(experiment.batch_size, experiment.epochs)
            for each in experiment.smaller:
                each.check(batches.facts.clock)
            if experiment.debug.memorised is None:  # of which an epoch is but a step
                check_moves(experiment.scheduler, experiment.pruning.lap(0, batches.facts.clock)[1])
        module = build_module(experiment, batches.facts)
        check_kernels(experiment, machine, module.network)
        taken, freezing = transfer(experiment, module)
        stopped, stopping = layer_freezing(experiment, module, machine)
        notes += [*taken, *stopped]
        notes += [told for each in experiment.smaller if (told := each.note(module.network)) is not None]
        resumed = start(job, folder.checkpoints, module)
        foreign = resumed is None or resumed.parent != folder.checkpoints
        if mine == 0:
            folder.enter(job.settings)
            if _finished(folder.path) is not None:
                folder.leave()
                raise InUse(f"{folder.path} was finished by another process just now: give the command again")
            if foreign:  # of an attempt that was killed before it had a checkpoint to go on from
                (folder.checkpoints / "best.ckpt").unlink(missing_ok=True)
    console = Console(quiet=mine > 0)
    report = begin(job, folder, processes(machine) * machine["num_nodes"])
    report.notes += notes
    earlier = sum(attempt.wall_seconds for attempt in report.attempts)
    if batches.splits.note:
        report.notes.append(batches.splits.note)
    for note in (*job.notes, *notes):
        console.print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    again = f"{job.command} {shlex.quote(folder_word(folder.path))}"
    console.print(f"folder: {folder.path}\ngo on with: {again}", soft_wrap=True, markup=False)
    with _closing(job, report, folder, mine), logged(folder.path / f"rank_{mine}.log"):
        trainer, recorder, checkpoints = build_trainer(
            job, machine, folder, report, module, batches, console, [*freezing, *stopping], foreign=foreign
        )
        trainer.fit(module, datamodule=batches, ckpt_path=resumed, weights_only=True if resumed else None)
        if experiment.pause is not None:
            metric, better = experiment.chosen_by
            report.score, report.state = Score(metric=metric, value=checkpoints.best, better=better), "paused"
            if trainer.is_global_zero:
                report.save(folder.path)
            console.print(f"paused, and not tested: best {metric} so far {in_score(checkpoints.best)}", highlight=False)
            return report
        module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU
        if experiment.trainer.shards:
            module.network = made_whole(experiment, module)
        best = folder.checkpoints / "best.ckpt" if checkpoints.best is not None else None
        trainer.test(module, datamodule=batches, ckpt_path=best, weights_only=True if best else None, verbose=False)
        module.to(trainer.strategy.root_device)  # where it is measured, and where processes talk
        conclude(report, job, module, recorder, trainer, batches)
        report.cost.wall_seconds = earlier + time.monotonic() - temper.started
        report.state = "finished"
        if trainer.is_global_zero:
            for logger in trainer.loggers:  # before a kill could leave a finished run whose last figures they lack
                logger.log_metrics(final_figures(report))
            report.save(folder.path)
            _draw(folder.path)
    if trainer.is_global_zero:
        show(report, console)
    return report


def _finished(folder: Path) -> Report | None:
    if not (folder / "report.json").exists():
        return None
    report = Report.load(folder)
    return report if report.state == "finished" else None


def _tell_again(folder: Path, report: Report) -> None:
    console = Console()
    console.print(f"{folder} has finished: nothing to train", soft_wrap=True, markup=False)
    if not (folder / "report.html").exists():  # killed between the report and its pages
        _draw(folder)
    show(report, console)


def _draw(folder: Path) -> None:
    curves.draw(folder)
    page.write(folder)


def build_trainer(
    job: Job,
    machine: dict[str, object],
    folder: Folder,
    report: Report,
    module: Supervised,
    batches: Batches,
    console: Console,
    freezing: Sequence[L.Callback] = (),
    *,
    foreign: bool = True,
) -> tuple[L.Trainer, Recorder, Checkpoints]:
    """Return Lightning's trainer of this run, with the two of its callbacks that tell how the run went."""
    experiment, clock = job.experiment, module.facts.clock
    metric, better = experiment.chosen_by
    settled = experiment.settled(clock)
    recorder = Recorder(
        folder.path,
        report,
        flush_every=experiment.flush_every,
        accumulate=experiment.accumulate,
        metric=metric,
        better=better,
        target=experiment.target,
        settled=settled,
        foreign=foreign,
        bar=Bar(console, clock.total_steps),
    )
    leaving = Leaving()
    checkpoints = Checkpoints(
        folder.checkpoints,
        seconds=experiment.checkpoint_seconds,
        accumulate=experiment.accumulate,
        metric=metric,
        better=better,
        settled=settled,
        foreign=foreign,
        resting=recorder.resting,
        leaving=leaving,
    )
    watching = [each.callback(metric, better, experiment.target, settled) for each in experiment.stopping.values()]
    for each in watching:
        each.foreign = foreign  # type: ignore[attr-defined]
    # The order is meant: what is removed goes before averages are taken, all before they are recorded, and saved last.
    callbacks = [
        Partners(),
        leaving,
        *([PrivateGradient(module.privatizer)] if module.privatizer is not None else []),
        *freezing,
        *_looking(experiment, clock, recorder),
        *experiment.debug.callbacks(folder.path),
        Pace(experiment.validate_every, clock.epochs),
        recorder,
        *watching,
        checkpoints,
        *([Pause(experiment.pause)] if isinstance(experiment.pause, int) else []),
    ]
    in_precision = dict(precision_arguments(experiment.precision, machine))
    plugins = in_precision.pop("plugins", [])
    with quiet(logging.WARNING):
        trainer = L.Trainer(
            **machine,  # type: ignore[arg-type]
            **in_precision,
            plugins=[*plugins, *environment()],
            max_epochs=clock.epochs,
            accumulate_grad_batches=experiment.accumulate,
            # Epochs of other lengths: Lightning asks a loader for its length only when it gets it.
            reload_dataloaders_every_n_epochs=int(len({clock.steps(epoch) for epoch in range(clock.epochs)}) > 1),
            limit_val_batches=1.0 if batches.splits.validation is not None else 0,
            num_sanity_val_steps=0,
            # Weights that lie in parts are gathered in validation by what inference mode forbids.
            inference_mode=not experiment.trainer.shards,
            logger=[each.build(folder.path, job.told) for each in experiment.logger.values()] or False,
            callbacks=callbacks,
            profiler=Unprofiled(),
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder.path,
        )
    return trainer, recorder, checkpoints


def _looking(experiment: Experiment, clock: Clock, recorder: Recorder) -> list[L.Callback]:
    """Return the callbacks that act on the weights, and those that look at the gradient."""
    made = [each.callback(clock, experiment.seed) for each in experiment.smaller]
    found = [each for each in reversed(made) if each is not None]  # zeros come last: no product disturbs them
    removers = [each for each in found if isinstance(each, Remover)]
    averager, optimizer = experiment.averaging.averager(clock), experiment.optimizer
    if averager is not None or optimizer.averages:
        found.append(ShownWeights(averager, optimizer, removers, recorder.resting))
    if experiment.gradient_norm is not None or any(each.gradient for each in experiment.stopping.values()):
        found.append(GradientNorm(experiment.gradient_norm == "layers", recorder.due))
    return found


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
        if isinstance(fault, Diverged | Refusal):
            if rank == 0 or isinstance(fault, Refusal):  # of the loss, every rank knows
                print(f"temper: {fault}", file=sys.stderr)
            raise SystemExit(1) from None
        if interrupted(fault):
            if rank == 0:
                after = f" after step {report.attempts[-1].last_step:,}" if report.attempts else ""
                again = shlex.quote(folder_word(folder.path))
                print(f"temper: interrupted{after}: the same command with {again} goes on", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
        if isinstance(fault, SIGTERMException):  # of Lightning's, which would end the program as if all were well
            raise SystemExit(ENDED) from None
        if lost(fault):
            if rank == 0:
                again = shlex.quote(folder_word(folder.path))
                said = "another process of this run has ended (killed? out of memory?)"
                print(f"temper: {said}: the same command with {again} goes on", file=sys.stderr)
            raise SystemExit(1) from None
        raise
    finally:
        told = [logger.finish(failed) for logger in job.experiment.logger.values()]
        for where in filter(None, told):  # on the first process alone: no other logs
            print(where)
        folder.leave()
