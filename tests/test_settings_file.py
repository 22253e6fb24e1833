"""Settings as OmegaConf would write and read them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from temper import settings_file

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))).filter(lambda text: "${" not in text)
KEYS = st.from_regex("[a-z_]{1,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
BY_HAND = ("1e3", "1e-3", "-1.5E+2", ".5e1", ".5e+1", "1.e5", "1.5", "12", "1_0e2", "+.5e-2", "0x1f", "1:30")
BY_HAND += ("2026-11-30", "yes", "~", "'1e3'", "e3", "1e")
SAME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@SAME
@given(config=st.dictionaries(KEYS, VALUES, max_size=4))
@example(config={"a": "1e3", "b": "1e-3", "c": ".5e1", "d": "2026-11-30", "e": "yes", "f": "null", "g": ""})
@example(config={"a": 1e-05, "b": 1e22, "c": float("inf"), "d": [1.0, -0.0], "e": "a: b # c", "f": "Größe", "g": "1_0"})
def test_what_is_saved_is_read_by_both(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    settings_file.save(config, path)
    assert settings_file.load(path) == config
    assert OmegaConf.to_container(OmegaConf.load(path)) == config
    OmegaConf.save(OmegaConf.create(config), path)  # an earlier version of ours did
    assert settings_file.load(path) == config


@pytest.mark.parametrize("text", BY_HAND)
def test_what_is_written_by_hand_is_read_alike(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"key: {text}\n")
    ours, theirs = settings_file.load(path)["key"], OmegaConf.to_container(OmegaConf.load(path))["key"]  # type: ignore[index,call-overload]
    assert (type(ours), ours) == (type(theirs), theirs)


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("key: [1\n")
    with pytest.raises(ValueError, match="while parsing"):
        settings_file.load(path)
