"""Each loss against values worked out by hand, and its invariants."""

import math

import pytest
import torch
import torch.nn.functional as F

from samesense.objectives.coherence import coherence
from samesense.objectives.info_nce import info_nce
from samesense.objectives.multi_positive import multi_positive
from samesense.objectives.preserve import preserve

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def labels(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def random_batch(seed: int, items: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(items, 5, generator=generator), dim=1)
    concept = torch.randint(0, 3, (items,), generator=generator)
    domain = torch.randint(0, 3, (items,), generator=generator)
    return z, concept, domain


def multi_positive_by_definition(
    z: torch.Tensor,
    concept: torch.Tensor,
    domain: torch.Tensor,
    temperature: float,
    leave_out: bool = False,
    weight: float = 1.0,
    margin: float | None = None,
) -> float:
    """The formula, term by term."""
    total, n = 0.0, len(z)
    s = (z @ z.T).tolist()
    for i in range(n):
        domains = {}
        for p in range(n):
            own = bool(domain[p] == domain[i])
            if p != i and concept[p] == concept[i] and not (leave_out and own):
                domains.setdefault(int(domain[p]), []).append(p)
        for positives in domains.values():
            for p in positives:
                negatives = sum(
                    (weight if domain[k] == domain[i] else 1.0) * math.exp(s[i][k] / temperature)
                    for k in range(n)
                    if concept[k] != concept[i] and (margin is None or s[i][k] <= s[i][p] + margin)
                )
                e = math.exp(s[i][p] / temperature)
                total -= math.log(e / (e + negatives)) / len(positives) / len(domains)
    return total / n


def test_multi_positive_of_two_orthogonal_concepts_is_worked_out_by_hand() -> None:
    z = torch.tensor([EAST, EAST, NORTH, NORTH])
    loss = multi_positive(
        z, concept_B=labels(0, 0, 1, 1), domain_B=labels(0, 1, 0, 1), temperature=1.0
    )
    # Each anchor: one positive with s = 1 and two negatives with s = 0.
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 2)), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("leave_out", [False, True])
def test_multi_positive_equals_its_definition(seed: int, leave_out: bool) -> None:
    z, concept, domain = random_batch(seed)
    loss = multi_positive(
        z,
        concept_B=concept,
        domain_B=domain,
        temperature=0.3,
        own_domain="leave_out" if leave_out else "include",
        same_domain_negative_weight=2.5,
    )
    expected = multi_positive_by_definition(z, concept, domain, 0.3, leave_out, weight=2.5)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_multi_positive_masks_probable_false_negatives(seed: int) -> None:
    z, concept, domain = random_batch(seed)
    loss = multi_positive(
        z, concept_B=concept, domain_B=domain, temperature=0.3, false_negative_margin=0.1
    )
    expected = multi_positive_by_definition(z, concept, domain, 0.3, margin=0.1)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_multi_positive_gives_every_domain_the_same_weight() -> None:
    """Copies of a positive within its domain change nothing for the anchors outside of it."""
    anchor, near, far = [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]
    few = torch.tensor([anchor, near, far], requires_grad=True)
    many = torch.tensor([anchor, near, near, near, far], requires_grad=True)
    kwargs = {"temperature": 1.0, "own_domain": "leave_out"}
    loss_few = multi_positive(few, concept_B=labels(0, 0, 1), domain_B=labels(0, 1, 0), **kwargs)
    loss_many = multi_positive(
        many, concept_B=labels(0, 0, 0, 0, 1), domain_B=labels(0, 1, 1, 1, 0), **kwargs
    )
    # Few: anchor and near are alike but for s_n, many: three copies of near. Sums, not means:
    first = -math.log(math.exp(0.8) / (math.exp(0.8) + 1))
    second = -math.log(math.exp(0.8) / (math.exp(0.8) + math.exp(0.6)))
    assert loss_few.item() * 3 == pytest.approx(first + second, rel=1e-5)
    assert loss_many.item() * 5 == pytest.approx(first + 3 * second, rel=1e-5)


def test_multi_positive_without_positives_is_zero_and_has_a_gradient() -> None:
    z = torch.eye(3, requires_grad=True)
    loss = multi_positive(z, concept_B=labels(0, 1, 2), domain_B=labels(0, 0, 1), temperature=0.05)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("margin", [None, 0.1])
def test_multi_positive_gradient_is_right(margin: float | None) -> None:
    z, concept, domain = random_batch(1, items=8)
    z = z.double().requires_grad_()

    def loss(x: torch.Tensor) -> torch.Tensor:
        return multi_positive(
            x,
            concept_B=concept,
            domain_B=domain,
            temperature=0.5,
            false_negative_margin=margin,
        )

    assert torch.autograd.gradcheck(loss, (z,), atol=1e-5)


def test_coherence_of_one_direction_and_of_orthogonal_means() -> None:
    one = torch.tensor([EAST, EAST])
    two = torch.tensor([EAST, NORTH])
    where = {"concept_B": labels(0, 0), "domain_B": labels(0, 1), "temperature": 1.0}
    root = math.sqrt(2)
    expected_one = -math.log(math.exp(root) / (math.exp(root) + math.exp(0.0)))
    assert coherence(one, **where).item() == pytest.approx(expected_one, abs=1e-6)
    assert coherence(two, **where).item() == pytest.approx(math.log(2), abs=1e-6)
    assert coherence(two, **where, variant="pairwise").item() == pytest.approx(1.0)
    assert coherence(one, **where, variant="pairwise").item() == pytest.approx(0.0, abs=1e-6)


def test_coherence_needs_two_domains_of_a_concept() -> None:
    z = torch.eye(2, requires_grad=True)
    loss = coherence(z, concept_B=labels(0, 1), domain_B=labels(0, 1))
    loss.backward()
    assert loss.item() == 0


def test_coherence_has_no_anchor() -> None:
    """Renaming the domains changes nothing."""
    z, concept, domain = random_batch(3)
    first = coherence(z, concept_B=concept, domain_B=domain)
    second = coherence(z, concept_B=concept, domain_B=2 - domain)
    assert first.item() == pytest.approx(second.item(), rel=1e-5)


def test_preserve_is_one_minus_the_cosine_and_leaves_the_frozen_vector_alone() -> None:
    z = torch.tensor([EAST, EAST], requires_grad=True)
    h = torch.tensor([[3.0, 0.0], [0.0, 2.0]], requires_grad=True)
    loss = preserve(z, h_BD=h)
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert h.grad is None


def test_info_nce_by_hand() -> None:
    q, c = torch.tensor([EAST, NORTH]), torch.tensor([EAST, NORTH])
    common = {
        "temperature": torch.tensor(0.5),
        "concept_B": labels(0, 0),
        "domain_B": labels(0, 1),
    }
    expected = -math.log(math.exp(2) / (math.exp(2) + 1))
    assert info_nce(q, candidate_BD=c, **common).item() == pytest.approx(expected, rel=1e-5)
    spread = info_nce(q, candidate_BD=c, **common, positives="concept").item()
    log_other = -math.log(1 / (math.exp(2) + 1))
    assert spread == pytest.approx((expected + log_other) / 2, rel=1e-5)
    apart = info_nce(q, candidate_BD=c, **common, positives="concept_in_domain").item()
    assert apart == pytest.approx(expected, rel=1e-5)
    common["domain_B"] = labels(1, 1)
    together = info_nce(q, candidate_BD=c, **common, positives="concept_in_domain").item()
    assert together == pytest.approx(spread, rel=1e-5)


def test_info_nce_of_one_item_is_zero() -> None:
    one = torch.tensor([EAST])
    loss = info_nce(
        one,
        candidate_BD=torch.tensor([NORTH]),
        temperature=torch.tensor(1.0),
        concept_B=labels(0),
        domain_B=labels(0),
    )
    assert loss.item() == 0


def test_info_nce_directions_differ() -> None:
    q = F.normalize(torch.tensor([[1.0, 0.2], [0.4, 1.0]]), dim=1)
    c = F.normalize(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), dim=1)
    common = {
        "temperature": torch.tensor(0.1),
        "concept_B": labels(0, 1),
        "domain_B": labels(0, 0),
    }
    forward = info_nce(q, candidate_BD=c, **common, direction="query_to_candidate")
    backward = info_nce(c, candidate_BD=q, **common, direction="query_to_candidate")
    both = info_nce(q, candidate_BD=c, **common)
    assert forward.item() != pytest.approx(backward.item())
    assert both.item() == pytest.approx((forward.item() + backward.item()) / 2)
