"""Language models as encoders: each sequence by a transformer, the set of them by a graph network."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.modalities.sequence import spell
from core.modalities.vector import Vector
from core.models.gde.base import Chunks, Encoder, encoders
from core.models.gde.encoders.resnet_gnn import ResNetGNNConfig, ResNetGNNEncoder
from core.models.gde.pretrained import LEARNS, EmbeddingCache, folder_of, let_learn
from core.models.gde.rotary import heads_of

PAD, BEGIN, END, MASK, LETTERS = 0, 1, 2, 3, 4  # tokens of a model trained from nothing; letters from 4 on
AT_ONCE = 20_000  # tokens that pass the network at once where no gradient is kept


@dataclass(frozen=True)
class LanguageModelConfig:
    """Settings of the encoders by a language model."""

    folder: str = setting(
        "", "Folder of a checkpoint, as `save_pretrained` of transformers writes it; empty: a small one, from nothing."
    )
    learns: str = setting(
        "all",
        "What of the transformer learns: all, its last layer, corrections of low rank (LoRA), or nothing: then what it "
        "says of each sequence is kept on disk.",
        choices=LEARNS,
    )
    rank: int = more(8, "Rank of the corrections.", low=1, high=256)
    width: int = setting(48, "Width of a transformer from nothing.", low=8, high=4096)
    depth: int = setting(2, "Layers of a transformer from nothing.", low=1, high=64)
    set_width: int = setting(64, "Width of the network over the set.", low=4, high=4096)
    rounds: int = more(1, "Rounds in which sequences meet the mean of their set.", low=0, high=12)


class LanguageModelEncoder(Encoder):
    """z = GNN({mean over tokens of the transformer's last layer}): equal sequences are embedded once."""

    letters = True
    what = ""

    def __init__(self, config: LanguageModelConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.alphabet, self.length = observation.alphabet, observation.stored[0]
        self.tokenizer: Any = None
        if config.folder:
            from transformers import AutoTokenizer

            folder = folder_of(config.folder, self.what)
            self.net = self.loaded(str(folder))
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        else:
            self.net = self.fresh()
        let_learn(self.net, list(self.net.encoder.layer), config.learns, config.rank)
        features = int(self.net.config.hidden_size)
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("unit", torch.ones(()))
        inner = ResNetGNNConfig(width=config.set_width, rounds=config.rounds, covariances=0)
        self.set = ResNetGNNEncoder(inner, Vector((features,)), latent)
        self._cache: EmbeddingCache | None = None

    @abstractmethod
    def fresh(self) -> Any:
        """A transformer from nothing, of `self.config` and for `self.length` letters of `self.alphabet`."""

    @abstractmethod
    def loaded(self, folder: str) -> Any:
        """The transformer of a folder."""

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        said = self._said(x)
        self.centre = said.flatten(0, 1).mean(dim=0)
        # One unit for all features: their differences say how much each tells.
        self.unit = (said.flatten(0, 1) - self.centre).square().mean().sqrt().clamp_min(1e-6)
        self.set.prepare(self.sequences(x))

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        return self.set(self.sequences(x), weights)

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks) -> Tensor:
        return self.set.encode_stream(lambda: (self.sequences(chunk[None])[0] for chunk in chunks()))

    def sequences(self, x: Tensor) -> Tensor:
        """Letters (b, k, l) → (b, k, features), centred and in one unit."""
        return (self._said(x) - self.centre) / self.unit

    def _said(self, x: Tensor) -> Tensor:
        rows, place = torch.unique(x.flatten(0, 1).to(torch.int8), dim=0, return_inverse=True)
        if self.config.learns == "nothing":
            self._cache = self._cache or EmbeddingCache(self.net)
            letters = rows.cpu().numpy()
            known = self._cache.look_up(letters, lambda new: self._embedded(rows[torch.from_numpy(new)]))
            said = torch.from_numpy(known).to(x.device)
        else:
            said = self._embedded(rows)
        return said[place].reshape(*x.shape[:2], -1)

    def _embedded(self, rows: Tensor) -> Tensor:
        """Letters (n, l) → (n, features): the mean over the tokens of each."""
        if torch.is_grad_enabled() and self.config.learns != "nothing":
            return self._mean(rows)
        step = max(1, AT_ONCE // (self.length + 2))
        with torch.no_grad():
            was, self.net.training = self.net.training, False
            parts = [self._mean(rows[i : i + step]) for i in range(0, len(rows), step)]
            self.net.training = was
        return torch.cat(parts)

    def _mean(self, rows: Tensor) -> Tensor:
        ids, mask = self._tokens(rows)
        out: Tensor = self.net(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask[..., None].to(out)
        return (out * weight).sum(dim=1) / weight.sum(dim=1)

    def _tokens(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Token numbers and mask (n, t) of letters (n, l)."""
        if self.tokenizer is not None:
            texts = spell(rows.cpu().numpy().astype(np.int8), self.alphabet)
            most = int(getattr(self.net.config, "max_position_embeddings", 0) or self.length + 2)
            said = self.tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=most)
            return said["input_ids"].to(rows.device), said["attention_mask"].to(rows.device)
        ids = torch.where(rows >= 0, rows.long() + LETTERS, PAD)
        ids = torch.cat([torch.full_like(ids[:, :1], BEGIN), ids], dim=1)
        return ids, (ids != PAD).long()


@encoders.register(
    "esm_gnn",
    title="ESM-2 + graph network",
    takes=("sequence",),
    config=LanguageModelConfig,
    help="ESM-2 of any size on each sequence, from a local folder or small from nothing; a graph network over the set.",
    source="Lin et al. 2023 (ESM-2); Fishman et al. 2025, appendix A.2",
)
class ESMEncoder(LanguageModelEncoder):
    """ESM-2: a transformer with rotary positions."""

    what = "ESM"

    def fresh(self) -> Any:
        from transformers import EsmConfig, EsmModel

        c = self.config
        settings = EsmConfig(
            vocab_size=LETTERS + len(self.alphabet), hidden_size=c.width, num_hidden_layers=c.depth,
            num_attention_heads=heads_of(c.width), intermediate_size=4 * c.width, pad_token_id=PAD, mask_token_id=MASK,
            max_position_embeddings=self.length + 3, position_embedding_type="rotary", token_dropout=False,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, emb_layer_norm_before=False,
        )  # fmt: skip
        return EsmModel(settings, add_pooling_layer=False)

    def loaded(self, folder: str) -> Any:
        from transformers import EsmModel

        return EsmModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)


@encoders.register(
    "bert_gnn",
    title="BERT + graph network",
    takes=("sequence",),
    config=LanguageModelConfig,
    help="BERT on each text, from a local folder with its own tokenizer, or small from nothing on letters; a graph "
    "network over the set.",
    source="Devlin et al. 2019; Fishman et al. 2025, appendix A.2",
)
class BERTEncoder(LanguageModelEncoder):
    """BERT: a transformer with learned positions."""

    what = "BERT"

    def fresh(self) -> Any:
        from transformers import BertConfig, BertModel

        c = self.config
        settings = BertConfig(
            vocab_size=LETTERS + len(self.alphabet), hidden_size=c.width, num_hidden_layers=c.depth,
            num_attention_heads=heads_of(c.width), intermediate_size=4 * c.width, pad_token_id=PAD,
            max_position_embeddings=self.length + 2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        return BertModel(settings, add_pooling_layer=False)

    def loaded(self, folder: str) -> Any:
        from transformers import BertModel

        return BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
