"""Sets of observations in the forms in which the parts of a model take them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from core.models.gde.base import Encoder, Generator

if TYPE_CHECKING:
    from core.models.gde.gde import GDE


class Views:
    """Sets x (b, k, *stored) as the parts of a model take them; each form is worked out once, when it is asked for."""

    def __init__(self, model: GDE, x: Tensor) -> None:
        self.model, self.x = model, x

    @cached_property
    def standard(self) -> Tensor:
        """(b, k, *shape) standardised numbers."""
        return self.model.standardise(self.model.numbers(self.x))

    @cached_property
    def rotated(self) -> Tensor:
        """(b, k, d), principal components where there are many features."""
        components = self.model.components
        return self.standard.flatten(2) if components is None else components(self.standard)

    def of(self, part: Encoder | Generator) -> Tensor:
        """What this part takes: letters, standardised numbers, or their components."""
        if part.letters:
            return self.x
        return self.standard if part.raw or self.model.components is None else self.rotated
