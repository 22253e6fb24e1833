"""config.yaml of a run, the composed values: as OmegaConf writes and reads them, by libyaml, in a tenth of the time.

A number with an exponent and no point (1e-3) is a number, as in YAML 1.2; a date is a text.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

_FLOAT, _DATE = "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"
_EXPONENT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*(\.[0-9_]*)?[eE][-+]?[0-9]+$")
# A PyYAML that was built without libyaml has the slow ones alone.
SafeDumper, SafeLoader = getattr(yaml, "CSafeDumper", yaml.SafeDumper), getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Writer(SafeDumper):  # type: ignore[misc,valid-type]  # yaml is not typed
    pass


class _Reader(SafeLoader):  # type: ignore[misc,valid-type]
    pass


_Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _DATE]
    for first, known in SafeLoader.yaml_implicit_resolvers.items()
}
for each in (_Writer, _Reader):  # the writer puts into quotes what its reader would take for a number
    each.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+0123456789"))


def container(cfg: DictConfig) -> dict[str, Any]:
    """Return the composed values as plain containers."""
    own = [str(key) for key in cfg if key != "hydra"]
    values = OmegaConf.to_container(OmegaConf.masked_copy(cfg, own), resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def save(config: Mapping[str, Any], path: Path) -> None:
    """Write the values of ``config``, keys in their order, to ``path``.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(dict(config), file, Dumper=_Writer, default_flow_style=False, allow_unicode=True, sort_keys=False)


def load(path: Path) -> Any:
    """Return what is written in ``path``: of a run, a dict.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Reader)
    except yaml.YAMLError as fault:
        raise ValueError(str(fault)) from None
