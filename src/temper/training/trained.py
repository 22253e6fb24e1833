"""A trained network on disk: a run's folder, or a checkpoint in one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from temper import recipes, settings_file
from temper.data.pipeline import Pipeline
from temper.data.views import LEVELS, Level
from temper.experiment import Experiment, parse
from temper.experiment.earlier import completed
from temper.facts import Facts, Learned
from temper.network.layered import Layered
from temper.quantity import Clock
from temper.refusal import Refusal, nearest
from temper.teacher import Teacher

OF_RECIPE = "recipe:"
PLACES = ("root", "path")  # knobs of data, one of which says where it lies
DATAMODULE = "Batches"  # the name under which Lightning keeps the datamodule's state


@dataclass(frozen=True)
class Trained:
    """A run's configuration and one of its checkpoints."""

    folder: Path
    file: Path

    @classmethod
    def find(cls, name: str, key: str) -> "Trained":
        """Return what ``name``, a run's folder or a checkpoint in one, points at.

        Raises:
            Refusal: there is no such run or checkpoint; names ``key`` and where was looked.
        """
        path = Path(name).absolute()
        if path.is_dir():
            files = [path / "checkpoints" / f"{stem}.ckpt" for stem in ("best", "last", "previous")]
            file = next((each for each in files if each.exists()), None)
            if file is None:
                raise Refusal(f"{key}={name}: {path / 'checkpoints'} holds no checkpoint: name a run that has trained")
            folder = path
        elif path.is_file():
            file, folder = path, path.parent.parent
        else:
            raise Refusal(f"{key}={name}: there is no {path}: name a run's folder or a .ckpt file in one")
        if not (folder / "config.yaml").exists():
            raise Refusal(f"{key}={name}: {folder} is no run: it has no config.yaml")
        return cls(folder, file)

    def config(self) -> dict[str, Any]:
        """Return the run's configuration; what came after it and does nothing unless it is set is in it too.

        Raises:
            Refusal: its file is damaged.
        """
        path = self.folder / "config.yaml"
        try:
            loaded = settings_file.load(path)
        except Exception as fault:  # whatever a damaged file makes YAML's parser raise
            raise Refusal(f"{path} cannot be read: {str(fault).splitlines()[0]}") from None
        if not isinstance(loaded, dict) or not isinstance(loaded.get("data"), dict):
            raise Refusal(f"{path} holds no settings of a run")
        return completed({str(key): value for key, value in loaded.items()})

    def experiment(self, root: str | None = None) -> Experiment:
        """Return the run's experiment; ``root`` replaces ``data.root``, or ``data.path`` of a table.

        Raises:
            Refusal: its configuration is not one of this version; names the file and the key. Or its data has no place.
        """
        config = placed_at(root, self.config())
        try:
            return parse(config)
        except Refusal as fault:
            raise Refusal(f"{self.folder / 'config.yaml'}: {fault}") from None

    def experiment_at(self, root: str | None) -> Experiment:
        """Return what `experiment` does, for a program that has ``--root``.

        Raises:
            Refusal: as there; where the data lies is no longer where it lay, names ``--root`` too.
        """
        try:
            return self.experiment(root)
        except Refusal as fault:
            data = self.config()["data"]
            place = root or next((data[key] for key in PLACES if data.get(key)), None)
            if place is None or Path(place).expanduser().exists():
                raise
            raise Refusal(f"{fault} (here: --root PLACE)") from None

    def facts(self) -> Facts:
        """Return the facts that the checkpoint was trained under; its weights are not read."""
        return facts_of(self.checkpoint(mapped=True))

    def checkpoint(self, *, mapped: bool = False) -> dict[str, Any]:
        """Return the checkpoint's plain values and tensors, on the CPU; ``mapped``: these are read when looked at.

        Raises:
            Refusal: the file is damaged.
        """
        try:
            loaded: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True, mmap=mapped)
        except Exception as fault:
            raise Refusal(f"{self.file} cannot be read: {str(fault).splitlines()[0]}") from None
        return loaded


def placed_at(root: str | None, config: dict[str, Any]) -> dict[str, Any]:
    """Return ``config`` with its data at ``root``; None: where it says.

    Raises:
        Refusal: such data lies in no place.
    """
    if root is None:
        return config
    place = next((key for key in PLACES if key in config["data"]), None)
    if place is None:
        raise Refusal(f"--root {root}: this run's data lies in no folder or file: leave --root away")
    return {**config, "data": {**config["data"], place: root}}


def facts_of(checkpoint: Mapping[str, Any]) -> Facts:
    """Return the facts that a checkpoint was trained under."""
    kept = dict(checkpoint["facts"])
    clock = Clock(tuple(kept.pop("clock")["epoch_starts"]))
    names = ("shape", "stored_shape", "class_counts", "class_names", "columns")
    kept |= {name: tuple(kept[name]) for name in names if name in kept}
    kept["epoch_shapes"] = tuple(map(tuple, kept.get("epoch_shapes", ())))  # runs of earlier versions have none
    return Facts(**kept, clock=clock)


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the state of the network that a checkpoint holds, by the network's own names."""
    state = checkpoint["state_dict"].items()
    return {key.removeprefix("network."): value for key, value in state if key.startswith("network.")}


def network_of(experiment: Experiment, checkpoint: Mapping[str, Any]) -> Layered:
    """Return the trained network as it is delivered, in eval mode and float32 or wider."""
    return experiment.delivered(_loaded(experiment, checkpoint)).eval()


def floating_network_of(experiment: Experiment, checkpoint: Mapping[str, Any]) -> Layered:
    """Return the network as `network_of` does, but before anything was rounded to whole numbers."""
    return experiment.delivered(experiment.quantization.plain(_loaded(experiment, checkpoint))).eval()


def _loaded(experiment: Experiment, checkpoint: Mapping[str, Any]) -> Layered:
    network, weights = experiment.task.network(facts_of(checkpoint)), weights_of(checkpoint)
    network = experiment.quantization.prepared(network)
    if any(value.dtype == torch.float64 for value in weights.values()):
        network = network.double()
    network.load_state_dict(weights)
    return network


def pipeline_of(experiment: Experiment, checkpoint: Mapping[str, Any]) -> Pipeline:
    """Return the preprocessing as it was fitted on the run's training examples."""
    fitted: dict[str, dict[str, Tensor]] = checkpoint[DATAMODULE]["fitted"] if experiment.preprocessing else {}
    return Pipeline(experiment.preprocessing, fitted)


def level_of(word: str, experiment: Experiment) -> Level | None:
    """Return the level of test-time augmentation that ``--test-time-augmentation word`` asks for; None for ``none``.

    Raises:
        Refusal: the run's data are no images.
    """
    level = next((each for each in LEVELS if each == word), None)
    if level is not None and not experiment.data.images:
        raise Refusal(
            f"--test-time-augmentation {word}: looks at views of images, and this run's data holds rows of numbers:"
            " leave it away"
        )
    return level


def run_named(name: str, key: str) -> Trained:
    """Return what ``name`` points at: a run's folder, a checkpoint in one, or ``recipe:NAME`` for outputs/NAME.

    Raises:
        Refusal: there is no such run or checkpoint; names ``key``, and what trains a recipe.
    """
    recipe = recipe_of(name)
    if recipe is None:
        return Trained.find(name, key)
    if recipe not in recipes.names():
        raise Refusal(f"{key}={name}: there is no such recipe; {nearest(recipe, recipes.names())}")
    folder = f"outputs/{recipe}"
    if not Path(folder).is_dir():
        raise Refusal(
            f"{key}={name}: there is no {Path(folder).absolute()}, where the recipe's run would be: train it first,"
            f" python train.py recipe={recipe} hydra.run.dir={folder}"
        )
    return Trained.find(folder, key)


def recipe_of(name: str) -> str | None:
    """Return the recipe that ``name`` of a run names; None where it names a run or a checkpoint."""
    return name.removeprefix(OF_RECIPE) if name.startswith(OF_RECIPE) else None


def teach(name: str) -> Teacher:
    """Return the teacher called ``name``."""
    trained = run_named(name, "teacher")
    return Teacher(network_of(trained.experiment(), trained.checkpoint()))


def read(name: str) -> Learned:
    """Return what a run, named as `run_named` has it, has learned: what a transfer starts from."""
    trained = run_named(name, "transfer.run")
    checkpoint = trained.checkpoint()
    facts = facts_of(checkpoint)
    if facts.classes:  # earlier versions kept the names beside the facts alone
        facts = replace(facts, class_names=tuple(checkpoint["class_names"]))
    return Learned(weights=weights_of(checkpoint), origin=str(trained.file), facts=facts)
