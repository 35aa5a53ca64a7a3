"""Text into what the transformer reads: every hidden layer of the language model, and the last two joined.

No adapter touches the text encoder, so that one cache of encodings serves every tailored model.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sartor.fibo.attention import DEFAULT, kernel
from sartor.fibo.readers import Reader

log = logging.getLogger(__name__)

MAX_TOKENS = 3000
"""FIBO's own limit; longer texts are cut."""
CACHE_BYTES = 1 << 30
"""At full size a prompt of 1,500 tokens takes about 220 MB in bf16."""


@dataclass(frozen=True)
class EncodedPrompt:
    """embeds [1, T, 2d]: the last and the last but one layer; layers: all of them, [1, T, d], from the words on."""

    embeds: Tensor
    layers: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        return self.embeds.shape[1]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.embeds, *self.layers))

    def to(self, device: torch.device) -> "EncodedPrompt":
        """The same on a device; itself where it is there already."""
        if self.embeds.device == device:
            return self
        return EncodedPrompt(self.embeds.to(device), tuple(layer.to(device) for layer in self.layers))

    def layers_for(self, depth: int) -> list[Tensor]:
        """One layer per transformer block: the last `depth` of them, or all and then the last one again and again."""
        if len(self.layers) >= depth:
            return list(self.layers[len(self.layers) - depth :])
        return [*self.layers, *[self.layers[-1]] * (depth - len(self.layers))]


class PromptEncoder:
    """Encodes one text at a time and remembers the latest, up to `cache_bytes`.

    text_encoder is a transformers causal language model or its inner model; logits are never computed. visit: what to
    enter around its use, where it does not live on the device. reader: how the checkpoint reads texts (readers.py).
    """

    def __init__(
        self,
        text_encoder: Any,
        tokenizer: Any,
        *,
        cache_bytes: int = CACHE_BYTES,
        visit: Callable[[], AbstractContextManager[None]] = nullcontext,
        reader: Reader | None = None,
    ) -> None:
        self._model = getattr(text_encoder, "model", text_encoder)
        self._tokenizer = tokenizer
        self._cache_bytes = cache_bytes
        self._visit = visit
        self.reader = reader
        self._cache: OrderedDict[str, EncodedPrompt] = OrderedDict()
        self._held = 0

    def token_ids(self, text: str) -> Tensor:
        """int64 [1, T] on the model's device; the empty text is the tokenizer's own beginning-of-sequence token."""
        if text:
            text = self.reader.read(text) if self.reader else text
            ids = self._tokenizer(text, add_special_tokens=True)["input_ids"]
            if len(ids) > MAX_TOKENS:
                log.warning("a text of %d tokens was cut to %d", len(ids), MAX_TOKENS)
                ids = ids[:MAX_TOKENS]
        else:
            own = self._tokenizer.bos_token_id
            ids = [self._model.config.bos_token_id if own is None else own]
        return torch.tensor([ids], dtype=torch.long, device=self._model.device)

    @torch.no_grad()
    def encode(self, text: str) -> EncodedPrompt:
        """The text's layers, from the cache where they are still there."""
        if (found := self._cache.get(text)) is not None:
            self._cache.move_to_end(text)
            return found
        with self._visit(), kernel(DEFAULT):
            ids = self.token_ids(text)
            answer = self._model(ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, use_cache=False)
        layers = tuple(answer.hidden_states)
        encoded = EncodedPrompt(torch.cat([layers[-1], layers[-2]], dim=-1), layers)
        self._cache[text] = encoded
        self._held += encoded.nbytes
        while self._held > self._cache_bytes:
            _, oldest = self._cache.popitem(last=False)
            self._held -= oldest.nbytes
        return encoded

    def forget(self) -> None:
        """Empties the cache."""
        self._cache.clear()
        self._held = 0
