"""From a loss's options and the named tensors to its value."""

from collections.abc import Mapping

from torch import Tensor

from samesense.objectives.coherence import coherence
from samesense.objectives.info_nce import info_nce
from samesense.objectives.multi_positive import multi_positive
from samesense.objectives.options import (
    CoherenceOptions,
    InfoNceOptions,
    Loss,
    MultiPositiveOptions,
    PreserveOptions,
)
from samesense.objectives.preserve import preserve


def compute(
    loss: Loss, *, tensors: Mapping[str, Tensor], concept_B: Tensor, domain_B: Tensor
) -> Tensor:
    """Return the unweighted scalar of one loss.

    ``tensors`` holds every view's unit vectors (B, D) and every temperature (a scalar) by name;
    ``concept_B`` and ``domain_B`` are integer labels.
    """
    on = {role: tensors[name] for role, name in loss.on.items()}
    match loss:
        case MultiPositiveOptions():
            return multi_positive(
                on["z"],
                concept_B=concept_B,
                domain_B=domain_B,
                temperature=loss.temperature,
                own_domain=loss.own_domain,
                same_domain_negative_weight=loss.same_domain_negative_weight,
                false_negative_margin=loss.false_negative_margin,
            )
        case CoherenceOptions():
            return coherence(
                on["z"],
                concept_B=concept_B,
                domain_B=domain_B,
                variant=loss.variant,
                temperature=loss.temperature,
            )
        case PreserveOptions():
            return preserve(on["z"], h_BD=on["h"])
        case InfoNceOptions():
            return info_nce(
                on["query"],
                candidate_BD=on["candidate"],
                temperature=on["temperature"],
                concept_B=concept_B,
                domain_B=domain_B,
                direction=loss.direction,
                positives=loss.positives,
            )
