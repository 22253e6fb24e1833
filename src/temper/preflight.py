"""What is looked at before a run makes anything: the machine, and the files that the settings name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from temper.command.job import Job
from temper.digest import OF_THE_DISK
from temper.experiment import Experiment
from temper.experiment.settings import option
from temper.facts import Kind
from temper.refusal import Refusal
from temper.strategy import Distillation
from temper.strategy.smaller import REMOVED
from temper.trainer.kernels import overrun
from temper.trainer.machine import on_cpu, started_outside
from temper.training.checkpoints import last_good
from temper.training.private_gradient import KEY
from temper.training.supervised import Supervised
from temper.training.trained import Trained

OF_THE_PLACE = (*OF_THE_DISK, "download", "drop_last")  # knobs of data that leave its examples as they are


def check_machine(experiment: Experiment, machine: Mapping[str, Any]) -> None:
    """Refuse what this machine, or the way in which the run was started, does not go with.

    Raises:
        Refusal: names the key and the way out.
    """
    if on_cpu(machine) and experiment.precision == "16-mixed":
        raise Refusal("precision=16-mixed needs a GPU, and the run is on the CPU: choose precision=bf16-mixed")
    if started_outside() and machine["strategy"] == "auto":
        raise Refusal("torchrun or SLURM has started several processes, and the trainer is for one: choose trainer=ddp")


def check_kernels(experiment: Experiment, machine: Mapping[str, Any], network: nn.Module) -> None:
    """Refuse a network that this processor's kernels would compute wrongly.

    Raises:
        Refusal: names the layer and the way out.
    """
    last = experiment.channels_last or experiment.compile  # compiled convolutions take channels last too
    if not last or not on_cpu(machine) or experiment.precision == "64-true":
        return
    if (name := overrun(network)) is not None:
        key = "channels_last=true" if experiment.channels_last else "compile=true"
        raise Refusal(
            f"{key}: on this processor torch writes the gradient of {name}, a 1x1 convolution with strides and fewer"
            f" than 8 input channels, beyond its memory: choose {key.replace('true', 'false')}, or a wider network"
        )


def check_teachers(job: Job) -> None:
    """Refuse teachers that are not there, or that do not see what the student sees.

    Raises:
        Refusal: names the key and the way out.
    """
    for name, distillation in job.experiment.distillation.items():
        _check_teacher(f"distillation.{name}.teacher={distillation.teacher}", name, distillation, job)


def _check_teacher(word: str, name: str, distillation: Distillation, job: Job) -> None:
    trained = Trained.find(distillation.teacher, f"distillation.{name}.teacher")
    teacher = trained.experiment()
    if _examples(trained.config()) != _examples(job.config):
        raise Refusal(
            f"{word} was trained on other data, or split otherwise, so that it may know the student's test set: name a"
            " run on the same"
        )
    kinds: tuple[Kind, Kind] = (teacher.kind, job.experiment.kind)
    if teacher.preprocessing != job.experiment.preprocessing or kinds[0] != kinds[1]:
        raise Refusal(
            f"{word} sees inputs through other preprocessing, or answers another kind of question: use the teacher's"
            " preprocessing and a loss of its kind"
        )


def _examples(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config["data"].items() if key not in OF_THE_PLACE}


def start(job: Job, folder: Path, module: Supervised) -> Path | None:
    """Return the checkpoint that training goes on from: the folder's own, else what ``ckpt`` names, else None.

    Raises:
        Refusal: ``ckpt`` names no checkpoint, or one of another network, optimizer or schedule, or of a
            longer run.
    """
    named = job.experiment.ckpt
    own = last_good(folder)
    if own is not None or named is None:
        return own
    path = Path(named)
    if not path.is_file():
        raise Refusal(
            f"ckpt={named}: there is no {path.absolute()}: name a .ckpt file that a run has left in its checkpoints/"
        )
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        theirs = {key: tuple(value.shape) for key, value in kept["state_dict"].items()}
        groups, epoch = kept["optimizer_states"][0]["param_groups"], kept["epoch"]
    except Exception:  # whatever a file that is no checkpoint makes torch raise
        raise Refusal(f"ckpt={named} is no checkpoint that a run has left: name one of its checkpoints/") from None
    ours = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    if theirs != ours:
        other = next(key for key in [*ours, *theirs] if ours.get(key) != theirs.get(key))
        raise Refusal(
            f"ckpt={named} is of another network ({other} differs): give the settings that it was trained with"
        )
    own_groups = module.configure_optimizers().param_groups
    if [set(group) for group in groups] != [set(group) for group in own_groups]:
        raise Refusal(f"ckpt={named} was trained with another optimizer or other groups: choose the same")
    _check_goes_on(f"ckpt={named}", kept, job.experiment, module)
    if module.privatizer is not None:
        try:
            module.privatizer.check(kept.get(KEY))
        except ValueError as fault:
            raise Refusal(f"ckpt={named} {fault}") from None
    if epoch >= job.experiment.epochs:
        raise Refusal(f"ckpt={named} has {epoch} epochs behind it: raise epochs={job.experiment.epochs} above that")
    return path


def _check_goes_on(word: str, kept: Mapping[str, Any], experiment: Experiment, module: Supervised) -> None:
    """Refuse to drop or to mistake what the checkpoint ``kept`` beside weights and the optimizer's state."""
    scheduler, averaging = option(experiment.scheduler), option(experiment.averaging)
    if module.reaction is not None and "reaction" not in kept:
        raise Refusal(
            f"{word} does not say what scheduler={scheduler} made of earlier validations:"
            " choose the scheduler that it was trained with"
        )
    lowered = kept.get("reaction", {}).get("factor", 1.0)
    if module.reaction is None and lowered != 1:
        raise Refusal(
            f"{word} was trained with a schedule that validation made lower the rate to {lowered:g} times optimizer.lr,"
            f" and scheduler={scheduler} would begin with all of it again: choose the scheduler that it was trained"
            " with, such as scheduler=plateau"
        )
    callbacks = kept["callbacks"]
    averaged = callbacks.get("ShownWeights", {}).get("of")
    if averaged is not None and averaged != averaging:
        raise Refusal(
            f"{word} holds averages of averaging={averaged}, which averaging={averaging} would mistake for its own or"
            f" for the trained weights: choose averaging={averaged}"
        )
    if REMOVED in callbacks and option(experiment.pruning) == "none":
        raise Refusal(
            f"{word} is of a pruned network, and with pruning=none what was removed would grow again: choose the"
            " pruning that it was trained with"
        )
    step, theirs = kept["global_step"], tuple(kept["facts"]["clock"]["epoch_starts"])
    begun = sum(start <= step for start in theirs) + 1  # with the end of the epoch in which it was kept
    if theirs[:begun] != module.facts.clock.epoch_starts[: len(theirs[:begun])]:
        raise Refusal(
            f"{word} has {step} steps behind it, in epochs of other lengths than this run's: choose the"
            " batch_size, batch_growth and data that it was trained with"
        )
