"""Principal component analysis (Pearson, 1901; Hotelling, 1933): the few directions along which the rows differ most.

    X - mean = U diag(s) Vᵀ          of the training rows, s from the largest down
    z = (x - mean) V[:, :k]          k = ``components``, or as many as hold that share of Σ s²
    z_i = z_i / (s_i / √(m - 1))     with whiten: each component by its deviation over the m training rows

Columns that say the same become one, and what comes out is uncorrelated. It bites where columns are many and related;
it goes by variance, not by what the target asks: a faint direction that matters is lost, and a column in a large unit
takes the first component for itself. So standardize goes before it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
from pydantic import BeforeValidator
from torch import Tensor

from temper.facts import Examples
from temper.quantity import Switch
from temper.strategy import Preprocessing, strategy


def _number_or_share(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not (whole or (isinstance(value, float) and 0 < value < 1)):
        raise ValueError("is a whole number of components, 1 or more, or a share of the variance, above 0 and below 1")
    return value


@strategy
class PCA(Preprocessing):
    """Each row by its principal components."""

    images: ClassVar[bool] = False

    components: Annotated[int | float, BeforeValidator(_number_or_share)]
    whiten: Switch

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``mean`` (features,) and ``directions`` (features, components), scaled if they whiten.

        A sign is free in each direction: its largest weight is positive.

        Raises:
            ValueError: the inputs are images, or vary along fewer directions than were asked for.
        """
        if train.inputs.dim() != 2:
            raise ValueError("pca is for tables, and this data is images: choose preprocessing=[patch_whitening]")
        rows, features = train.inputs.shape
        mean = train.inputs.double().mean(0)
        _, sizes, directions = torch.linalg.svd(train.inputs.double() - mean, full_matrices=False)
        # A direction that rounding to float32 alone could have made does not vary.
        rounding = 4 * torch.finfo(torch.float32).eps * torch.linalg.vector_norm(train.inputs, dtype=torch.float64)
        varying = int((sizes > rounding).sum())
        if not varying:
            raise ValueError("pca: every row of the training set is the same, so that no direction varies")
        count = self._count(sizes[:varying])
        if count > varying:
            raise ValueError(
                f"preprocessing.pca.components={count}: the {rows} training rows of {features} columns vary along"
                f" {varying} directions: at most {varying}, or standardize before it if their units differ"
            )
        kept = directions[:count].T
        kept = kept * kept.gather(0, kept.abs().argmax(0, keepdim=True)).sign()
        if self.whiten:
            kept = kept / (sizes[:count] / (rows - 1) ** 0.5)
        return {"mean": mean.float(), "directions": kept.float().contiguous()}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the components (n, components) of a table (n, features)."""
        return (inputs - fitted["mean"]) @ fitted["directions"]

    def names(self, before: tuple[str, ...], fitted: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Return the components, numbered from 1, whatever the columns are called."""
        return tuple(f"component {number}" for number in range(1, fitted["directions"].shape[1] + 1))

    def _count(self, sizes: Tensor) -> int:
        """Return how many components are asked for, given the ``sizes`` of those that vary."""
        if isinstance(self.components, int):
            return self.components
        share = sizes.square().cumsum(0) / sizes.square().sum()
        return min(int((share < self.components).sum()) + 1, len(sizes))
