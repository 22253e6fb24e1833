"""What was chosen, composed by Hydra, and the keys that were typed beside it held against that."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from temper.command.knobs import having
from temper.recipes import CONF, NO_AXES, axes, slot_key
from temper.refusal import Refusal, nearest


@contextmanager
def _conf() -> Iterator[None]:
    """Let Hydra compose conf/, whatever it is at: it may hold a sweep, of which this is a trial."""
    held, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = held


def _searches(word: str) -> bool:
    return word.startswith("hydra.searchpath=")  # what is typed of Hydra is about the run's folder


@cache  # takes some tenths of a second, and the choices are often all that was typed
def composed(overrides: tuple[str, ...]) -> DictConfig:
    """Return the configuration of ``overrides``, which may be the choices alone.

    Raises:
        Refusal: they do not go together, in Hydra's words.
    """
    try:
        with _conf():
            return compose("config", [each for each in overrides if not each.startswith("hydra") or _searches(each)])
    except (HydraException, OmegaConfBaseException) as fault:
        lines = [line for line in str(fault).splitlines() if line.strip()]
        raise Refusal(" ".join(lines[:3])) from None


def slots_of(axis: str, choosing: Iterable[Override]) -> list[str]:
    """Return the places at which the chosen option of ``axis`` holds another."""
    with _conf():
        words = [override.input_line or "" for override in choosing]
        chosen = compose("config", words, return_hydra_config=True).hydra.runtime.choices
    return [key.partition("@")[2] for key in chosen if key.startswith(f"{axis}@")]


def check_key(key: str, config: DictConfig) -> None:
    """Refuse ``key`` where ``config`` has none."""
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
                own = next((each for each in words[1:2] if (CONF / word / f"{each}.yaml").exists()), "NAME")
                name = own if word in NO_AXES else f"[{own}]"
                way = f"nothing is chosen on {word}: add '{word}={name}'" if depth == 0 else "it has no knobs"
                raise Refusal(f"{key}: {way}")
            inner = [name for name in known if isinstance(node[name], DictConfig) and word in node[name]]
            if inner:
                way = f"did you mean {place}.{inner[0]}.{word}?"
            else:
                way = f"{place}={', '.join(able)} has it" if able else nearest(word, known)
            raise Refusal(f"{key}: {place} has no {word}; {way}")
        node = node[word]


def check_value(override: Override, config: DictConfig) -> None:
    """Refuse a word in the place of a record: it would be taken for the record itself."""
    key, node = override.key_or_group, OmegaConf.select(config, override.key_or_group)
    if not isinstance(node, DictConfig) or "_target_" not in node or isinstance(override.value(), dict):
        return
    axis, value = key.split(".")[0], (override.input_line or "").partition("=")[2]
    if axis in axes() and key != axis:
        raise Refusal(f"{override.input_line}: a choice beneath an option is {slot_key(axis, key)}={value}")
    knobs = ", ".join(f"{key}.{name!s}" for name in node if name != "_target_")
    raise Refusal(f"{override.input_line}: {key} is not one value: set {knobs}")
