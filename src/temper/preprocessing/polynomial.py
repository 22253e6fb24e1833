"""Polynomial features (Gergonne, 1815; as in Bishop, 2006, "Pattern Recognition and Machine Learning", section 1.1).

    x -> all products x_i, x_i x_j, ..., x_i x_j ... x_k of up to ``degree`` factors, i <= j <= ... <= k
    with interactions: i < j < ... < k                        no column twice in a product
    columns = C(n + degree, degree) - 1                       of n columns; interactions: C(n, 1) + ... + C(n, degree)

A model that is linear in them bends: curves and interactions, with a solution in closed form still. It bites where few
columns act together, and overfits where the columns become as many as the rows: penalty=[l2], or pca after it. Products
differ in size more than their factors do, so standardize goes behind it; also before it where columns are large.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, combinations_with_replacement
from math import comb
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from temper.facts import Examples
from temper.quantity import Switch
from temper.strategy import Preprocessing, strategy

MOST_COLUMNS = 10_000  # 40 kB a row


@strategy
class Polynomial(Preprocessing):
    """Each row with the products of its columns."""

    images: ClassVar[bool] = False

    degree: Annotated[int, Field(ge=2, strict=True)]
    interactions: Switch

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``factors`` (columns, degree) int64: which columns each product is of; n, one more, stands for 1.

        Raises:
            ValueError: the inputs are images; too many columns would come out; a product is too large for 32 bits.
        """
        if train.inputs.dim() != 2:
            raise ValueError("polynomial is for tables, and this data is images: choose preprocessing=[normalize]")
        features = train.inputs.shape[1]
        if self.interactions and self.degree > features:
            raise ValueError(
                f"preprocessing.polynomial.degree={self.degree} wants products of {self.degree} different columns, and"
                f" there are {features}: at most {features}, or preprocessing.polynomial.interactions=false"
            )
        columns = self._columns(features)
        if columns > MOST_COLUMNS:
            many = f"{columns:,}" if columns < 10**18 else "more than 10^18"
            raise ValueError(
                f"preprocessing.polynomial.degree={self.degree} would make {many} columns of {features}, and"
                f" {MOST_COLUMNS:,} are the most: lower it, set preprocessing.polynomial.interactions=true, or leave"
                " columns out, for example by preprocessing=[pca,polynomial]"
            )
        factors = torch.tensor(list(self._products(features)))
        largest = _extended(train.inputs.abs().amax(0, keepdim=True).double())[0]
        if largest[factors].prod(1).max() > torch.finfo(torch.float32).max:
            raise ValueError(
                f"preprocessing.polynomial.degree={self.degree} makes products too large for 32 bits: standardise the"
                " columns before it, preprocessing=[standardize,polynomial]"
            )
        return {"factors": factors}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the products (n, columns) of a table (n, features), factor by factor."""
        extended = _extended(inputs)
        first, *others = fitted["factors"].unbind(1)
        products = extended[:, first]
        for factor in others:
            products *= extended[:, factor]
        return products

    def names(self, before: tuple[str, ...], fitted: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Return each product by its factors, such as ``age·bmi`` and ``age²``."""
        products = ([before[factor] for factor in row if factor < len(before)] for row in fitted["factors"].tolist())
        return tuple("·".join(name + _power(row.count(name)) for name in dict.fromkeys(row)) for row in products)

    def _columns(self, features: int) -> int:
        if self.interactions:
            return sum(comb(features, count) for count in range(1, self.degree + 1))
        return comb(features + self.degree, self.degree) - 1

    def _products(self, features: int) -> Iterator[tuple[int, ...]]:
        choose = combinations if self.interactions else combinations_with_replacement
        for count in range(1, self.degree + 1):
            for chosen in choose(range(features), count):
                yield (*chosen, *[features] * (self.degree - count))


def _power(times: int) -> str:
    return "" if times == 1 else str(times).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _extended(inputs: Tensor) -> Tensor:
    """Return the table (n, features + 1) with a column of ones."""
    return torch.nn.functional.pad(inputs, (0, 1), value=1.0)
