"""Language models as encoders: from a local folder, partly learning, and what they said of each sequence kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from core.modalities.sequence import Sequence
from core.models.gde.base import encoders
from core.models.gde.encoders.language_model import LanguageModelEncoder
from core.models.gde.pretrained import LowRank

PROTEIN = "ACDEFGHIKLMNPQRSTVWY"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cell", "gene", "the", "of"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POPSCAPE_HOME", str(tmp_path / "home"))


def build(name: str, alphabet: str = PROTEIN, length: int = 12, **settings: Any) -> LanguageModelEncoder:
    torch.manual_seed(0)
    entry = encoders[name]
    assert entry.config is not None
    encoder = entry.value(entry.config(**settings), Sequence((length,), alphabet), 5)
    assert isinstance(encoder, LanguageModelEncoder)
    return encoder.eval()


@pytest.fixture
def esm(tmp_path: Path) -> Path:
    """A tiny ESM-2 with its own tokenizer, as `save_pretrained` writes it."""
    from transformers import EsmConfig, EsmModel, EsmTokenizer

    folder = tmp_path / "esm"
    folder.mkdir()
    letters = ["<cls>", "<pad>", "<eos>", "<unk>", *PROTEIN, "X", "<mask>"]
    (folder / "vocab.txt").write_text("\n".join(letters))
    EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    settings = EsmConfig(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        pad_token_id=1, mask_token_id=len(letters) - 1, max_position_embeddings=40, position_embedding_type="rotary",
    )  # fmt: skip
    EsmModel(settings, add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_an_esm_folder_is_read_without_a_network(esm: Path) -> None:
    """The mean over tokens of the last layer, by `transformers` itself, is what the set network takes."""
    from transformers import AutoTokenizer, EsmModel

    encoder = build("esm_gnn", folder=str(esm))
    x = torch.tensor([[[0, 1, 2, 3, *[-1] * 8], [19, 18, 17, 16, 15, *[-1] * 7]]])
    net, tokenizer = EsmModel.from_pretrained(esm, add_pooling_layer=False).eval(), AutoTokenizer.from_pretrained(esm)
    said = tokenizer(["ACDE", "YWVTS"], return_tensors="pt", padding=True)
    with torch.no_grad():
        out = net(**said).last_hidden_state
        expected = torch.stack(
            [row[mask.bool()].mean(dim=0) for row, mask in zip(out, said["attention_mask"], strict=True)]
        )
        torch.testing.assert_close(encoder._said(x)[0], expected, atol=1e-5, rtol=1e-4)
    assert encoder(x).shape == (1, 5)


def test_without_the_folder_the_message_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"holds no ESM checkpoint: a folder with config\.json .* copy the folder here"
    ):
        build("esm_gnn", folder=str(tmp_path / "esm2_t6_8M_UR50D"))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match="weights in other formats"):
        build("esm_gnn", folder=str(tmp_path))


@pytest.mark.parametrize("learns", ["all", "last_layer", "lora", "nothing"])
def test_as_much_learns_as_is_asked_for(esm: Path, learns: str) -> None:
    encoder = build("esm_gnn", folder=str(esm), learns=learns, rank=2).train()
    x = torch.randint(0, 20, (2, 6, 12))
    encoder.prepare(x)
    encoder(x).square().sum().backward()
    touched = {name for name, weight in encoder.net.named_parameters() if weight.grad is not None}
    assert encoder.set.last[-1].weight.grad is not None
    if learns == "nothing":
        assert not touched
    elif learns == "lora":
        assert touched and all(".up." in name or ".down." in name for name in touched)
        assert sum(isinstance(part, LowRank) for part in encoder.net.modules()) == 4
    elif learns == "last_layer":
        assert touched and all(name.startswith("encoder.layer.1.") for name in touched)
    else:
        assert any(name.startswith("encoder.layer.0.") for name in touched)


def test_what_does_not_learn_is_asked_once(tmp_path: Path) -> None:
    x = torch.randint(0, 20, (2, 6, 12))
    x[1] = x[0]
    asked: list[int] = []

    def counting(encoder: LanguageModelEncoder) -> LanguageModelEncoder:
        net = encoder.net
        net.register_forward_pre_hook(lambda _, args, kwargs: asked.append(len(kwargs["input_ids"])), with_kwargs=True)
        return encoder

    first = counting(build("esm_gnn", learns="nothing"))
    z = first(x)
    assert sum(asked) == 6  # equal sequences once
    torch.testing.assert_close(first(x), z)
    again = counting(build("esm_gnn", learns="nothing"))  # the same weights, another process
    torch.testing.assert_close(again(x), z)
    assert sum(asked) == 6 and list((tmp_path / "home" / "cache").glob("embeddings-*.sqlite"))
    learning = build("esm_gnn", learns="all")
    torch.testing.assert_close(learning(x), z, atol=1e-5, rtol=1e-4)


def test_bert_reads_texts_with_the_tokenizer_of_its_folder(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    settings = BertConfig(vocab_size=len(WORDS), **size)
    BertModel(settings, add_pooling_layer=False).save_pretrained(folder)
    alphabet = "abcdefghijklmnopqrstuvwxyz "
    texts = ["the gene of the cell", "the cell of the gene"]
    rows = torch.full((1, 2, 20), -1)
    for i, text in enumerate(texts):
        rows[0, i] = torch.tensor([alphabet.index(letter) for letter in text])
    encoder = build("bert_gnn", alphabet=alphabet, length=20, folder=str(folder))
    ids, mask = encoder._tokens(rows[0])
    assert ids.tolist() == [[2, 7, 6, 8, 7, 5, 3], [2, 7, 5, 8, 7, 6, 3]] and bool(mask.all())
