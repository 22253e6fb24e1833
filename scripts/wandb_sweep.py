"""Write a search as a Weights & Biases sweep: W&B chooses the trials, agents on any number of machines train them."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from temper.output_file import check_file, writing
from temper.refusal import Refusal, refusing

EXPLANATION = """\
The words are those of train.py -m, with search=NAME; bounds and values stand in Hydra's grammar. Nothing is sent: the
file is for W&B's own tool, and the commands that follow are told. Start an agent on each machine, or one for each GPU
with CUDA_VISIBLE_DEVICES, in this folder and environment; of searches that compare runs on the way, W&B ends the poor
ones.

  python scripts/wandb_sweep.py search=tpe search.trials=30 "optimizer.lr=tag(log,interval(0.001,1))"
  python scripts/wandb_sweep.py search=grid optimizer=sgd,adam seed=1,2,3 logger.wandb.project=rates --save rates.yaml
"""
FILE = Path("outputs") / "sweep.yaml"


def main(arguments: Sequence[str]) -> int:
    """Write the sweep that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="+", metavar="KEY=VALUE", help="of the sweep, as train.py -m takes them")
    parser.add_argument("--save", type=Path, default=FILE, metavar="FILE", help=f"the sweep (default: {FILE})")
    asked = parser.parse_intermixed_args(arguments)

    from temper.command import command_line

    with refusing():
        command_line.prepare()
        words = command_line.with_wandb(asked.words)
        command_line.check(["-m", *words])
        if asked.save.suffix not in (".yaml", ".yml"):
            raise Refusal(f"--save {asked.save}: names no file of YAML: for example --save {FILE}")
        check_file("--save", asked.save)
        config, project, entity = _sweep(words)

        import yaml

        with writing("--save", asked.save):
            asked.save.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    table = Table("key", "chosen from", title=f"W&B sweep, method {config['method']}", title_justify="left")
    for key, parameter in config["parameters"].items():
        table.add_row(key, ", ".join(f"{name} {value}" for name, value in parameter.items()))
    console = Console()
    console.print(table)
    owner = ["--entity", entity] if entity else []
    create = shlex.join(["wandb", "sweep", "--project", project, *owner, str(asked.save)])
    # An agent takes runs that W&B ends for failed ones, and would give up.
    patient = "WANDB_AGENT_DISABLE_FLAPPING=true WANDB_AGENT_MAX_INITIAL_FAILURES=1000 " * ("early_terminate" in config)
    agent = f"{patient}wandb agent SWEEP, as the first one tells, here and on each machine that trains"
    for line in (str(asked.save), f"create it:    {create}", f"start agents: {agent}"):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return 0


def _sweep(words: Sequence[str]) -> tuple[dict[str, Any], str, str | None]:
    """Return the configuration of the sweep, the project it belongs to, and whose that is."""
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    from temper.command.job import composed_job
    from temper.command.sweep_words import of_sweep
    from temper.experiment import make
    from temper.logger.wandb import chosen
    from temper.recipes import CONF
    from temper.search.space import Space
    from temper.strategy import Search, option
    from temper.tracking.wandb_sweep import sweep_config

    overrides = OverridesParser.create().parse_overrides(list(words))
    own = list(
        {each.get_key_element(): each for each in overrides if not of_sweep(each)}.values()
    )  # the last word counts
    for each in overrides:
        key = each.get_key_element()
        if key.split(".")[0] == "launcher":
            raise Refusal(f"{each.input_line}: agents are what launches here: leave it away, and start some")
        if key.startswith("hydra") or key == "pause":
            raise Refusal(f"{each.input_line}: W&B's agents say where and how far a run goes: leave it away")
    searching = [str(each.input_line) for each in overrides if of_sweep(each)]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen_search = compose("config", searching).get("search")
    if chosen_search is None:
        raise Refusal("search=NAME is missing: W&B must know how to choose: add search=grid, or search=random")
    knobs: Any = OmegaConf.to_container(chosen_search, resolve=True)
    search = make(knobs, "search")
    assert isinstance(search, Search)
    space = Space.read(own)
    fixed = [str(each.input_line) for each in own if each.get_key_element() not in space.dimensions]
    first = search.proposed(space, [], 1)[0]
    experiment = composed_job([*fixed, *(f"{key}={value}" for key, value in first.items())]).experiment
    logger = chosen(experiment.logger)
    metric, better = experiment.chosen_by
    if not experiment.data.validates:
        raise Refusal("data.validation=0 sets no examples apart by which W&B could choose: raise data.validation")
    config = sweep_config(
        search=option(search),
        knobs=knobs,
        space=space,
        fixed=fixed,
        metric=metric,
        better=better,
        validations=max(1, search.rungs(experiment.epochs)[0] // experiment.validate_every),
    )
    return config, logger.project, logger.entity


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
