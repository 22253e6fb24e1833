"""How fast batches are made on one thread, from stored uint8 to the augmented, normalised batch.

The rivals are torchvision's transforms, applied image by image to PIL images and to tensors, behind default_collate;
its RandomErasing of a quarter of the image stands for cutout, and its CutMix has one box a batch.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from PIL import Image
from rich.table import Table
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision import transforms
from torchvision.transforms import v2

from temper.benchmark.case import CIFAR, Block, Case, Stopwatch, ratio, take_turns
from temper.facts import Examples

DATA = {
    "crop_flip_normalise": "[crop,flip]",
    "crop_flip_normalise_cutout": "[crop,flip,cutout]",
    "crop_flip_normalise_mixup": "[crop,flip,mixup]",
    "crop_flip_normalise_cutmix": "[crop,flip,cutmix]",
    "crop_flip_normalise_rand_augment": "[crop,flip,rand_augment]",
}


class OneByOne(Dataset[tuple[Any, int]]):
    """Images through torchvision's transforms, each by itself."""

    def __init__(self, train: Examples, transform: Callable[[Any], Any], as_pil: bool) -> None:
        self.train, self.transform, self.as_pil = train, transform, as_pil

    def __len__(self) -> int:
        return len(self.train)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        image: Any = self.train.inputs[row]
        if self.as_pil:
            image = Image.fromarray(image.permute(1, 2, 0).numpy())
        return self.transform(image), int(self.train.targets[row])


def torchvision_batches(case: Case, as_pil: bool) -> Iterator[Any]:
    """Yield the batches of ``case`` as torchvision makes them, without end; RandomErasing stands for cutout."""
    fitted, names = case.batches.pipeline.fitted["normalize"], case.batches.augmentation
    mean, std = fitted["mean"].tolist(), fitted["std"].tolist()
    erase = {"p": 1.0, "scale": (0.25, 0.25), "ratio": (1.0, 1.0)}  # a quarter of the image, as cutout's 16 pixels
    kit: Any = transforms if as_pil else v2
    floats = [transforms.ToTensor()] if as_pil else [v2.ToDtype(torch.float32, scale=True)]
    pixels = [kit.RandAugment()] if "rand_augment" in names else []
    steps = [kit.RandomCrop(32, padding=4), kit.RandomHorizontalFlip(), *pixels, *floats, kit.Normalize(mean, std)]
    transform = kit.Compose([*steps, *([kit.RandomErasing(**erase)] if "cutout" in names else [])])
    mixes = {"mixup": v2.MixUp(num_classes=10), "cutmix": v2.CutMix(num_classes=10)}
    mix = next((mixes[name] for name in names if name in mixes), None)

    def collate(rows: list[Any]) -> Any:
        return mix(*default_collate(rows)) if mix else default_collate(rows)

    images = OneByOne(case.batches.splits.train, transform, as_pil)
    while True:
        yield from DataLoader(images, case.batches.batch_size(0), shuffle=True, collate_fn=collate)


def our_batches(case: Case) -> Iterator[Any]:
    """Yield the batches of ``case`` as a run makes them, without end."""
    loader = case.batches.train_dataloader()
    while True:
        for batch in loader:
            yield case.batches.augment(batch)


def measure_data(names: Sequence[str], root: str, seconds: float, rounds: int) -> tuple[Table, dict[str, Any]]:
    """Return how fast batches are made on one thread, as a table and as the JSON object."""
    table = Table("images/s on one thread", "ours", "PIL", "ratio", "v2", "ratio to v2")
    found: dict[str, Any] = {"benchmark": "data", "ratio": {}, "ratio_v2": {}, "images_per_second": {}}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in names:
            case = Case.of((*CIFAR, f"augmentation={DATA[name]}"), root)
            case.batches.setup("fit")
            rivals = {
                "ours": our_batches(case),
                "pil": torchvision_batches(case, as_pil=True),
                "v2": torchvision_batches(case, as_pil=False),
            }
            blocks: dict[str, Block] = {rival: partial(_block, batches, seconds) for rival, batches in rivals.items()}
            taken = take_turns(blocks, rounds)
            speeds = {rival: case.batches.batch_size(0) / median(values) for rival, values in taken.items()}
            found["images_per_second"][name] = {rival: round(speed) for rival, speed in speeds.items()}
            found["ratio"][name] = round(ratio(taken["pil"], taken["ours"]), 2)
            found["ratio_v2"][name] = round(ratio(taken["v2"], taken["ours"]), 2)
            ours, pil, tensors = (f"{speed:,.0f}" for speed in speeds.values())
            table.add_row(name, ours, pil, str(found["ratio"][name]), tensors, str(found["ratio_v2"][name]))
    finally:
        torch.set_num_threads(threads)
    return table, found


def _block(batches: Iterator[Any], seconds: float) -> float:
    return Stopwatch(seconds).run(batches)
