"""What a command asks for: an experiment, with where it came from and where it goes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from temper.command.composing import composing
from temper.digest import LEFT_OFF, digest, method
from temper.experiment import LIST_AXES, Experiment, parse
from temper.recipes import CONF, TUNED, axes, plain, tuned_axes
from temper.refusal import Refusal
from temper.settings_file import container
from temper.trainer.started import started_outside
from temper.training.folder import differences


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run as it was asked for.

    Attributes:
        experiment: what to do.
        config: the composed values it was parsed from.
        folder: of the run.
        command: that was typed.
        choices: the option of each axis by its own name; a list where an axis takes several.
        tuned: whether a recipe tuned the option of an axis.
        notes: what the user must know before the run starts.
        comparable: whether the recipe's promise is about this very method.
    """

    experiment: Experiment
    config: Mapping[str, Any]
    folder: Path
    command: str = ""
    choices: Mapping[str, str | list[str]] = field(default_factory=dict)
    tuned: Mapping[str, bool] = field(default_factory=dict)
    notes: Sequence[str] = ()
    comparable: bool = False

    @property
    def digest(self) -> str:
        """Return the digest of the method."""
        return digest(self.config)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the composed values of the whole run, however far this start goes."""
        return {key: value for key, value in self.config.items() if key not in LEFT_OFF}

    @property
    def told(self) -> dict[str, Any]:
        """Return what a logger is told of the run: its settings, and ``choices``, the option of each axis by name."""
        return {**self.settings, "choices": dict(self.choices)}


def composed_job(words: Sequence[str]) -> Job:
    """Return the job of ``words`` as train.py takes them, in no folder: for what looks at a run before it is one.

    Raises:
        Refusal: see `temper.experiment.parse`.
    """
    with composing(words), initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", list(words), return_hydra_config=True)
        config = container(cfg)
    selected = dict(cfg.hydra.runtime.choices)
    choices = chosen(config, selected)
    if (recipe := selected.get("recipe")) is not None:
        choices["recipe"] = recipe
    return Job(experiment=parse(config), config=config, folder=Path(), choices=choices)


def job(cfg: DictConfig, typed: Sequence[str]) -> Job:
    """Return the job of a composed configuration; ``typed`` are the words of the command line.

    Raises:
        Refusal: see `temper.experiment.parse`.
    """
    hydra = HydraConfig.get()
    _check_folder_is_shared(hydra.overrides.hydra)
    config = container(cfg)
    experiment = parse(config)
    selected = dict(hydra.runtime.choices)
    recipe = selected.get("recipe")
    choices = chosen(config, selected)
    overridden = {word.split("=")[0] for word in hydra.overrides.task}
    notes, comparable = [], True
    if recipe is not None:
        meant = container(compose("config", [f"recipe={recipe}"]))
        comparable = digest(meant) == digest(config)
        notes = _replaced(recipe, choices, overridden)
        if not comparable:
            keys = differences(method(meant), method(config))
            notes.append(f"recipe={recipe}: its promise cannot be compared, as {', '.join(keys[:6])} differ")
    folder = Path(hydra.runtime.output_dir)
    words = [word for word in typed if not word.startswith(("hydra.run.dir=", "pause="))]
    return Job(
        experiment=experiment,
        config=config,
        folder=folder,
        command=shlex.join(["python", "train.py", *words]),
        choices=choices | ({"recipe": recipe} if recipe else {}),
        tuned=_tuned(recipe, selected, choices, overridden),
        notes=notes,
        comparable=comparable,
    )


def _check_folder_is_shared(words: Sequence[str]) -> None:
    """Refuse processes that were started from outside without a name for their folder: each would make its own."""
    if started_outside() and not any(word.startswith("hydra.run.dir=") for word in words):
        raise Refusal(
            "torchrun or SLURM starts several processes, which share one folder: name it with hydra.run.dir=FOLDER"
        )


def chosen(config: Mapping[str, Any], selected: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the option of each axis by its own name: Hydra's choices, and the keys beneath an axis of several.

    What an option holds has a key of its own, such as ``optimizer@optimizer.base``.
    """
    found: dict[str, str | list[str]] = {}
    for axis in axes():
        found[axis] = list(config.get(axis) or {}) if axis in LIST_AXES else plain(str(selected.get(axis)))
        found |= {key: plain(str(held)) for key, held in selected.items() if key.startswith(f"{axis}@")}
    return found


def _tuned(
    recipe: str | None, selected: Mapping[str, Any], choices: Mapping[str, Any], overridden: set[str]
) -> dict[str, bool]:
    by_recipe = tuned_axes(recipe) if recipe else {}
    return {
        axis: TUNED in str(selected.get(axis))
        if axis not in LIST_AXES
        else axis not in overridden and bool(set(by_recipe.get(axis, [])) & set(choice))
        for axis, choice in choices.items()
    }


def _replaced(recipe: str, choices: Mapping[str, Any], overridden: set[str]) -> list[str]:
    notes = []
    for axis, options in tuned_axes(recipe).items():
        if axis not in overridden or axis not in choices:
            continue
        own = choices[axis] if isinstance(choices[axis], list) else [choices[axis]]
        group = axis.partition("@")[0]
        again = [f"{group}/{option}{TUNED}{recipe.replace('/', '_')}" for option in options if option in own]
        notes.append(
            f"{axis}={','.join(own) or '[]'} takes its own file's values; what recipe={recipe} tuned of"
            f" {', '.join(options)} is left out" + (f" (that is {', '.join(again)})" if again else "")
        )
    return notes
