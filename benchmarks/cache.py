"""An epoch of alignment training on cached vectors, against one that re-encodes every image.

Both take the same batches through the same module, losses and optimiser; they differ in where the
tower vectors come from. The cached epoch reads them anew from the Parquet cache.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _setting import arguments, realistic_backbone, report, untrained, write_images

from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.encoder import Encoder
from samesense.objectives.coherence import coherence
from samesense.objectives.multi_positive import multi_positive
from samesense.vectors.cache import VectorCache

ITEMS_PER_STEP = 120
EPOCHS = 3
Rows = np.ndarray


def epoch(
    encoder: Encoder, manifest: Manifest, vectors_of: Callable[[Rows], torch.Tensor]
) -> float:
    """Take every item once, in shuffled steps; return the seconds that it took."""
    label, domain = manifest.column("label"), manifest.column("domain")
    concept_N = torch.tensor([manifest.labels.index(name) for name in label])
    domain_N = torch.tensor([manifest.domains.index(name) for name in domain])
    trained = [p for p in encoder.blocks["align"].parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-3)
    view = encoder.options.vector["image"]
    started = time.monotonic()
    order_N = np.random.default_rng(0).permutation(len(manifest))
    for start in range(0, len(order_N), ITEMS_PER_STEP):
        items_B = order_N[start : start + ITEMS_PER_STEP]
        z_BD = encoder.after_tower(view, h_BD=vectors_of(items_B))
        at = {"concept_B": concept_N[items_B], "domain_B": domain_N[items_B]}
        loss = multi_positive(z_BD, **at, temperature=0.1) + 0.5 * coherence(z_BD, **at)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.monotonic() - started


def encode(encoder: Encoder, manifest: Manifest, items_B: Rows) -> torch.Tensor:
    """Fetch, decode, render and encode images."""
    pictures = []
    for uri in manifest.column("uri")[items_B]:
        picture = decode(Path(uri).read_bytes(), limits=DecodeLimits())
        assert not isinstance(picture, Rejected)
        pictures.append(picture)
    inputs = encoder.renderer("image").prepare_images(pictures)
    with torch.no_grad():
        return encoder.tower_vectors(encoder.options.vector["image"], inputs=inputs)


def compare(place: Path, *, images: int, backbone: str | None) -> None:
    """Time both epochs over the same images."""
    artefact = untrained(
        place / "model", backbone=backbone or realistic_backbone(place / "backbone")
    )
    manifest = scan(write_images(place / "images", count=images, side_px=224)).manifest
    encoder = artefact.encoder()
    keys = list(manifest.column("content_hash"))
    live = epoch(encoder, manifest, lambda items_B: encode(encoder, manifest, items_B))
    written = VectorCache(place / "cache", fingerprint=encoder.tower_fingerprint())
    for start in range(0, images, ITEMS_PER_STEP):
        items_B = np.arange(start, min(start + ITEMS_PER_STEP, images))
        rows = encode(encoder, manifest, items_B).numpy()
        written.put([keys[item] for item in items_B], rows)

    def cached_epoch() -> float:
        started = time.monotonic()
        cache = VectorCache(place / "cache", fingerprint=encoder.tower_fingerprint())
        h_ND = torch.from_numpy(np.ascontiguousarray(cache.get(keys)))
        read = time.monotonic() - started
        return read + epoch(encoder, manifest, lambda items_B: h_ND[torch.from_numpy(items_B)])

    cached = float(np.median([cached_epoch() for _ in range(EPOCHS)]))
    report(
        "cache.epoch",
        ratio=live / cached,
        bar=100,
        images=images,
        seconds_cached=cached,
        seconds_encoding=live,
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", images=1200)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), images=given.images, backbone=given.backbone)
