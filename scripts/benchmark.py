"""Measure what the house itself costs: a training step against a loop written by hand, and the making of batches.

    python scripts/benchmark.py step    a run's whole step (Trainer, module, batches, recorder with CSV and bar) against
                                        a hand-written loop over the same network, data, order and augmentation; small
                                        networks also against Lightning's floor, a bare LightningModule; `bar` is what
                                        the progress bar takes of a resnet20 step
    python scripts/benchmark.py data    images/s on one thread from stored uint8 to the augmented, normalised batch,
                                        against torchvision's transforms image by image, on PIL images and tensors
    python scripts/benchmark.py memory  what activation_checkpointing=blocks saves of what the backward pass needs, and
                                        what it costs in time; resnet18 with --only
    python scripts/benchmark.py smaller what removing half of the channels (pruning=channels) saves of an answer's time,
                                        a quarter of the rank (low_rank=truncated_svd), whole numbers (quantization)
    python scripts/benchmark.py recipe baseline/digits_mlp
                                        a whole run of the recipe: training time, time to its target, examples/s, and
                                        the share of what the machine can multiply in bfloat16; KEY=VALUE words beside
                                        it are settings of the run

Rivals take turns in blocks of --seconds, so that what else the machine does falls on all; ratios are medians over the
rounds, of neighbouring blocks. That the rivals compute the same losses is checked first, over 50 steps of 64 examples.
The last line is one JSON object. Without CIFAR-10 under --root, random images of its size take its place.
"""

import argparse
import json
import logging
import warnings
from collections.abc import Sequence

from rich.console import Console

from temper.benchmark.data import DATA, measure_data
from temper.benchmark.memory import MEMORY, measure_memory
from temper.benchmark.recipe import measure_recipe
from temper.benchmark.smaller import SMALLER, measure_smaller
from temper.benchmark.step import ON_REQUEST, STEP, measure_steps
from temper.command import command_line
from temper.refusal import Refusal, refusing


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", choices=("step", "data", "memory", "smaller", "recipe"), help="what is measured")
    parser.add_argument("words", nargs="*", metavar="RECIPE", help="of `recipe`: its name, and settings beside it")
    names = dict.fromkeys((*STEP, "bar", *DATA, *MEMORY, *SMALLER))
    parser.add_argument("--only", metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--seconds", type=float, help="length of a block (default: 2)")
    parser.add_argument("--rounds", type=int, help="blocks of each rival (default: 5)")
    parser.add_argument("--root", metavar="FOLDER", default="data/", help="where CIFAR-10 lies (default: data/)")
    asked = parser.parse_intermixed_args(words)
    parts = {"step": (*STEP, "bar"), "data": tuple(DATA), "memory": tuple(MEMORY), "smaller": tuple(SMALLER)}
    known = parts.get(asked.benchmark, ())
    with refusing():
        if (asked.benchmark == "recipe") != bool(asked.words):
            raise Refusal("a recipe's name belongs to `recipe`: python scripts/benchmark.py recipe baseline/digits_mlp")
        if asked.only is not None and asked.only not in known:
            raise Refusal(f"--only {asked.only}: {asked.benchmark} has {', '.join(known) or 'no parts'}")
        if asked.benchmark == "recipe" and (asked.seconds, asked.rounds) != (None, None):
            raise Refusal("--seconds and --rounds are of blocks of rivals: `recipe` trains one run, to its end")
        seconds, rounds = 2.0 if asked.seconds is None else asked.seconds, 5 if asked.rounds is None else asked.rounds
        if seconds <= 0 or rounds < 1:
            raise Refusal("--seconds must be > 0 and --rounds at least 1")
    command_line.prepare()
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    chosen = [asked.only] if asked.only else [name for name in known if name not in ON_REQUEST]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Lightning, about the loaders and the logger that a benchmark leaves out
        if asked.benchmark == "recipe":
            with refusing():
                table, found = measure_recipe(asked.words[0], asked.root, asked.words[1:])
        else:
            measures = {
                "step": measure_steps,
                "data": measure_data,
                "memory": measure_memory,
                "smaller": measure_smaller,
            }
            table, found = measures[asked.benchmark](chosen, asked.root, seconds, rounds)
    Console().print(table)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
