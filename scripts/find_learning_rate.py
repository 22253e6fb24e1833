"""Propose a learning rate by a range test: the rate rises step by step until the loss explodes; nothing is changed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from temper.output_file import check_picture, writing
from temper.refusal import Refusal, refusing

EXPLANATION = """\
The words are those of train.py; no run is started, and no folder or recipe is touched. The proposal is a tenth of the
rate at which the smoothed loss is least (src/temper/range_test.py says why); with one_cycle or cosine it is the peak.
An optimizer that holds another (sam, lookahead, muon) is told all its rates: they rose together.
Exit status 1: there is no minimum among the rates that were tried.

  python scripts/find_learning_rate.py optimizer=sgd
  python scripts/find_learning_rate.py recipe=baseline/cifar10_resnet20 optimizer=adam --steps 100
"""
PICTURE = Path("outputs") / "learning_rate.png"


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="of the run, as train.py takes them")
    parser.add_argument("--from", dest="low", type=float, default=1e-6, metavar="RATE", help="(default: 1e-6)")
    parser.add_argument("--to", dest="high", type=float, default=10.0, metavar="RATE", help="(default: 10)")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="at most so many (default: 200)")
    parser.add_argument("--save", type=Path, default=PICTURE, metavar="FILE", help=f"the picture (default: {PICTURE})")
    asked = parser.parse_intermixed_args(arguments)

    from temper.command import command_line

    console = Console()
    with refusing():
        command_line.prepare()
        command_line.check(asked.words)
        for word in asked.words:
            if word.startswith("hydra"):
                raise Refusal(f"{word}: the test leaves no folder: leave it away; --save names the picture")
        check_picture("--save", asked.save, PICTURE)

        from temper.command.job import composed_job
        from temper.range_test import left_out, measure, rates  # torch takes seconds: not before the words were read
        from temper.report import loss_over_rate

        job = composed_job(asked.words)
        if words := left_out(job.experiment):
            console.print(f"note: left out of the test: {', '.join(words)}", highlight=False, markup=False)
        columns = TextColumn("step {task.completed}/{task.total}"), BarColumn(), TextColumn("{task.description}")
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=asked.steps)

            def tell(step: int, rate: float, loss: float) -> None:
                bar.update(task, completed=step, description=f"rate {rate:.2g}, loss {loss:.4g}")

            curve = measure(job, asked.low, asked.high, asked.steps, tell)
    try:
        proposed, fault = curve.proposal(), None
    except Refusal as refusal:
        proposed, fault = None, str(refusal)
    name = job.choices["optimizer"]
    table = Table("", title=f"range test of optimizer={name}: {len(curve.rates) + 1} steps", title_justify="left")
    table.add_column("rate", justify="right")
    table.add_column("loss", justify="right")
    own = job.experiment.optimizer.lr
    rows: list[tuple[str, float | None, float | None]] = [("before any step", None, curve.before)]
    least = curve.least
    if least is not None:
        rows.append(("least smoothed loss", curve.rates[least], curve.smoothed[least]))
    if proposed is not None:
        rows.append(("proposed: a tenth of that rate", proposed, curve.smoothed_at(proposed)))
    rows.append(("the run's own rate", own, curve.smoothed_at(own)))
    if curve.exploded is not None:
        rows.append(("the loss explodes", curve.exploded, None))
    for what, rate, loss in rows:
        table.add_row(what, "-" if rate is None else f"{rate:.3g}", "-" if loss is None else f"{loss:.4g}")
    console.print(table)
    if curve.rates:
        title = f"range test of optimizer={name}"
        series = curve.rates, curve.losses, curve.smoothed
        with refusing(), writing("--save", asked.save):
            loss_over_rate.draw(asked.save, title, *series, before=curve.before, least=least, proposed=proposed)
        print(asked.save)
    if proposed is None:
        print(f"temper: {fault}", file=sys.stderr)
        return 1
    print(*rates(job.config["optimizer"], proposed / own))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
