"""What was typed, looked at before Hydra sees it: unknown words are answered here, in a second and without a traceback.

Torch is not imported here.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from temper.command.knobs import having, leaves
from temper.command.translations import translated, translated_option
from temper.output_file import what_is_there
from temper.recipes import CONF, NO_AXES, OF_SWEEPS, axes, names, slot_key, slots
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
    if any(word.startswith("-") and word not in FLAGS_OF_SWEEPS for word in arguments):
        return  # Hydra's own flags (--help, --cfg job ...) answer for themselves
    overrides = _parsed([word for word in arguments if not word.startswith("-")])
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
        _check_options(override)
    sweeping = bool(FLAGS_OF_SWEEPS & set(arguments))
    if sweeping and (rank() > 0 or (started_outside() and not by_slurm())):  # a batch script is one process of several
        raise Refusal(
            "-m: torchrun or SLURM has started several processes, each of which would run the whole sweep: start one,"
            " whose trials are given their processes by launcher=slurm launcher.tasks=N, or by trainer=ddp"
        )
    _check_search(overrides, sweeping)
    _check_launcher(overrides, sweeping)
    if any(override.is_sweep_override() for override in overrides):
        if not FLAGS_OF_SWEEPS & set(arguments):
            swept = next(override for override in overrides if override.is_sweep_override())
            raise Refusal(f"{swept.input_line}: several values are a sweep: put -m in front")
        if any(override.is_sweep_override() for override in choosing):
            return  # each trial is checked as a command line of its own
    _check_slots(choosing)
    config = _composed(tuple(override.input_line or "" for override in choosing))
    for override in overrides:
        if not _chooses(override) and not override.key_or_group.startswith("hydra"):
            _check_key(override.key_or_group, config)
            _check_value(override, config)
    _check_clip(overrides, config)
    if not any(override.is_sweep_override() for override in overrides):
        _composed(tuple(override.input_line or "" for override in overrides))


def options(axis: str) -> list[str]:
    """Return the names of the options of ``axis``."""
    if axis == "recipe":
        return names()
    return sorted(path.stem for path in (CONF / axis).glob("*.yaml"))


def with_wandb(words: Iterable[str]) -> list[str]:
    """Return ``words``, with W&B for their logger where they name none."""
    found = list(words)
    return found if any(word.startswith("logger=") for word in found) else [*found, "logger=[wandb]"]


def of_sweep(override: Override) -> bool:
    """Return whether ``override`` is about a sweep itself, and none of the trials' own words."""
    return override.key_or_group.split(".")[0] in OF_SWEEPS


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


def _check_options(override: Override) -> None:
    axis, known = override.key_or_group, options(override.key_or_group)
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


def _check_search(overrides: Sequence[Override], sweeping: bool) -> None:
    """Refuse a search without values to choose from, and values that only a search can choose from."""
    named = [override for override in overrides if override.key_or_group == "search"]
    last = {override.get_key_element(): override for override in overrides}  # a key's last word is what counts
    swept = {key: override for key, override in last.items() if override.is_sweep_override()}
    if (own := next(filter(of_sweep, swept.values()), None)) is not None:
        raise Refusal(f"{own.input_line}: it is the sweep's own: give it one value")
    name = named[-1].value() if named else None
    if name is not None and not (sweeping and swept):
        front, flag = ("", "") if sweeping else ("put -m in front, and ", "-m ")
        way_out = f"{front}give some key values to choose from, for example {flag}search={name} optimizer.lr=0.01,0.1"
        raise Refusal(f"search={name} chooses among the values of a sweep: {way_out}")
    for key, override in swept.items():
        if override.value_type is not ValueType.INTERVAL_SWEEP:
            with suppress(ValueError, HydraException):  # of a range that goes on by 0
                if next(iter(override.sweep_string_iterator()), None) is not None:
                    continue
            raise Refusal(f"{override.input_line}: holds no value: for example {key}=range(1,5)")
        if name in (None, "grid"):
            way_out = "list some with choice(), or let a search draw them, for example search=random"
            raise Refusal(f"{override.input_line}: an interval has no end of values: {way_out}")


def _check_launcher(overrides: Sequence[Override], sweeping: bool) -> None:
    """Refuse a launcher where nothing is swept."""
    for override in overrides:
        if override.key_or_group == "launcher" and override.value() is not None and not sweeping:
            way_out = "put -m in front, or leave it away; a run of its own goes to a node or to several by trainer=ddp"
            raise Refusal(f"{override.input_line} runs the trials of a sweep: {way_out}")


def _check_slots(choosing: Sequence[Override]) -> None:
    """Refuse a choice of what an option holds, such as optimizer@optimizer.base=adam, where it holds no such thing."""
    outer = [override for override in choosing if not override.package]
    for override in sorted(choosing, key=lambda each: str(each.package).count(".")):
        if override.package:
            axis, place = override.key_or_group, override.package
            held = _slots_of(axis, outer)
            if place not in held:
                known = [slot_key(axis, each) for each in held]
                way = nearest(slot_key(axis, place), known) if known else _that_holds(axis)
                raise Refusal(f"{override.input_line}: the {axis} that is chosen holds no other there; {way}")
            outer.append(override)


def _that_holds(axis: str) -> str:
    """Return the options of ``axis`` that hold another, as a way out."""
    able = [option for option in options(axis) if slots(axis, option)]
    return f"{', '.join(f'{axis}={option}' for option in able)} would" if able else "and no other would"


def _slots_of(axis: str, choosing: Iterable[Override]) -> list[str]:
    """Return the places at which the chosen option of ``axis`` holds another."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        words = [override.input_line or "" for override in choosing]
        chosen = compose("config", words, return_hydra_config=True).hydra.runtime.choices
    return [key.partition("@")[2] for key in chosen if key.startswith(f"{axis}@")]


def _check_value(override: Override, config: DictConfig) -> None:
    """Refuse a word in the place of a record: it would be taken for the record itself."""
    key, node = override.key_or_group, OmegaConf.select(config, override.key_or_group)
    if not isinstance(node, DictConfig) or "_target_" not in node or isinstance(override.value(), dict):
        return
    axis, value = key.split(".")[0], (override.input_line or "").partition("=")[2]
    if axis in axes() and key != axis:
        raise Refusal(f"{override.input_line}: a choice beneath an option is {slot_key(axis, key)}={value}")
    knobs = ", ".join(f"{key}.{name!s}" for name in node if name != "_target_")
    raise Refusal(f"{override.input_line}: {key} is not one value: set {knobs}")


def _check_clip(overrides: Sequence[Override], config: DictConfig) -> None:
    """Refuse a bound that was named for a clipping that was not."""
    named = {override.key_or_group: override for override in overrides}
    if "clip.value" in named and "clip.kind" not in named and config.clip.kind == "none":
        raise Refusal(
            f"{named['clip.value'].input_line}: nothing is clipped with clip.kind=none: add clip.kind=norm (value,"
            " adaptive), or clip.kind=none to leave it so"
        )


def _element(value: Any) -> Any:
    return OverridesParser.create().parse_override(f"x={value}").value() if isinstance(value, str) else value


@cache  # takes some tenths of a second, and the choices are often all that was typed
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("config", [each for each in overrides if not each.startswith("hydra")])
    except (HydraException, OmegaConfBaseException) as fault:
        lines = [line for line in str(fault).splitlines() if line.strip()]
        raise Refusal(" ".join(lines[:3])) from None


def _check_key(key: str, config: DictConfig) -> None:
    node: Any = config
    words = key.split(".")
    for depth, word in enumerate(words):
        place = ".".join(words[:depth])
        if not isinstance(node, DictConfig):
            way = f"where it takes names, write '{place}={{{'.'.join(words[depth:])}: VALUE}}'"
            raise Refusal(f"{key}: {place} is a value and has nothing beneath it; {way}")
        if word not in node:
            known = [str(name) for name in node if not str(name).startswith("_")]
            able = having(place, word)
            if depth == 0 or not (known or able):
                name = "NAME" if word in NO_AXES else "[NAME]"
                way = f"nothing is chosen on {word}: add '{word}={name}'" if depth == 0 else "it has no knobs"
                raise Refusal(f"{key}: {way}")
            inner = [name for name in known if isinstance(node[name], DictConfig) and word in node[name]]
            if inner:
                way = f"did you mean {place}.{inner[0]}.{word}?"
            else:
                way = f"{place}={', '.join(able)} has it" if able else nearest(word, known)
            raise Refusal(f"{key}: {place} has no {word}; {way}")
        node = node[word]
