"""What was typed, looked at before Hydra sees it: unknown words are answered here, in a second and without a traceback.

Torch is not imported here.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from temper.command import own_options
from temper.command.composed import check_key, check_value, composed, slots_of
from temper.command.knobs import leaves
from temper.command.sweep_words import check_launcher, check_search, of_sweep
from temper.command.translations import translated, translated_option
from temper.output_file import what_is_there
from temper.recipes import CONF, NO_AXES, axes, names, slot_key, slots
from temper.refusal import Refusal, nearest
from temper.trainer.started import by_slurm, rank, started_outside

FLAGS_OF_SWEEPS = {"-m", "--multirun"}


def prepare() -> None:
    """Make resolvers known to Hydra."""
    OmegaConf.register_new_resolver(
        "temper.random_characters", lambda: secrets.token_hex(2), use_cache=True, replace=True
    )


def check(arguments: Sequence[str]) -> None:
    """Refuse a command line that names what does not exist.

    Raises:
        Refusal: names the word, the nearest that exists, and the way out.
    """
    own, typed = own_options.parted(arguments)
    if any(word.startswith("-") and word not in FLAGS_OF_SWEEPS for word in typed):
        return  # Hydra's own flags (--help, --cfg job ...) answer for themselves
    overrides = _parsed([word for word in typed if not word.startswith("-")])
    found = _parsed(own_options.search_path(own))
    for override in overrides:
        if (override.is_add() or override.is_force_add()) and not _of_hydra(override):
            check([word.lstrip("+") for word in arguments])  # a key that is not there is answered by the nearest
            plain = (override.input_line or "").lstrip("+")
            raise Refusal(f"{override.input_line}: nothing is added here: write {plain}")
    choosing = [override for override in overrides if _chooses(override)]
    for override in overrides:
        _check_word(override)
        if override.key_or_group in ("hydra.run.dir", "hydra.sweep.dir"):
            _check_place(override)
    for override in choosing:
        _check_options(override, own)
    sweeping = bool(FLAGS_OF_SWEEPS & set(arguments))
    if sweeping and (rank() > 0 or (started_outside() and not by_slurm())):  # a batch script is one process of several
        raise Refusal(
            "-m: torchrun or SLURM has started several processes, each of which would run the whole sweep: start one,"
            " whose trials are given their processes by launcher=slurm launcher.tasks=N, or by trainer=ddp"
        )
    check_search(overrides, sweeping)
    check_launcher(overrides, sweeping)
    if any(override.is_sweep_override() for override in overrides):
        if not FLAGS_OF_SWEEPS & set(arguments):
            swept = next(override for override in overrides if override.is_sweep_override())
            raise Refusal(f"{swept.input_line}: several values are a sweep: put -m in front")
        if any(override.is_sweep_override() for override in choosing):
            if not any(override.key_or_group == "search" for override in overrides):
                _check_trials(overrides, own_options.again(arguments))
            _check_fixed(overrides, found)
            return
    _check_slots([*found, *choosing])
    config = composed(tuple(override.input_line or "" for override in [*found, *choosing]))
    for override in overrides:
        if not _chooses(override) and not override.key_or_group.startswith("hydra"):
            check_key(override.key_or_group, config)
            check_value(override, config)
    _check_clip(overrides, config)
    if not any(override.is_sweep_override() for override in overrides):
        composed(tuple(override.input_line or "" for override in [*found, *overrides]))


def options(axis: str) -> list[str]:
    """Return the names of the options of ``axis``."""
    if axis == "recipe":
        return names()
    return sorted(path.stem for path in (CONF / axis).glob("*.yaml"))


def with_wandb(words: Iterable[str]) -> list[str]:
    """Return ``words``, with W&B for their logger where they name none."""
    found = list(words)
    return found if any(word.startswith("logger=") for word in found) else [*found, "logger=[wandb]"]


def _parsed(words: Iterable[str]) -> list[Override]:
    parser, overrides = OverridesParser.create(), []
    for word in words:
        if "=" not in word and not word.startswith("~"):
            raise Refusal(f"{word}: arguments are KEY=VALUE, for example optimizer=adam")
        try:
            overrides.append(parser.parse_override(word))
        except HydraException as fault:
            key, _, value = word.partition("=")
            plain = value if not set(value) & set("[]{}'\"\\") else "VALUE"
            said = f"{word}: {str(fault).splitlines()[0]} (quote brackets and commas for the shell"
            raise Refusal(f"{said}; a value with other signs wants quotes of its own: '{key}=\"{plain}\"')") from None
    return overrides


def _of_hydra(override: Override) -> bool:
    return override.key_or_group.replace("/", ".").split(".")[0] == "hydra"


def _chooses(override: Override) -> bool:
    return override.key_or_group in (*axes(), *NO_AXES)


def _check_word(override: Override) -> None:
    key = override.key_or_group
    root = key.replace("/", ".").split(".")[0]
    if (meant := translated(key, (override.input_line or "").partition("=")[2])) is not None:
        raise Refusal(f"{override.input_line}: here it is {meant}")
    if key == "hydra.searchpath":
        way_out = "train.py takes a folder that holds AXIS/NAME.yaml by --config-dir=FOLDER"
        raise Refusal(f"{override.input_line}: nothing is searched here: {way_out}")
    if override.is_delete():
        way = f"choose {root}=none" if "none" in options(root) else f"choose another {root}"
        raise Refusal(f"{override.input_line}: nothing is deleted here: {way}")
    if override.value_type is ValueType.GLOB_CHOICE_SWEEP:
        raise Refusal(f"{override.input_line}: glob is not known here: list the options, for example {key}=a,b")
    known = {*axes(), *NO_AXES, "hydra", *(str(key) for key in OmegaConf.load(CONF / "config.yaml"))} - {
        "defaults",
        "_target_",
    }
    if root not in known:
        places = leaves(key)
        way = f"did you mean {' or '.join(places)}?" if places else nearest(root, known)
        raise Refusal(f"{override.input_line}: there is no {root}; {way}")
    if "/" in key and root != "hydra" and key not in axes():
        raise Refusal(
            f"{override.input_line}: write {key.replace('/', '.')}=VALUE for a knob, {root}=NAME for a choice"
        )


def _check_place(override: Override) -> None:
    """Refuse a folder that cannot be made."""
    there = what_is_there(Path(str(override.value())))
    if not there.is_dir():
        raise Refusal(f"{override.input_line}: {there} is a file: name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise Refusal(f"{override.input_line}: nothing can be written into {there}: name another folder")


def _check_options(override: Override, own: Path | None) -> None:
    axis = override.key_or_group
    known = [*options(axis), *own_options.names(own, axis)]
    several = axis in axes() and isinstance(axes()[axis], list)
    if override.is_sweep_override():
        chosen: list[Any] = list(override.sweep_iterator()) if override.is_choice_sweep() else []
        chosen = [_element(value) for value in chosen]
    else:
        chosen = [override.value()]
    for choice in chosen:
        if isinstance(choice, list) and not several:
            raise Refusal(f"{override.input_line}: {axis} takes one option: {axis}={choice[0] if choice else 'NAME'}")
        if choice is None and axis in NO_AXES:
            continue
        for name in choice if isinstance(choice, list) else [choice]:
            word = name.text if isinstance(name, QuotedString) else str(name)
            if word not in known and not (several and word == ""):
                if (meant := translated_option(axis, word)) is not None:
                    raise Refusal(f"{override.input_line}: here it is {meant}")
                raise Refusal(f"{override.input_line}: {axis} has no option {word}; {nearest(word, known)}")


def _check_trials(overrides: Sequence[Override], flags: Sequence[str]) -> None:
    """Refuse a sweep of which a trial would be refused: it would start after others have ended."""
    own = [override for override in overrides if not of_sweep(override) and not _of_hydra(override)]
    (trials,) = BasicSweeper.split_arguments(own, None)
    for number, words in enumerate(trials, start=1):
        try:
            check([*flags, *words])
        except Refusal as refusal:
            raise Refusal(f"trial {number}/{len(trials)}, {' '.join(words)}: {refusal}") from None


def _check_fixed(overrides: Sequence[Override], found: Sequence[Override]) -> None:
    """Refuse one value for what only swept options have: Hydra holds it against the options before the sweep."""
    fixed = [override for override in overrides if not override.is_sweep_override() and not _of_hydra(override)]
    choosing = [*found, *(override for override in fixed if _chooses(override))]
    for override in sorted(fixed, key=lambda each: not each.package):
        try:
            if (place := override.package) is not None:
                _check_slots([each for each in choosing if not each.package or place.startswith(each.package)])
            elif not _chooses(override):
                check_key(override.key_or_group, composed(tuple(each.input_line or "" for each in choosing)))
        except Refusal:
            if of_sweep(override):
                raise
            key, _, value = (override.input_line or "").partition("=")
            way_out = f"write it as one of its values: '{key}=choice({value})'"
            raise Refusal(f"{override.input_line}: what has it is chosen by the sweep: {way_out}") from None


def _check_slots(choosing: Sequence[Override]) -> None:
    """Refuse a choice of what an option holds, such as optimizer@optimizer.base=adam, where it holds no such thing."""
    outer = [override for override in choosing if not override.package]
    for override in sorted(choosing, key=lambda each: str(each.package).count(".")):
        if override.package:
            axis, place = override.key_or_group, override.package
            held = slots_of(axis, outer)
            if place not in held:
                known = [slot_key(axis, each) for each in held]
                way = nearest(slot_key(axis, place), known) if known else _that_holds(axis)
                raise Refusal(f"{override.input_line}: the {axis} that is chosen holds no other there; {way}")
            outer.append(override)


def _that_holds(axis: str) -> str:
    """Return the options of ``axis`` that hold another, as a way out."""
    able = [option for option in options(axis) if slots(axis, option)]
    return f"{', '.join(f'{axis}={option}' for option in able)} would" if able else "and no other would"


def _check_clip(overrides: Sequence[Override], config: DictConfig) -> None:
    """Refuse a bound that was named for a clipping that was not, and a clipping whose bound is of another kind."""
    named = {override.key_or_group: override.input_line or "" for override in overrides}
    kind, value = named.get("clip.kind"), named.get("clip.value")
    if value is not None and kind is None and config.clip.kind == "none":
        raise Refusal(
            f"{value}: nothing is clipped with clip.kind=none: add clip.kind=norm (value, adaptive), or clip.kind=none"
            " to leave it so"
        )
    if value is None and kind is not None and "adaptive" in kind and config.clip.kind != "adaptive":
        raise Refusal(
            f"{kind}: clip.value={config.clip.value:g} bounds another kind; adaptive takes a share of the norm of each"
            " unit's weights: add clip.value=0.01"
        )


def _element(value: Any) -> Any:
    return OverridesParser.create().parse_override(f"x={value}").value() if isinstance(value, str) else value
