"""``python train.py -m WORDS`` in this process; its trials would be processes, for which tests have stand-ins."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from temper.command import command_line
from temper.recipes import CONF
from temper.refusal import refusing

Searched = Callable[..., int]


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Searched:
    """Return a function that does what ``python train.py -m WORDS`` does, and returns its exit status."""

    def main(*words: str) -> int:
        words = (*words, f"hydra.sweep.dir={tmp_path / 'sweep'}")
        monkeypatch.setattr(sys, "argv", ["train.py", "-m", *words])
        try:
            with refusing():
                command_line.check(["-m", *words])
            with initialize_config_dir(str(CONF), version_base="1.3"):
                hydra = GlobalHydra.instance().hydra
                assert hydra is not None
                hydra.multirun("config", never, list(words), with_log_configuration=False)
        except SystemExit as ended:
            return int(str(ended.code))
        return 0

    return main


def never(*_: Any) -> None:
    raise AssertionError("a trial in the sweep's own process")
