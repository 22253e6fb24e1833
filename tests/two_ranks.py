"""Run several jobs as one rank of two, one after the other in one process group: ``two_ranks.py CASES.json``.

The test starts this program twice, as torchrun would; a case is a folder and the words of each start of the run in it,
of which all but the last are cut off.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from tests.shortcuts import compose_quickly, leave_out_curves, read_once, time_briefly

from temper.command import command_line
from temper.command.job import Job
from temper.debug.none import NoDebug
from temper.experiment import parse
from temper.recipes import CONF
from temper.run import run
from temper.settings_file import container
from temper.training.supervised import Supervised, Verdict


class CutAt(L.Callback):
    """Cuts a run off after ``step`` steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise InterruptedError


def job_of(name: str, words: list[str], folder: str) -> Job:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        trainer = () if "trainer=fsdp" in words else ("trainer=ddp",)
        cfg = compose("config", [*words, *trainer, "trainer.accelerator=cpu"], return_hydra_config=True)
    config = container(cfg)
    return Job(experiment=parse(config), config=config, folder=Path(folder))


def main() -> None:
    torch.set_num_threads(1)
    command_line.prepare()
    patched = pytest.MonkeyPatch()
    compose_quickly(patched)
    read_once(patched)
    time_briefly(patched)
    leave_out_curves(patched)
    sizes: list[int] = []
    means: dict[str, list[list[float]]] = {}  # over views, by the folder of the run
    verdict, callbacks = Supervised.verdict, NoDebug.callbacks

    def counting(
        self: Supervised, prediction: torch.Tensor, target: torch.Tensor, mean: torch.Tensor | None = None
    ) -> Verdict:
        sizes.append(len(prediction))
        if mean is not None:
            means[str(self.trainer.default_root_dir)] = mean.tolist()
        return verdict(self, prediction, target, mean)

    Supervised.verdict = counting  # type: ignore[method-assign]
    counted: dict[str, list[int]] = {}
    for name, (starts, folder) in json.loads(Path(sys.argv[1]).read_text()).items():
        sizes.clear()
        NoDebug.callbacks = lambda self, folder: [CutAt(13)]  # type: ignore[method-assign]
        for words in starts[:-1]:
            with suppress(InterruptedError):
                run(job_of(name, words, folder))
        NoDebug.callbacks = callbacks  # type: ignore[method-assign]
        run(job_of(name, starts[-1], folder))
        counted[name] = list(sizes)
    if os.environ["RANK"] == "0":
        Path(sys.argv[1]).with_suffix(".counted").write_text(json.dumps(counted))
        Path(sys.argv[1]).with_suffix(".means").write_text(json.dumps(means))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
