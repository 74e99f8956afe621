"""From a loss's options and the named tensors to its value."""

from collections.abc import Mapping

from torch import Tensor

from samesense.core.errors import ConfigError
from samesense.objectives.arcface import arcface
from samesense.objectives.centroid import centroid
from samesense.objectives.coherence import coherence
from samesense.objectives.coral import coral
from samesense.objectives.cross_entropy import cross_entropy
from samesense.objectives.info_nce import info_nce
from samesense.objectives.miro import miro
from samesense.objectives.mmd import mmd
from samesense.objectives.multi_positive import multi_positive
from samesense.objectives.options import (
    ArcFaceOptions,
    BatchLoss,
    CentroidOptions,
    CoherenceOptions,
    CoralOptions,
    CrossEntropyOptions,
    InfoNceOptions,
    Loss,
    MiroOptions,
    MmdOptions,
    MultiPositiveOptions,
    PreserveOptions,
    ReferenceLoss,
    SemanticRelationsOptions,
    StyleOptions,
    SupConOptions,
)
from samesense.objectives.preserve import preserve
from samesense.objectives.semantic_relations import semantic_relations
from samesense.objectives.style import style
from samesense.objectives.supcon import supcon


def compute(
    loss: Loss, *, tensors: Mapping[str, Tensor], concept_B: Tensor, domain_B: Tensor
) -> Tensor:
    """Return the unweighted scalar of one loss.

    ``tensors`` holds by name what plays the loss's roles: unit vectors of the items (B, D) or of
    all concepts or domains (C, D), variances (D), temperatures (scalars). ``concept_B`` and
    ``domain_B`` are integer labels, which number the rows of all concepts and domains too.

    Raises:
        ConfigError: if an anchor domain is given by name (see ``training.vocabulary``).
    """
    on = {role: tensors[name] for role, name in loss.on.items()}
    if isinstance(loss, BatchLoss):
        return _within_batch(loss, on, concept_B=concept_B, domain_B=domain_B)
    return _with_reference(loss, on, concept_B=concept_B, domain_B=domain_B)


def _within_batch(
    loss: BatchLoss, on: Mapping[str, Tensor], *, concept_B: Tensor, domain_B: Tensor
) -> Tensor:
    z_BD = on["z"]
    match loss:
        case MultiPositiveOptions():
            return multi_positive(
                z_BD,
                concept_B=concept_B,
                domain_B=domain_B,
                temperature=on.get("temperature", loss.temperature),
                own_domain=loss.own_domain,
                same_domain_negative_weight=loss.same_domain_negative_weight,
                false_negative_margin=loss.false_negative_margin,
                anchor=_number(loss.anchor),
            )
        case CoherenceOptions():
            return coherence(
                z_BD,
                concept_B=concept_B,
                domain_B=domain_B,
                variant=loss.variant,
                temperature=loss.temperature,
            )
        case StyleOptions():
            moments = loss.second_moments
            return style(z_BD, concept_B=concept_B, domain_B=domain_B, second_moments=moments)
        case SupConOptions():
            temperature = on.get("temperature", loss.temperature)
            return supcon(z_BD, concept_B=concept_B, temperature=temperature)
        case CentroidOptions():
            temperature = on.get("temperature", loss.temperature)
            return centroid(z_BD, concept_B=concept_B, domain_B=domain_B, temperature=temperature)
        case CoralOptions():
            return coral(z_BD, domain_B=domain_B)
        case MmdOptions():
            return mmd(z_BD, domain_B=domain_B, gammas=loss.gammas)


def _with_reference(
    loss: ReferenceLoss, on: Mapping[str, Tensor], *, concept_B: Tensor, domain_B: Tensor
) -> Tensor:
    match loss:
        case SemanticRelationsOptions():
            return semantic_relations(
                on["z"],
                t_CD=on["concepts"],
                concept_B=concept_B,
                variant=loss.variant,
                temperature=loss.temperature,
                margin=loss.margin,
            )
        case PreserveOptions():
            return preserve(on["z"], h_BD=on["h"])
        case MiroOptions():
            return miro(on["z"], h_BD=on["h"], variance_D=on["variances"])
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
        case CrossEntropyOptions():
            return cross_entropy(
                on["z"],
                classes_CD=on["classes"],
                label_B=concept_B if loss.labels == "concept" else domain_B,
                temperature=on.get("temperature", loss.temperature),
            )
        case ArcFaceOptions():
            return arcface(
                on["z"],
                classes_CD=on["classes"],
                label_B=concept_B,
                temperature=loss.temperature,
                margin=loss.margin,
            )


def _number(anchor: str | int | None) -> int | None:
    if isinstance(anchor, str):
        raise ConfigError(f"anchor: the domain '{anchor}' has not been numbered")
    return anchor
