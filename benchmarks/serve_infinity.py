"""The service beside infinity, another embedding server, on a CLIP of the same saved weights.

infinity needs an environment of its own, as it takes older versions of the same libraries:
`python -m venv .venv-infinity`, then `.venv-infinity/bin/pip install "infinity-emb[server,torch]"
aiohttp`.
Both get the same JPEGs from 32 clients, in turns, so that both meet the same pace of the machine.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _load import data_uri, throughput, turns, warm_up
from _server import server
from _service import service
from _setting import report, write_images
from tokenizers import pre_tokenizers
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from samesense.artefact.folder import Artefact, save_artefact
from samesense.encoder.build import build_encoder
from samesense.recipe.load import load_recipe

CLIENTS = 32
OURS_PER_FORWARD, THEIRS_PER_FORWARD = 16, 32
SIDE_PX, PATCH_PX = 224, 32
VISION = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
TEXT = {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8}
PROJECTION = 512


def build_clip(folder: Path) -> Path:
    """Write a CLIP of ViT-B/32's sizes with random weights, as the hub would hold it."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, merges=[])
    shared = {"projection_dim": PROJECTION, "num_hidden_layers": 12}
    vision = shared | VISION | {"image_size": SIDE_PX, "patch_size": PATCH_PX}
    text = shared | TEXT | {"vocab_size": len(pieces), "bos_token_id": 512, "eos_token_id": 513}
    CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=PROJECTION)
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE_PX}, crop_size={"height": SIDE_PX, "width": SIDE_PX}
    ).save_pretrained(folder)
    # The name by which older versions know it.
    settings = folder / "preprocessor_config.json"
    kept = json.loads(settings.read_text()) | {"image_processor_type": "CLIPImageProcessor"}
    settings.write_text(json.dumps(kept))
    return folder


def as_model(clip: Path, folder: Path) -> Artefact:
    """Write the same CLIP as a model of ours."""
    recipe = load_recipe("clip_domain").with_block("clip", model=str(clip))
    encoder = build_encoder(recipe)
    return save_artefact(folder, recipe=recipe, encoder=encoder, metrics={}, provenance={})


@contextmanager
def infinity(program: Path, clip: Path) -> Iterator[str]:
    """Run infinity and yield the address that embeds."""
    command = [program, "v2", "--model-id", clip, "--engine", "torch", "--device", "cpu"]
    command += ["--no-bettertransformer", "--served-model-name", "default"]
    command += ["--batch-size", str(THEIRS_PER_FORWARD), "--log-level", "warning"]
    with server(command, health="/health") as address:
        yield f"{address}/embeddings"


def measure(place: Path, *, images: int, program: Path) -> None:
    """Run both over the same images."""
    clip = build_clip(place / "clip")
    artefact = as_model(clip, place / "model")
    folder = write_images(place / "images", count=images, side_px=SIDE_PX)
    bodies = [
        {"model": "default", "modality": "image", "input": [data_uri(path.read_bytes())]}
        for path in sorted(Path(folder).rglob("*.jpg"))
    ]
    ours, theirs = [], []
    for turn in turns(images):
        with service(place, artefact, items_per_forward=OURS_PER_FORWARD) as url:
            warm_up(url, bodies, clients=CLIENTS)
            ours.append(throughput(url, bodies[turn], clients=CLIENTS))
        if program.is_file():
            with infinity(program, clip) as url:
                warm_up(url, bodies, clients=CLIENTS)
                theirs.append(throughput(url, bodies[turn], clients=CLIENTS))
    rates = [statistics.harmonic_mean(one) if one else None for one in (ours, theirs)]
    report(
        "serve.beside_infinity",
        ratio=rates[0] / rates[1] if rates[1] else None,
        bar=1.0,
        images=images,
        clients=CLIENTS,
        images_per_second=rates[0],
        images_per_second_infinity=rates[1],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=768)
    here = Path(__file__).parents[1]
    parser.add_argument(
        "--infinity",
        type=Path,
        default=here / ".venv-infinity" / "bin" / "infinity_emb",
        help="its program; without it only ours is measured",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), images=given.images, program=given.infinity)
