"""What small sets of rows of numbers share: they are cut by shares, and the user's rows come from a table."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from pydantic import model_validator
from torch import Tensor

from temper.data.reading import read_table
from temper.data.split import check_shares
from temper.quantity import ProperFraction, Switch
from temper.strategy import Data, strategy


@strategy
class Rows(Data):
    """Rows of so many columns."""

    images: ClassVar[bool] = False
    columns: ClassVar[int]

    validation: ProperFraction
    test: ProperFraction
    drop_last: Switch

    @property
    @abstractmethod
    def count(self) -> int:
        """Return how many rows there are in all."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        check_shares(self.count, self.validation, self.test)
        return self

    def read(self, path: Path) -> Tensor:
        """Return the user's rows, (n, columns), in the columns' own order and units."""
        return read_table(path, columns=self.columns)
