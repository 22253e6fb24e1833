"""A small module, a Trainer for it, and a callback that watches what is removed."""

import warnings
from pathlib import Path

import lightning as L
import torch
from torch import nn

from temper.pruning.masks import prunable_weights
from temper.quantity import Clock

CLOCK = Clock((0, 4, 8, 12, 16, 20))  # of a fit
NUMEL = 4 * 3 + 16 * 9 + 9 * 2  # weights that may be removed


class Module(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(
            nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 2)
        )
        self.beside = nn.Linear(3, 3)

    def training_step(self, batch: list[torch.Tensor], at: int) -> torch.Tensor:
        return (self.network(batch[0]) - 1).square().mean() + self.beside.weight.sum() * 1e-3

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


def fit(module: Module, callbacks: list[L.Callback], folder: Path, ckpt: Path | None = None, **knobs) -> L.Trainer:
    generator = torch.Generator().manual_seed(1)
    data = torch.utils.data.TensorDataset(torch.randn(16, 1, 6, generator=generator))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and on resuming
        trainer = L.Trainer(
            accelerator="cpu",
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            **{"max_epochs": 5, **knobs},
        )
        trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=4), ckpt_path=ckpt, weights_only=True)
    return trainer


class Watch(L.Callback):
    """Count zeros after each optimizer step, and save at one of them."""

    def __init__(self, save_at: int = -1, path: Path | None = None) -> None:
        self.zeros: dict[int, int] = {}
        self.patterns: list[list[torch.Tensor]] = []
        self.save_at, self.path = save_at, path

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Module, *_: object) -> None:
        patterns = [weight == 0 for weight in prunable_weights(pl_module.network).values()]
        self.patterns.append(patterns)
        self.zeros[trainer.global_step] = sum(int(pattern.sum()) for pattern in patterns)
        if trainer.global_step == self.save_at:
            trainer.save_checkpoint(self.path)


def by_the_paper(step: int, final: float, first: int, last: int, every: int) -> float:
    """Equation 1 of arXiv:1710.01878, the initial sparsity being 0, held between two renewals."""
    if step < first:
        return 0.0
    if step >= last:
        return final
    renewed = first + (step - first) // every * every
    return final + (0.0 - final) * (1 - (renewed - first) / (last - first)) ** 3
