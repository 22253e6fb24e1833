"""Make the dashboard of a Weights & Biases project: a saved view with scores, curves, costs and what mattered."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from temper.refusal import Refusal, nearest, refusing

EXPLANATION = """\
The words are those of train.py: of them the project and its owner are taken, and the score that runs are chosen by.
Runs with one value of each --by key are one group, with their mean: all seeds of an optimizer, for example.

  python scripts/wandb_dashboard.py --dry-run
  python scripts/wandb_dashboard.py logger.wandb.project=rates --by optimizer --by optimizer.lr
  python scripts/wandb_dashboard.py task=cifar_resnet logger.wandb.entity=us --by augmentation --name "augmentations"
"""


def main(arguments: Sequence[str]) -> int:
    """Make the view that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="of the runs, as train.py takes them")
    parser.add_argument("--by", action="append", default=[], metavar="KEY", help="group runs by an axis or a knob")
    parser.add_argument("--name", default="temper", metavar="NAME", help="of the view (default: temper)")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be made, and send nothing")
    asked = parser.parse_intermixed_args(arguments)

    from temper.command import command_line

    with refusing():
        command_line.prepare()
        words = command_line.with_wandb(asked.words)
        command_line.check(words)

        from temper.command.job import composed_job  # torch takes seconds: not before the words were read
        from temper.logger.wandb import chosen, has_key
        from temper.tracking.wandb_dashboard import dashboard

        job = composed_job(words)
        logger = chosen(job.experiment.logger)
        _check_keys(asked.by, job.choices, job.config)
        if not asked.dry_run and not has_key():
            raise Refusal("there is no key for Weights & Biases here: wandb login, or look at it first with --dry-run")
        view = dashboard(
            entity=logger.entity or "-",
            project=logger.project,
            name=asked.name,
            metric=job.experiment.chosen_by[0],
            classes=job.experiment.kind != "regression",
            by=asked.by,
            choices=job.choices,
        )
    table = Table("section", "panels", title=f"view {asked.name} of project {logger.project}", title_justify="left")
    for section in view.sections:
        table.add_row(
            section.name, "\n".join(getattr(each, "title", "") or type(each).__name__ for each in section.panels)
        )
    Console().print(table)
    if asked.dry_run:
        return 0
    try:
        if logger.entity is None:
            import wandb

            view.entity = wandb.Api().default_entity or ""
            if not view.entity:
                raise LookupError("it names no owner by default: say whose project it is, logger.wandb.entity=NAME")
        view.save()  # type: ignore[no-untyped-call]
    except Exception as fault:  # of whatever kind, W&B has not got it
        print(f"temper: Weights & Biases did not take the view: {fault}", file=sys.stderr)
        return 1
    print(view.url)
    return 0


def _check_keys(keys: Sequence[str], choices: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    known = {*choices, *_dotted(config)}
    for key in keys:
        if key not in known:
            raise Refusal(f"--by {key}: runs of these words have no such key; {nearest(key, known)}")


def _dotted(config: Mapping[str, Any], above: str = "") -> list[str]:
    found: list[str] = []
    for key, value in config.items():
        found += _dotted(value, f"{above}{key}.") if isinstance(value, Mapping) else [f"{above}{key}"]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
