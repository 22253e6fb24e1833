"""What is looked at before a run makes anything: the files and the runs that the settings name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from temper.command.job import Job
from temper.cookbook.standing import compose_recipe
from temper.digest import digest, of_the_disk, placed
from temper.experiment import Experiment
from temper.facts import Facts, Kind
from temper.recipes import option_of
from temper.refusal import Refusal
from temper.report.record import Report
from temper.strategy import Distillation, option
from temper.training.checkpoints import last_good
from temper.training.folder import differences
from temper.training.private_gradient import KEY
from temper.training.same_data import other_examples, other_names
from temper.training.supervised import Supervised
from temper.training.trained import DATAMODULE, Trained, recipe_of, run_named

OF_THE_PLACE = ("download", "drop_last")  # more knobs of data that leave its examples as they are
OF_THE_SPLIT = ("validation", "test", "missing", "skip_broken")  # which rows there are is shuffled, and cut
OF_TRAINING = ("label_noise", "imbalance")  # that change the training examples alone
OF_AN_EXAMPLE = (*OF_TRAINING, "input_noise", "size")  # that leave the split as it is


def check_teachers(job: Job) -> None:
    """Refuse teachers that are not there, or that do not see what the student sees.

    Raises:
        Refusal: names the key and the way out.
    """
    for name, distillation in job.experiment.distillation.items():
        _check_teacher(f"distillation.{name}.teacher={distillation.teacher}", name, distillation, job)


def _check_teacher(word: str, name: str, distillation: Distillation, job: Job) -> None:
    trained = _found(distillation.teacher, f"distillation.{name}.teacher")
    teacher = trained.experiment()
    config = trained.config()
    if _seen(config) != _seen(job.config):
        raise Refusal(
            f"{word} was trained on other data, or split otherwise, so that it may know the student's test set: name a"
            " run on the same"
        )
    if teacher.preprocessing and config["data"].get("imbalance") != job.config["data"].get("imbalance"):
        raise Refusal(
            f"{word} was trained with another data.imbalance, and its preprocessing was fitted on other examples than"
            " the student's will be: use the teacher's imbalance"
        )
    kinds: tuple[Kind, Kind] = (teacher.kind, job.experiment.kind)
    if teacher.preprocessing != job.experiment.preprocessing or kinds[0] != kinds[1]:
        raise Refusal(
            f"{word} sees inputs through other preprocessing, or answers another kind of question: use the teacher's"
            " preprocessing and a loss of its kind"
        )
    if option(job.experiment.resolution) != "none" and not teacher.task.any_size:
        raise Refusal(
            f"{word} takes images of one size, and resolution={option(job.experiment.resolution)} shows smaller ones:"
            " choose resolution=none, or a teacher such as task=cifar_resnet"
        )


def _found(name: str, key: str) -> Trained:
    """Return the run that ``name`` points at, which in a recipe's place must be the recipe's."""
    trained, recipe = run_named(name, key), recipe_of(name)
    if recipe is not None:
        _check_is_run_of(recipe, trained, f"{key}={name}")
    return trained


def _check_is_run_of(recipe: str, trained: Trained, word: str) -> None:
    """Refuse a run in a recipe's place that is another's, or was not trained to its end."""
    report, debug = trained.folder / "report.json", trained.experiment().debug
    finished = report.exists() and Report.load(trained.folder).state == "finished"
    whole = debug.shortened_to is None and debug.memorised is None
    if not (finished and whole) or digest(trained.config()) != digest(compose_recipe(recipe)):
        raise Refusal(
            f"{word}: {trained.folder} holds no finished run of the recipe as it is today: delete it and train anew,"
            f" python train.py recipe={recipe} hydra.run.dir=outputs/{recipe}"
        )


def _seen(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides which examples are tested, and how they look."""
    return {key: value for key, value in _examples(config).items() if key not in OF_TRAINING}


def _examples(config: Mapping[str, Any]) -> dict[str, Any]:
    left_out = (*of_the_disk(config["data"]), *OF_THE_PLACE)
    return {key: value for key, value in placed(config)["data"].items() if key not in left_out}


def check_transfer(job: Job) -> list[str]:
    """Return what the reader must know of the run that weights come from, or refuse it.

    Raises:
        Refusal: it is not there, or has seen what this run is judged by; names the key and the way out.
    """
    transfer, preprocessing = job.experiment.transfer, job.experiment.preprocessing
    if option(transfer) == "torchvision" and "normalize" not in preprocessing:
        return ["transfer=torchvision: the weights have learned from normalised images: preprocessing=[normalize]"]
    if transfer.source is None:
        return []
    word, source = f"transfer.run={transfer.source}", _found(transfer.source, "transfer.run")
    config = source.config()
    if _set_alike(config) == _set_alike(job.config) and _split(config) != _split(job.config):
        raise Refusal(
            f"{word} was trained on the same data, split otherwise, so that it may know this run's test set: set"
            f" {' and '.join(f'data.{knob}={value}' for knob, value in _split(config).items())}, as there"
        )
    before, now = ({key: each.get(key, {}) for key in ("task", "preprocessing")} for each in (config, job.config))
    found = differences(before, now)
    notes = [f"{word} was trained with another {', '.join(found)}"] if found else []
    pruned, prunes = option_of(config["pruning"]), option_of(job.config["pruning"])
    if pruned == "channels" and prunes != "channels":
        knobs = " ".join(f"pruning.{knob}={config['pruning'][knob]}" for knob in ("sparsity", "scope"))
        notes.append(
            f"{word} was cut by pruning=channels, and this network is whole again: units that it removed come as zeros,"
            " cost as before and learn nothing; to train it as small as it was: pruning=channels pruning.start=0"
            f" pruning.end=0 {knobs}"
        )
    if pruned not in ("none", "channels") and prunes in ("none", "channels"):
        notes.append(
            f"{word} was pruned by pruning={pruned}: the weights that it removed come as zeros, and learn again unless"
            " pruning removes some here too"
        )
    if option_of(config["low_rank"]) != "none" and option_of(job.config["low_rank"]) == "none":
        notes.append(f"{word} was cut to a low rank, and with low_rank=none its layers are whole again")
    return notes


def check_same_data(job: Job, today: Facts) -> list[str]:
    """Return what the reader must know of a run that weights come from, if this run's data has changed since.

    Raises:
        Refusal: a teacher has learned from other examples.
    """
    if not today.contents and not today.columns:
        return []
    for name, each in job.experiment.distillation.items():
        if other_examples(run_named(each.teacher, f"distillation.{name}.teacher").facts(), today.contents):
            raise Refusal(
                f"distillation.{name}.teacher={each.teacher} has learned from what the data held then, and it holds"
                " other examples now, split anew, so that it may know the student's test set: put the data back as it"
                " was, or train the teacher anew"
            )
    if job.experiment.transfer.source is None:
        return []
    word = f"transfer.run={job.experiment.transfer.source}"
    source = run_named(job.experiment.transfer.source, "transfer.run")
    then, alike = source.facts(), _set_alike(source.config()) == _set_alike(job.config)
    examples, names = other_examples(then, today.contents), other_names(then, None, today.columns)
    notes = [f"{word}: {examples}"] if alike and examples else []
    return notes + ([f"{word}: {names}; layers are taken by the columns' places, not by their names"] if names else [])


def _set_alike(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _examples(config).items() if key not in (*OF_THE_SPLIT, *OF_AN_EXAMPLE)}


def _split(config: Mapping[str, Any]) -> dict[str, Any]:
    return {knob: config["data"][knob] for knob in OF_THE_SPLIT if knob in config["data"]}


def start(job: Job, folder: Path, module: Supervised) -> Path | None:
    """Return the checkpoint that training goes on from: the folder's own, else what ``ckpt`` names, else None.

    Raises:
        Refusal: ``ckpt`` names no checkpoint, or one of another network, optimizer or schedule, or of a
            longer run.
    """
    named = job.experiment.ckpt
    own = last_good(folder)
    if own is not None:
        _check_goes_on_over(own, module.facts)
    if own is not None or named is None:
        return own
    path = Path(named)
    if path.is_dir():
        raise Refusal(f"ckpt={named} is a folder: name a file, that of a run is {named}/checkpoints/last.ckpt")
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
    if _outline(groups) != _outline(own_groups):
        raise Refusal(f"ckpt={named} was trained with another optimizer or other groups: choose the same")
    if epoch >= job.experiment.epochs:
        raise Refusal(f"ckpt={named} has {epoch} epochs behind it: raise epochs={job.experiment.epochs} above that")
    _check_goes_on(f"ckpt={named}", kept, job.experiment, module)
    if module.privatizer is not None:
        try:
            module.privatizer.check(kept.get(KEY))
        except ValueError as fault:
            raise Refusal(f"ckpt={named} {fault}") from None
    return path


def _check_goes_on_over(checkpoint: Path, today: Facts) -> None:
    """Refuse to go on with a run whose data is no longer what it was."""
    if not today.contents and not today.columns:
        return
    then = Trained(checkpoint.parents[1], checkpoint).facts()
    fault = other_names(then, today.class_names, today.columns) or other_examples(then, today.contents)
    if fault is not None:
        raise Refusal(
            f"{checkpoint.parents[1]}: {fault}: put it back as it was to go on, or begin a new run in another folder,"
            " hydra.run.dir=FOLDER"
        )


def _outline(groups: Sequence[Mapping[str, Any]]) -> list[tuple[set[str], int]]:
    """Return the knobs and the number of parameters of each of an optimizer's groups."""
    return [(set(group), len(group["params"])) for group in groups]


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
    pruning, removed = option(experiment.pruning), callbacks.get("pruning")
    if removed is not None and pruning == "none":
        raise Refusal(
            f"{word} is of a pruned network, and with pruning=none what was removed would grow again: choose the"
            " pruning that it was trained with"
        )
    units = any(name.endswith("bias") for name in removed or ())  # with a unit goes its bias, with weights none
    if removed and units != (pruning == "channels"):
        raise Refusal(
            f"{word} is of a network without some {'units' if units else 'weights'}, of which pruning={pruning} knows"
            f" nothing: choose pruning={'channels' if units else 'magnitude, or another of weights'}"
        )
    reduced, asked = callbacks.get("low_rank", {}).get("asked"), experiment.low_rank.asked
    if reduced is not None and reduced != asked:
        raise Refusal(f"{word} is of a network whose layers were cut to {reduced}, and not to {asked}: set the same")
    rounded = callbacks.get("quantization", {}).get("of")
    if rounded is not None and rounded != option(experiment.quantization):
        raise Refusal(
            f"{word} holds ranges as quantization={rounded} takes them, which quantization="
            f"{option(experiment.quantization)} would mistake for its own: choose quantization={rounded}"
        )
    stands = kept[DATAMODULE]["position"]
    if stands["position"] and kept["epoch"] > stands["epoch"]:
        raise Refusal(
            f"{word} was left in the midst of an epoch by a rule that ended its run, and the rest of that epoch would"
            " be taken for the next: name a checkpoint of an epoch's end, such as its best.ckpt"
        )
    step, theirs = kept["global_step"], tuple(kept["facts"]["clock"]["epoch_starts"])
    begun = sum(start <= step for start in theirs) + 1  # with the end of the epoch in which it was kept
    if theirs[:begun] != module.facts.clock.epoch_starts[: len(theirs[:begun])]:
        raise Refusal(
            f"{word} has {step} steps behind it, in epochs of other lengths than this run's: choose the"
            " batch_size, batch_growth, sampling and data that it was trained with"
        )
    if stands["position"] and stands["position"] != (step - theirs[stands["epoch"]]) * experiment.accumulate:
        raise Refusal(
            f"{word} was kept in the midst of an epoch whose batches were cut otherwise than by"
            f" accumulate={experiment.accumulate}: set accumulate as it was trained with"
        )
