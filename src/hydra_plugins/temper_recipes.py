"""Hydra's door to ``temper.recipes``: recipes, and the options that they tune, are read when they are asked for.

Hydra finds plug-ins only in this package. Its own store would do as well, but Hydra copies all that is in it before
each look into it, hundreds of times for ``--help``.
"""

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from temper import recipes


class Recipes(ConfigSource):
    """The groups ``recipe`` and beneath, and each axis' tuned options, which are found by name and never listed."""

    @staticmethod
    def scheme() -> str:
        """Return what stands before ``://``."""
        return "recipes"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the recipe or option at ``config_path``.

        Raises:
            ConfigLoadError: there is none.
        """
        found = recipes.offer(_plain(config_path))
        if found is None:
            raise ConfigLoadError(f"{config_path}: no recipe, and no option that one has tuned")
        return ConfigResult(
            provider=found.recipe,
            path=self.full_path(),
            config=OmegaConf.create(found.content),
            header={"package": found.package},
        )

    def is_config(self, config_path: str) -> bool:
        """Return whether there is a recipe or a tuned option."""
        return recipes.offer(_plain(config_path)) is not None

    def is_group(self, config_path: str) -> bool:
        """Return whether recipes lie beneath."""
        return any(path.startswith(_within(config_path)) for path in _paths())

    def available(self) -> bool:
        """Return whether there is a folder of recipes."""
        return recipes.RECIPES.is_dir()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return what lies right beneath ``config_path``: recipes, groups of them, or both."""
        found = set()
        for path in _paths():
            if path.startswith(_within(config_path)):
                first, _, beneath = path.removeprefix(_within(config_path)).partition("/")
                if results_filter in (None, ObjectType.GROUP if beneath else ObjectType.CONFIG):
                    found.add(first)
        return sorted(found)


class RecipesInReach(SearchPathPlugin):
    """Lets Hydra look for recipes wherever it looks into conf/, and in no other program of this environment."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add recipes to where Hydra looks."""
        places = [Path((each.path or "").removeprefix("file://")).resolve() for each in search_path.get_path()]
        if recipes.CONF in places:
            search_path.append(provider="temper", path=f"{Recipes.scheme()}://")


def _paths() -> list[str]:
    return [f"recipe/{name}" for name in recipes.names()]


def _plain(path: str) -> str:
    return path.strip("/").removesuffix(".yaml")


def _within(group: str) -> str:
    return f"{_plain(group)}/" if _plain(group) else ""
