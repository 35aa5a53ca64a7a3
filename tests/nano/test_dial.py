"""Every dial's networks fit into what is shipped."""

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from sartor.nano.autoencoder import build
from sartor.nano.bank import Bank
from sartor.nano.base import build_transformer
from sartor.nano.dial import DIALS
from sartor.nano.text import build_encoder
from sartor.nano.tokenizer import train_tokenizer

MOST = 80e6  # bytes of weights in the package


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_weights_fit_into_80_megabytes(name: str, work) -> None:
    dial = DIALS[name]
    tokenizer: PreTrainedTokenizerFast = train_tokenizer(Bank(work), dial.vocabulary)
    with torch.device("meta"):
        networks = [build_transformer(dial), build_encoder(dial, tokenizer), build(dial)]
    count = sum(parameter.numel() for network in networks for parameter in network.parameters())
    count += (dial.vocabulary - len(tokenizer)) * dial.text_width
    assert 30e6 < 2 * count < MOST
