"""The only training loop of the house: how terms, penalties and a schedule meet a network.

Each task derives one final module from `Supervised`, which says how predictions are judged.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn

from temper.clip import Clip
from temper.data.batches import Batch
from temper.facts import Answer, Examples, Facts, ParameterGroup
from temper.metric import Better, over_views
from temper.network.layered import Layered
from temper.network.statistics import frozen_statistics
from temper.network.tapped import tap
from temper.prediction import widened
from temper.report.solution import Solution
from temper.sharding import whole
from temper.strategy import Groups, LossFunction, Optimizer, PenaltyFunction, Pruning, Scheduler
from temper.terms import Distiller, Privatizer, Weigher, term_name
from temper.training.answers import Answers, gather
from temper.training.tally import Measured, measured

Scores = dict[str, float]
Row = dict[str, float | int]  # of metrics.csv
Terms = Mapping[str, Tensor]  # by name


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """All that training needs beside the network, each already built for this run.

    ``metric`` and ``better`` are what validation is judged by: a score's name and where it improves to.
    """

    facts: Facts
    loss: LossFunction
    penalties: Mapping[str, PenaltyFunction]
    distillers: Mapping[str, Distiller]
    weigher: Weigher
    groups: Groups
    optimizer: Optimizer
    scheduler: Scheduler
    pruning: Pruning
    clip: Clip
    privatizer: Privatizer | None
    metric: str
    better: Better
    seed: int


@dataclass
class Verdict:
    """How one evaluation went: named scores, and the recall of each class where there are classes."""

    scores: Scores
    per_class: list[float] = field(default_factory=list)


class Supervised(L.LightningModule):
    """A network and what trains it.

    Attributes:
        measured: of the last training batch, for the recorder; it stays on the device.
        noted: further figures of the last step, by their names in metrics.csv, on the device too.
        row: the last that was written of metrics.csv; a new one is another object.
        rate_factor: what the optimizer's own rate was multiplied by in the last step.
        verdicts: the last evaluation of each set (``val``, ``test``, ``train``).
    """

    def __init__(self, network: nn.Module, ingredients: Ingredients) -> None:
        super().__init__()
        self.network = network
        self.weigher, self.privatizer = ingredients.weigher, ingredients.privatizer
        self.distillers = nn.ModuleDict(dict(ingredients.distillers))
        self.ingredients, self.facts = ingredients, ingredients.facts
        self.measured = Measured({}, None)
        self.noted: dict[str, Tensor] = {}
        self.row: Row = {}
        self.rate_factor: float | None = None
        self.reaction = ingredients.scheduler.reaction(ingredients.better)
        self.verdicts: dict[str, Verdict] = {}
        self._pending: dict[str, Answers] = {}
        self._features: dict[str, Tensor] = {}
        self._knobs: list[dict[str, Any]] = []  # of each group of the optimizer
        tap(network, (name for each in ingredients.distillers.values() for name in each.taps), self._features)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute as a module does, a name of Lightning's own at once."""
        # Lightning notes the name of each hook, some 40 times a step, and torch asks of each what kind of thing it is.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @abstractmethod
    def judge(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        """Return the scores of a whole set by a ruler that no training option moves.

        Args:
            prediction: (n,) or (n, classes), in the target's own units.
            target: (n,), hard.
        """

    def solution(self, train: Examples) -> Solution:
        """Return what was learned beside what is known without training: empty, except for the smallest models.

        Args:
            train: the training set as it is learned: preprocessed inputs, and targets as the loss sees them.
        """
        return Solution()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return what is minimised, (), so that summed over micro-batches and averaged over ranks it is the mean."""
        inputs, target, rows = batch.inputs, batch.targets, batch.rows
        self._reseed(rows.number)
        first = self._first_pass()
        self._features.clear()
        with nullcontext() if first else frozen_statistics(self.network):
            prediction = self.network(inputs)
        step, clock = self.ingredients.pruning.lap(self.global_step, self.facts.clock)
        progress = clock.progress(step)
        losses = self.ingredients.loss(prediction, target, progress)
        terms = {"task": losses.mean()}
        for name, distiller in self.distillers.items():
            answer = Answer(prediction=prediction, features=self._features)
            for term, values in distiller.terms(inputs, answer, target).items():  # type: ignore[operator]
                terms[term_name(name, term)] = values.mean()
        if first:
            self.weigher.watch(terms, rows.share / self.trainer.accumulate_grad_batches)
        minimised: Tensor = self.weigher(terms, progress)
        if rows.share != 1:
            minimised = minimised * rows.share
        penalties = self._penalties()
        for penalty in penalties.values():
            minimised = minimised + penalty
        if first:
            self.trainer.datamodule.note(batch, losses)  # type: ignore[attr-defined]
            self._measure(terms, penalties, prediction.detach(), target)
        return minimised

    def on_train_epoch_end(self) -> None:
        """Let the weighting look back."""
        self.weigher.end_epoch()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the batch's predictions for the verdict on the whole set."""
        self._keep("val", batch)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Keep the batch's predictions; which set they belong to, the datamodule's order of loaders says."""
        self._keep(self.trainer.datamodule.tested[dataloader_idx], batch)  # type: ignore[attr-defined]

    def on_validation_epoch_end(self) -> None:
        """Judge the validation set and offer its scores to callbacks."""
        self._conclude()
        for name, value in self.verdicts["val"].scores.items():
            # Each rank has judged the whole set, so there is nothing to reduce.
            self.log(f"val/{name}", value, logger=False, sync_dist=False, rank_zero_only=False)
        if self.reaction is not None and self.trainer.state.fn is TrainerFn.FITTING:
            self.reaction.see(self.verdicts["val"].scores[self.ingredients.metric])

    def on_test_epoch_end(self) -> None:
        """Judge each tested set."""
        self._conclude()

    def verdict(self, prediction: Tensor, target: Tensor, mean: Tensor | None = None) -> Verdict:
        """Return how predictions (n,) or (n, classes) of a whole set do against what a step was given as target.

        ``mean`` holds the predictions in the mean over views, where there are several; its main score is told too.
        """
        judged = self._judged(prediction, target)
        scores = {name: value for name, value in judged.items() if not isinstance(value, list)}
        if mean is not None:
            metric = self.ingredients.metric
            score = self._judged(mean, target)[metric]
            assert isinstance(score, float)
            scores[over_views(metric)] = score
        return Verdict(scores, next((value for value in judged.values() if isinstance(value, list)), []))

    def _judged(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        prediction = widened(prediction)
        if self.facts.kind == "regression":
            mean, deviation = self.facts.target_mean, self.facts.target_deviation
            prediction, target = prediction * deviation + mean, target * deviation + mean
        return self.judge(prediction, target)

    def configure_optimizers(self) -> Any:
        """Return the optimizer; its rate is a function of the step, and needs no scheduler with a state of its own."""
        learned = nn.ModuleDict({"network": self.network, "distillers": self.distillers})
        groups = self.ingredients.groups.build(learned)
        weighing = {f"weigher.{name}": weight for name, weight in self.weigher.named_parameters()}
        if weighing:  # decay would pull a weight of the terms to where it means nothing
            groups.append(ParameterGroup(names=tuple(weighing), parameters=tuple(weighing.values()), decay=0.0))
        optimizer = self.ingredients.optimizer.build(groups)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        state = ("params", *self.ingredients.optimizer.counted)
        self._knobs = [{k: v for k, v in group.items() if k not in state} for group in optimizer.param_groups]
        return optimizer

    def on_train_start(self) -> None:
        """Go on by this run's own knobs of the optimizer: a checkpoint brings those that it was trained with."""
        optimizer = self.trainer.optimizers[0]
        if self.trainer.precision == "16-mixed":
            # The scaler skips an overflow: a fused kernel that did would take unwritten memory for momentum later.
            optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
        for group, knobs in zip(optimizer.param_groups, self._knobs, strict=True):
            group.update(knobs)
            for weight in group["params"] if group.get("fused") else ():
                # torch left the count of steps on the CPU if the run before it had no fused kernels.
                if isinstance(count := optimizer.state.get(weight, {}).get("step"), Tensor):
                    optimizer.state[weight]["step"] = count.to(weight.device)

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        """Take a step at the rate that the schedule has for it."""
        self._set_rate(optimizer)
        optimizer.step(closure=optimizer_closure)
        self.weigher.end_step()

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient that the step follows, as the run asks; Lightning's own clipping is not used."""
        clip = self.ingredients.clip
        if clip.kind == "none" or getattr(optimizer, "ascending", False):
            return
        if clip.spares_head:
            assert isinstance(self.network, Layered)
            clip.apply([weight for block in self.network.blocks() for part in block for weight in part.parameters()])
        else:
            clip.apply([weight for group in optimizer.param_groups for weight in group["params"]])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put what is needed to build the network again beside its weights, as plain values."""
        if self.reaction is not None:
            checkpoint["reaction"] = self.reaction.state_dict()
        facts = asdict(self.facts)
        facts["clock"] = {"epoch_starts": list(self.facts.clock.epoch_starts)}
        checkpoint["facts"] = {key: list(value) if isinstance(value, tuple) else value for key, value in facts.items()}
        checkpoint["class_names"] = list(self.trainer.datamodule.splits.class_names)  # type: ignore[attr-defined]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the schedule's reaction to earlier validations."""
        if self.reaction is not None:
            self.reaction.load_state_dict(checkpoint["reaction"])

    def _set_rate(self, optimizer: torch.optim.Optimizer) -> None:
        step, clock = self.ingredients.pruning.lap(self.global_step, self.facts.clock)
        factor = self.ingredients.scheduler.warmed_factor(step, clock)
        if self.reaction is not None:
            factor *= self.reaction.factor
        if factor != self.rate_factor:
            self.rate_factor = factor
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    def _first_pass(self) -> bool:
        """Return whether this is the first, or only, gradient of the step: what is measured is the weights' own."""
        return self.ingredients.optimizer.passes == 1 or self.trainer.optimizers[0].ascending  # type: ignore[attr-defined]

    def _reseed(self, number: int) -> None:
        # Dropout draws by the seed, the step and the rank alone: a resumed run needs no random state.
        seed = ((self.ingredients.seed * 1_000_003 + number) * 1_009 + self.global_rank) % 2**63
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _penalties(self) -> dict[str, Tensor]:
        if not self.ingredients.penalties:
            return {}
        weights = dict(self.network.named_parameters())
        return {name: whole(penalty(weights)) for name, penalty in self.ingredients.penalties.items()}

    def _measure(self, terms: Terms, penalties: Terms, prediction: Tensor, target: Tensor) -> None:
        values = {"loss" if name == "task" else name: term.detach() for name, term in terms.items()}
        values |= {name: penalty.detach() for name, penalty in penalties.items()}
        self.measured = measured(values, prediction, target, self.facts.kind)

    def _keep(self, name: str, batch: Batch) -> None:
        self._pending.setdefault(name, Answers()).add(self.network(batch.inputs), batch)

    def _conclude(self) -> None:
        for name, answers in self._pending.items():
            mean = None if answers.mean is None else gather(answers.mean)
            self.verdicts[name] = self.verdict(gather(answers.prediction), gather(answers.target), mean)
        self._pending = {}
