"""Transfer from ImageNet: torchvision's trained ResNets (Kornblith et al., 2019, arXiv:1805.08974, who measure it).

    conv1, bn1                               stem.conv, stem.norm
    layerS.B.convI, layerS.B.bnI             stages.S-1.B.body.convI, .normI
    layerS.B.downsample.0, .1                stages.S-1.B.shortcut.conv, .norm
    fc                                       nothing: its classes are ImageNet's, and the head is new

Depth 18, 34 or 50, by the number of convolutions; a bottleneck strides in its 3x3 convolution on both sides. ImageNet's
stem, of 7x7 pixels at stride 2 and pooling, is taken with ``task.stem=imagenet``; the 3x3 one of small images is new,
unless ``weights`` names a file in which it is as ours. A block is taken whole or not at all. The weights have learned
from normalised images (preprocessing=[normalize]) of 224 pixels. It bites on a few hundred photographs of your own, the
more the larger they are: with a stem that begins anew, the first blocks have to follow it.
"""

import re
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models import get_weight

from temper.facts import Facts, Learned
from temper.network.layered import Layered
from temper.strategy import ReadRun, strategy
from temper.transfer.freezing import Freezing

_TAKEN = "IMAGENET1K_V1"  # by name: a newer default would be another method under the same name
_NAMES = (
    (r"conv1\.", "stem.conv."),
    (r"bn1\.", "stem.norm."),
    (r"layer(\d+)\.(\d+)\.conv(\d)\.", "stages.{}.{}.body.conv{}."),
    (r"layer(\d+)\.(\d+)\.bn(\d)\.", "stages.{}.{}.body.norm{}."),
    (r"layer(\d+)\.(\d+)\.downsample\.0\.", "stages.{}.{}.shortcut.conv."),
    (r"layer(\d+)\.(\d+)\.downsample\.1\.", "stages.{}.{}.shortcut.norm."),
    (r"fc\.", "head."),
)


@strategy
class Torchvision(Freezing):
    """Start from the weights of torchvision's ResNet."""

    weights: str | None

    def learned(self, network: Layered, facts: Facts, read: ReadRun) -> Learned:
        """Return the weights of all but the head.

        Raises:
            ValueError: they did not come, or the file does not hold such weights; says where to put them.
        """
        if self.weights is None:
            state, origin = _fetched(f"resnet{_depth(network)}")
        else:
            state, origin = _read(Path(self.weights), f"transfer.weights={self.weights}"), self.weights
        ours = {name: value for name, value in renamed(state).items() if not name.startswith("head.")}
        return Learned(weights=ours, origin=origin)


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return torchvision's ``state`` by the names of a ResNet of this house; names that no ResNet has are left out."""
    found = {}
    for name, value in state.items():
        for theirs, ours in _NAMES:
            match = re.match(theirs, name)
            if match is not None:
                place = [int(match[1]) - 1, *match.groups()[1:]] if match.groups() else []
                found[ours.format(*place) + name[match.end() :]] = value
    return found


def _depth(network: Layered) -> int:
    """Return the layers of a ResNet: its blocks' convolutions, shortcuts left aside, the stem and the head."""
    return 2 + sum(".body.conv" in name for name, _ in network.named_parameters())


def _fetched(model: str) -> tuple[dict[str, Tensor], str]:
    """Return torchvision's state dict of ``model`` and its address, from its cache or the network."""
    enum: Any = get_weight(f"{model.replace('resnet', 'ResNet')}_Weights.{_TAKEN}")
    place = Path(torch.hub.get_dir()) / "checkpoints" / enum.url.rpartition("/")[2]
    if place.exists():
        return _read(place, "transfer=torchvision"), enum.url
    try:
        return enum.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True), enum.url
    except (OSError, HTTPException, RuntimeError) as fault:  # RuntimeError: another checksum
        raise ValueError(
            f"transfer=torchvision: {enum.url} did not come ({fault}): put the file at {place}, or name one with"
            " transfer.weights=FILE"
        ) from None


def _read(file: Path, word: str) -> dict[str, Tensor]:
    if not file.is_file():
        raise ValueError(f"{word}: there is no {file.absolute()}: name a state dict of torchvision's ResNet")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # whatever a file that torch cannot open makes it raise
        state = None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{word}: {file} holds no state dict: name one of torchvision's ResNet")
    return state
