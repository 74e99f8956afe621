"""A small image-text model of the Idefics3 architecture, from random weights.

For places that no pretrained model reaches: it is saved in the Hugging Face layout and loads like
any other model, but sees nothing until it is trained.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from samesense.encoder.prompts import PROMPTS

PAD, BEGIN, END, IMAGE = "<pad>", "<s>", "</s>", "<image>"
SPECIAL = (
    PAD,
    BEGIN,
    END,
    IMAGE,
    "<fake_token_around_image>",
    "<global-img>",
    "<end_of_utterance>",
)
PATCH_SIDE_PX = 8
SHUFFLE = 2
HEAD_WIDTH = 32
VOCABULARY = 1024
START_STD = 0.1
"""About 1/√width. With the 0.02 that suits wide models, so narrow a one does not start to learn."""


def build_idefics3(
    folder: Path,
    *,
    words: Sequence[str],
    side_px: int = 48,
    seed: int,
    width: int = 96,
    vision_layers: int = 3,
    text_layers: int = 2,
) -> None:
    """Write a model whose tokenizer knows the platform's prompts and ``words`` as whole words.

    One image takes (side_px / 16)² image tokens. The same arguments give the same weights.

    Raises:
        ValueError: if ``side_px`` is no multiple of 16, or ``width`` none of 32.
    """
    if side_px % (PATCH_SIDE_PX * SHUFFLE) or width % HEAD_WIDTH:
        raise ValueError("side_px must be a multiple of 16 and width one of 32")
    tokenizer = _build_tokenizer(words)
    config = _configure(
        tokenizer,
        side_px=side_px,
        width=width,
        vision_layers=vision_layers,
        text_layers=text_layers,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Idefics3ForConditionalGeneration(config)
    model.save_pretrained(folder)
    Idefics3Processor(
        _build_image_processor(side_px),
        tokenizer,
        image_seq_len=(side_px // (PATCH_SIDE_PX * SHUFFLE)) ** 2,
    ).save_pretrained(folder)


def _build_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any text has tokens, and the known words have one each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sentences(words), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        padding_side="left",
        additional_special_tokens=list(SPECIAL[3:]),
    )


def _sentences(words: Sequence[str]) -> Iterable[str]:
    for prompt in PROMPTS.values():
        yield from (f"\n{prompt.of_image}", f"\n{prompt.of_text}")
    for word in words:
        yield from (word, f" {word}", f" {word}")


def _configure(
    tokenizer: PreTrainedTokenizerFast,
    *,
    side_px: int,
    width: int,
    vision_layers: int,
    text_layers: int,
) -> Idefics3Config:
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=text_layers,
        num_attention_heads=width // HEAD_WIDTH,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=START_STD,
    )
    vision = {
        "hidden_size": width,
        "intermediate_size": width * 4,
        "num_hidden_layers": vision_layers,
        "num_attention_heads": width // HEAD_WIDTH,
        "image_size": side_px,
        "patch_size": PATCH_SIDE_PX,
        "hidden_act": "gelu",
        "initializer_range": START_STD,
    }
    return Idefics3Config(
        text_config=text,
        vision_config=vision,
        scale_factor=SHUFFLE,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        tie_word_embeddings=True,
    )


def _build_image_processor(side_px: int) -> Idefics3ImageProcessorPil:
    return Idefics3ImageProcessorPil(
        size={"longest_edge": side_px},
        max_image_size={"longest_edge": side_px},
        do_image_splitting=False,
        resample=Image.Resampling.BILINEAR,
    )
