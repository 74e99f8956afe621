"""``POST /v1/search``: one query against many domains."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from samesense.core.errors import did_you_mean
from samesense.search.searcher import Answer, Merge, Placed, Wanted
from samesense.serving.errors import ApiError, bad_request, not_found
from samesense.serving.forms.asked import Part
from samesense.serving.forms.body import OwnForm
from samesense.serving.items import Picture, image_item, text_item
from samesense.serving.options import LimitOptions

FARTHEST = 16_384
"""Milvus gives no more hits of one query."""


class Query(OwnForm):
    """What to look for: an image, a text, both, an item of the index, or a vector."""

    text: str | None = None
    """Words."""
    image: str | None = None
    """An address, a data URI or base64."""
    item: str | None = None
    """The id of an item of the index: more like this."""
    vector: list[float] | None = None
    """A vector of the model that ``fingerprint`` names, by default of that of the index."""
    fingerprint: str | None = None
    """The model that the query is of, as the answer with its vector has told; refused if the index
    is of another."""


class Filter(OwnForm):
    """Which items count."""

    label: str | list[str] = []
    """Only items that carry one of these labels."""


class SearchRequest(OwnForm):
    """A query, where to look, and what of the ranking to return."""

    query: Query = Query()
    """What to look for; an uploaded file stands for its image."""
    index: str | None = None
    """The index; by default that of the service."""
    model: str | None = None
    """The model that embeds the query; by default the one that the index was built with."""
    domains: list[str] | None = None
    """Target domains; by default all."""
    exclude_domains: list[str] = []
    """Domains to leave out."""
    source_domain: str | None = None
    """Where the query comes from; it is left out too."""
    limit: int = Field(default=10, ge=1)
    """How many hits; of every domain so many where they are grouped."""
    offset: int = Field(default=0, ge=0, le=FARTHEST)
    """How many of the best to pass over."""
    threshold: float | None = Field(default=None, ge=-1, le=1)
    """Least cosine of a hit."""
    filter: Filter = Filter()
    """Which items count."""
    merge: Merge | str = "calibrated"
    """``calibrated``, ``raw``, ``rrf``, or ``per_domain``, which groups."""
    group_by_domain: bool = False
    """Whether hits come by domain, each ranked by itself."""

    def check(self, *, limits: LimitOptions) -> None:
        """Check what the types do not say.

        Raises:
            ApiError: 400, or 413 if too many hits are asked for.
        """
        if self.merge not in ("calibrated", "raw", "rrf", "per_domain"):
            raise bad_request(
                f"merge: '{self.merge}' is not one of: calibrated, raw, rrf, per_domain",
                param="merge",
            )
        if self.limit > limits.hits:
            raise ApiError(
                413, "too_large", f"limit: {self.limit} hits, the limit is {limits.hits}", "limit"
            )
        if self.offset + self.limit > FARTHEST:
            raise bad_request(f"offset + limit: at most {FARTHEST}", param="offset")

    def parts(self, files: Sequence[bytes], *, limits: LimitOptions) -> list[Part]:
        """Return what of the query must be embedded: nothing of an item or a vector.

        Raises:
            ApiError: if the query is nothing, too much, or of no known form.
        """
        query, parts = self.query, []
        if query.image is not None:
            image = image_item(query.image, limits=limits, param="query.image")
            parts.append(Part(image, "query.image"))
        parts += [Part(Picture(data), f"file[{n}]") for n, data in enumerate(files)]
        if query.text is not None:
            text = text_item(query.text, limits=limits, param="query.text")
            parts.append(Part(text, "query.text"))
        given = bool(parts) + (query.item is not None) + (query.vector is not None)
        if given != 1:
            raise bad_request(
                "query: an image, a text or both, or an item, or a vector is expected, "
                f"got {'several of them' if given else 'none'}",
                param="query",
            )
        if len(parts) > 2:
            raise bad_request("query: one image and one text at most", param="query")
        return parts

    def wanted(self, *, domains: Sequence[str]) -> Wanted:
        """Return where to look and in what order, given the domains of the index.

        Raises:
            ApiError: 404 if one that is to be left out is unknown; 400 if none is left.
        """
        source = [self.source_domain] if self.source_domain else []
        for param, names in (("source_domain", source), ("exclude_domains", self.exclude_domains)):
            _check_domains(names, known=domains, param=param)
        out = {*self.exclude_domains, *source}
        chosen = domains if self.domains is None else self.domains
        targets = [domain for domain in chosen if domain not in out]
        if not targets:
            raise bad_request("domains: none is left to search", param="domains")
        labels = self.filter.label
        return Wanted(
            domains=None if self.domains is None and not out else targets,
            labels=[labels] if isinstance(labels, str) else labels,
            limit=self.limit,
            offset=self.offset,
            threshold=self.threshold,
            merge="calibrated" if self.merge == "per_domain" else self.merge,  # type: ignore[arg-type]
        )

    def answer(
        self, found: Answer, *, index: str, model: str | None, fingerprint: str
    ) -> dict[str, Any]:
        """Return the hits, in one ranking or by domain."""
        grouped = self.group_by_domain or self.merge == "per_domain"
        groups = [
            {"domain": domain, "hits": [_hit(one) for one in hits]}
            for domain, hits in found.by_domain.items()
        ]
        return {
            "index": index,
            "model": model,
            "fingerprint": fingerprint,
            "merge": self.merge,
            "hits": [] if grouped else [_hit(one) for one in found.merged],
            "groups": groups if grouped else [],
        }


def _check_domains(names: Sequence[str], *, known: Sequence[str], param: str) -> None:
    for name in names:
        if name not in known:
            has, hint = ", ".join(known), did_you_mean(name, known)
            raise not_found(f"{param}: no domain '{name}' (has: {has}).{hint}", param=param)


def _hit(placed: Placed) -> dict[str, Any]:
    hit = placed.hit
    return {
        "id": hit.id,
        "uri": hit.uri,
        "domain": hit.domain,
        "label": hit.label,
        "score": round(hit.score, 6),
        "calibrated_score": round(placed.calibrated_score, 4),
        "rank": placed.rank,
    }
