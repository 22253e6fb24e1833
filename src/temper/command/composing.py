"""What Hydra raises where words do not go together, in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from temper.command import command_line
from temper.refusal import Refusal


@contextmanager
def composing(words: Sequence[str]) -> Iterator[None]:
    """Turn what Hydra raises where ``words`` do not go together into a Refusal that names them."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as fault:
        command_line.check(words)  # knows the way out, which Hydra's own advice is not
        raise Refusal(f"{' '.join(words)}: {' '.join(str(fault).split())}") from None
