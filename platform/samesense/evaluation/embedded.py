"""Items and their vectors. Shapes: N items, D width."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.corpus.manifest import Manifest


@dataclass(frozen=True)
class Embedded:
    """A manifest and the unit vector of each of its rows."""

    manifest: Manifest
    z_ND: NDArray[np.float32]

    def of(
        self, *, domains: Sequence[str] | None = None, splits: Sequence[str] | None = None
    ) -> "Embedded":
        """Return the items of these domains and splits; ``None`` means all."""
        mask_N = np.ones(len(self.manifest), dtype=bool)
        for name, wanted in (("domain", domains), ("split", splits)):
            if wanted is not None:
                mask_N &= np.isin(self.manifest.column(name).astype(str), list(wanted))
        return Embedded(self.manifest.where(mask_N), self.z_ND[mask_N])
