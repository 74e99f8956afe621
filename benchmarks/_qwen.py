"""Qwen2-VL from random weights: the sizes of the 2B model, or tiny ones to try a script out."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from transformers import PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from samesense.encoder.prompts import PROMPTS

PATCH_PX, MERGE = 14, 2
START_STD = 0.02
PAD = "<|endoftext|>"
VISION_TOKENS = ("vision_start", "vision_end", "image_pad", "video_pad")
SPECIAL = (PAD, "<|im_start|>", "<|im_end|>", *(f"<|{name}|>" for name in VISION_TOKENS))
CHAT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Sizes:
    """What makes a Qwen2-VL large."""

    width: int
    layers: int
    heads: int
    key_heads: int
    intermediate: int
    vocabulary: int
    vision_width: int
    vision_layers: int
    vision_heads: int


TWO_BILLION = Sizes(
    width=1536,
    layers=28,
    heads=12,
    key_heads=2,
    intermediate=8960,
    vocabulary=151_936,
    vision_width=1280,
    vision_layers=32,
    vision_heads=16,
)
TINY = Sizes(
    width=64,
    layers=2,
    heads=2,
    key_heads=1,
    intermediate=128,
    vocabulary=1024,
    vision_width=64,
    vision_layers=2,
    vision_heads=2,
)


def build_qwen2_vl(folder: Path, *, sizes: Sizes, device: str) -> str:
    """Write a model in bfloat16 as the hub would, its weights drawn on a device; return its folder.

    Its tokenizer knows the words of the platform's prompts, so they take as many tokens as usual.
    """
    tokenizer = _build_tokenizer()
    with torch.device("meta"):
        model = Qwen2VLForConditionalGeneration(_configure(tokenizer, sizes)).to(torch.bfloat16)
    model = model.to_empty(device=device)
    model.tie_weights()
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        _draw(name, weight)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil(
        patch_size=PATCH_PX,
        merge_size=MERGE,
        size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280},
    ).save_pretrained(folder)
    return str(folder)


@torch.no_grad()
def _draw(name: str, weight: nn.Parameter) -> None:
    if name.endswith("bias"):
        weight.zero_()
    elif weight.dim() == 1:
        weight.fill_(1.0)
    else:
        weight.normal_(std=START_STD)


def _build_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY.vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    sentences = [text for p in PROMPTS.values() for text in (p.of_image, p.of_text)]
    tokenizer.train_from_iterator([CHAT, *sentences], trainer)
    built = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token="<|im_end|>", padding_side="left"
    )
    built.chat_template = CHAT
    return built


def _configure(tokenizer: PreTrainedTokenizerFast, sizes: Sizes) -> Qwen2VLConfig:
    eighth = sizes.width // sizes.heads // 8
    text = {
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.width,
        "intermediate_size": sizes.intermediate,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.key_heads,
        "max_position_embeddings": 32_768,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e6,
            "mrope_section": [eighth, eighth * 3 // 2, eighth * 3 // 2],
        },
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    vision = {
        "depth": sizes.vision_layers,
        "embed_dim": sizes.vision_width,
        "hidden_size": sizes.width,
        "num_heads": sizes.vision_heads,
        "mlp_ratio": 4,
        "patch_size": PATCH_PX,
        "spatial_merge_size": MERGE,
    }
    return Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        **{f"{n}_token_id": tokenizer.convert_tokens_to_ids(f"<|{n}|>") for n in VISION_TOKENS[:2]},
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<|video_pad|>"),
    )
