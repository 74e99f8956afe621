"""A generative image-text model as a tower. Shapes: B items, L positions, D width."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from torch import Tensor
from transformers import AutoModelForImageTextToText

from samesense.core.errors import ModelError
from samesense.encoder.render.mllm import MllmRenderer
from samesense.encoder.tokens import Tokens
from samesense.encoder.towers import adapter as lora
from samesense.encoder.towers.loading import load_weights
from samesense.encoder.towers.options import LoraOptions, MllmTowerOptions
from samesense.encoder.towers.placing import placed
from samesense.encoder.towers.tower import Tower
from samesense.encoder.towers.weights import hash_tensors


class MllmTower(Tower):
    """Any image-text model of transformers, read at its last layer, with LoRA where asked for.

    The language-model head is never computed: an embedding has no use for a score of every word.
    """

    gives: Literal["tokens"] = "tokens"

    def __init__(
        self,
        model: Any,
        *,
        renderer: MllmRenderer,
        source: str,
        adapter: LoraOptions | None = None,
        layers: Sequence[int] = (),
    ) -> None:
        """Wrap a loaded model; ``layers`` are those whose states are given beside the last one's.

        Raises:
            ModelError: if the model has fewer layers, or the adapter does not fit.
        """
        text = model.config.get_text_config()
        if layers and -min(layers) > text.num_hidden_layers:
            raise ModelError(
                f"{source}: has {text.num_hidden_layers} layers, so there is no layer {min(layers)}"
            )
        if adapter is not None:
            model = lora.add_adapter(model, adapter, source=source)
        super().__init__(model, renderer=renderer, source=source, width=text.hidden_size)
        self.adapter = adapter
        self.layers = tuple(layers)

    @classmethod
    def load(cls, options: MllmTowerOptions, *, layers: Sequence[int] = ()) -> "MllmTower":
        """Load weights and rendering.

        Raises:
            ModelError: saying which part of which model failed, why and what to do.
        """
        renderer = MllmRenderer.load(options)
        model = load_weights(AutoModelForImageTextToText, options)
        return cls(
            model, renderer=renderer, source=options.model, adapter=options.lora, layers=layers
        )

    def forward(self, inputs: Mapping[str, Tensor]) -> Tokens:
        """Return the states after the last layer and the final norm, (B, L, D), and the mask."""
        ready = placed(inputs, beside=self.model)
        mask_BL = ready["attention_mask"]
        if "mm_token_type_ids" not in ready:
            # Positions count from an item's first real token, whatever its neighbours' lengths.
            # Families with positions in space and time work theirs out from the token types.
            ready["position_ids"] = (mask_BL.long().cumsum(dim=1) - 1).clamp(min=0)
        found = self._plain.base_model(
            **ready, use_cache=False, output_hidden_states=bool(self.layers)
        )
        return Tokens(
            states_BLD=found.last_hidden_state,
            mask_BL=mask_BL,
            layers={layer: found.hidden_states[layer] for layer in self.layers},
        )

    @property
    def has_adapter(self) -> bool:
        """Whether there are weights beside the model's own."""
        return self.adapter is not None

    def without_adapter(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with its own weights alone."""
        return lora.disabled(self.model) if self.has_adapter else nullcontext()

    def own_weights(self) -> dict[str, Tensor]:
        """Return the model's own weights and buffers by name."""
        return lora.own_weights(self.model) if self.has_adapter else super().own_weights()

    def identity(self, *, adapter: bool = True) -> dict[str, Any]:
        """Return everything of the tower that shapes a vector, as JSON values.

        Without its adapter, or with one that adds nothing yet, a tower is the same as one that
        never had any.
        """
        own = super().identity()
        weights = lora.adapter_weights(self.model) if self.has_adapter and adapter else {}
        if self.adapter is None or lora.is_void(weights):
            return own
        scale = self.adapter.alpha / self.adapter.rank
        return own | {"adapter": {"scale": scale, "weights": hash_tensors(weights)}}

    def save(self, folder: Path) -> None:
        """Write model, tokenizer and image processor; an adapter stays behind."""
        self._plain.save_pretrained(folder, state_dict=self.own_weights())
        self.renderer.save(folder)

    def save_adapter(self, folder: Path, *, trained: bool) -> None:
        """Write the adapter in PEFT's format and read it back.

        Raises:
            ModelError: if what was read is not what it should be, see ``check_adapter``.
        """
        self.model.save_pretrained(folder, save_embedding_layers=False)
        lora.check_adapter(folder, expected=lora.adapter_weights(self.model), trained=trained)

    def merge_adapter(self) -> None:
        """Add the adapter to the model's own weights, for good."""
        if self.has_adapter:
            self.model = self.model.merge_and_unload()
            self.adapter = None

    @property
    def _plain(self) -> Any:
        """The model of transformers, whose layers hold the adapter."""
        return self.model.get_base_model() if self.has_adapter else self.model
