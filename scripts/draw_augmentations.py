"""Draw what each augmentation does to real images, by its default values, into docs/augmentations.png.

A row is an option, its images come from CIFAR-10's training set under --root; without one, from patterns made up here.
Each image is drawn anew, in an epoch of its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from torch import Tensor
from torchvision.datasets import CIFAR10

from temper.command.command_line import options
from temper.experiment import make
from temper.output_file import check_picture, writing
from temper.recipes import CONF
from temper.refusal import refusing
from temper.strategy import Augmentation

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "augmentations.png"
SHOWN = 10


def pictures(root: str) -> Tensor:
    """Return images (SHOWN, 3, 32, 32) uint8 that differ in kind."""
    try:
        train = CIFAR10(root, train=True, download=False)
    except RuntimeError:
        y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
        return torch.stack([torch.stack([8 * x, 8 * y, 20 * row + 0 * x]) for row in range(SHOWN)]).to(torch.uint8)
    rows = [train.targets.index(row % 10, 100 * row) for row in range(SHOWN)]
    return torch.from_numpy(train.data[rows]).permute(0, 3, 1, 2).contiguous()


def augmented(step: Augmentation, images: Tensor) -> Tensor:
    """Return the images after ``step``, as it would see and leave them in a run that normalises; uint8 again."""
    count, generator = len(images), torch.Generator().manual_seed(1)
    drawn = step.draw([count], tuple(images.shape[1:]), generator)
    inputs = images if step.wants != "values" else images / 255 - 0.5
    targets = torch.eye(count)
    if step.recalls:  # a column is the same image in one epoch after another
        inputs = images[:1].expand_as(images)
        each = [step.recall(torch.zeros(1), epoch) for epoch in range(count)]
        drawn |= {name: torch.cat([one[name] for one in each]) for name in each[0]}
    result, _ = step.apply(inputs, targets, drawn)
    return result if step.wants != "values" else ((result + 0.5) * 255).clamp(0, 255).round().to(torch.uint8)


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", default="data/", help="where CIFAR-10 lies (default: data/)")
    parser.add_argument("--to", metavar="FILE", type=Path, default=PICTURE, help="the picture")
    asked = parser.parse_args(words)
    with refusing():
        check_picture("--to", asked.to, "augmentations.png")
    images = pictures(asked.root)
    rows = {"as they are": images}
    for name in options("augmentation"):
        if name != "none":
            node = OmegaConf.to_container(OmegaConf.load(CONF / "augmentation" / f"{name}.yaml"))
            rows |= {name: augmented(step, images) for name, step in make(node, "augmentation").items()}
    figure = Figure(figsize=(SHOWN * 0.8 + 0.7, len(rows) * 0.8), dpi=70, layout="constrained")
    for place, axes in zip(rows.items(), figure.subplots(len(rows), 1), strict=True):
        name, shown = place
        axes.imshow(torch.cat([*torch.nn.functional.pad(shown, (1, 1, 1, 1), value=255)], 2).permute(1, 2, 0).numpy())
        axes.set_axis_off()
        axes.set_anchor("E")
        axes.text(-4, 17, name, ha="right", va="center", fontsize=11)
    with refusing(), writing("--to", asked.to):
        figure.savefig(asked.to)
    print(asked.to)


if __name__ == "__main__":
    main()
