"""Transfer from a run: its weights are where training starts (Yosinski et al., 2014, arXiv:1411.1792).

    θ_b ← θ'_b     of each block b whose weights have the names and the shapes of the source's, norms' statistics too
    θ_b            as initialization drew it, for every other: a stem for other channels, a ``head`` for other classes

A block is taken whole or not at all, as what a norm remembers belongs to the layer before it; a head goes by what is
before it, and is new where all of that is. The report says what was taken and what is new. Rates that fall with the
distance from the head are ``groups=layer_decay`` (factor 1/2.6) or ``groups=head``; with ``unfreeze`` and
``scheduler=triangular`` that is how Howard and Ruder (2018, arXiv:1801.06146) fine-tune. To go on with a run's whole
state, its optimizer's included, is ``ckpt=FILE``.

It bites where examples are few and the source has seen many of a like kind: its first layers serve both. Frozen, a
network forgets nothing and cannot overfit where it stands still; with many examples freezing holds it back. Blocks that
stay frozen for good cost no backward pass, where all before them are frozen too; those that are only waiting do. The
source must stay where it is until the run has finished: one that goes on looks again which of its blocks were taken.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from torch import Tensor

from temper.facts import Facts, Learned
from temper.network.layered import Layered
from temper.strategy import ReadRun, strategy
from temper.transfer.freezing import Freezing

HEAD = "head."


def _named(run: Any) -> Any:
    if run is None or (isinstance(run, str) and not run.strip()):
        raise ValueError(
            "a transfer needs a source, a run's folder, a checkpoint in one or recipe:NAME: transfer.run=RUN"
        )
    return run


@strategy
class Checkpoint(Freezing):
    """Start from the weights of a run."""

    run: Annotated[str, BeforeValidator(_named)]
    head: Literal["keep", "new"]

    @property
    def source(self) -> str:
        """Return ``run``."""
        return self.run

    def learned(self, network: Layered, facts: Facts, read: ReadRun) -> Learned:
        """Return the run's weights, those of its head only if it is kept.

        Raises:
            ValueError: the head is to be kept, and answers other questions than this run's.
        """
        found = read(self.run)
        if self.head == "keep":
            self._check_head(found, network, facts)
            return found
        return Learned(weights=_without_head(found.weights), origin=found.origin, facts=found.facts)

    def _check_head(self, found: Learned, network: Layered, facts: Facts) -> None:
        theirs, shape = found.facts, getattr(found.weights.get(f"{HEAD}weight"), "shape", None)
        assert theirs is not None
        begun = f"transfer.head=keep: the head of {found.origin} is for"
        if (theirs.kind, theirs.class_names) != (facts.kind, facts.class_names):
            raise ValueError(
                f"{begun} {_asked(theirs)}, and this run's data has {_asked(facts)}: is it the data that is meant? Give"
                " that run's data words again, without which a task takes its own, such as data=digits; for other"
                " classes set transfer.head=new"
            )
        if shape != network.head.weight.shape:
            raise ValueError(
                f"{begun} another number of features, and this run's network has others: set transfer.head=new"
            )


def _without_head(weights: Any) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if not name.startswith(HEAD)}


def _asked(facts: Facts) -> str:
    """Return in words what is asked of a head."""
    if not facts.class_names:
        return "a regression"
    few = ", ".join(facts.class_names[:3])
    return f"{len(facts.class_names)} classes ({few}{', ...' if len(facts.class_names) > 3 else ''})"
