"""Train one run: ``python train.py optimizer=adam``, or ``python train.py recipe=baseline/digits_mlp``."""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from temper.command import command_line
from temper.forked import INTERRUPTED
from temper.refusal import refusing


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float:
    """Compose, parse, run; return the validation score of the chosen checkpoint."""
    from temper.command.job import (
        job,  # torch and Lightning take seconds to import: not before the command line was read
    )
    from temper.run import run

    with refusing(Path(HydraConfig.get().runtime.output_dir)):
        asked = job(cfg, sys.argv[1:])
    return run(asked).returned


if __name__ == "__main__":
    try:
        with refusing():
            command_line.prepare()
            command_line.check(sys.argv[1:])
        main()
    except KeyboardInterrupt:  # before training, in which a run tells how it goes on
        print("temper: interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
