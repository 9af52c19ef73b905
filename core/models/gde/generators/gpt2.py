"""GPT-2 as `transformers` builds it, from nothing or from a local folder, writing letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from core.config.schema import more
from core.modalities.base import Observation
from core.models.gde.base import generators
from core.models.gde.letters import Autoregressive, AutoregressiveConfig
from core.models.gde.pretrained import folder_of
from core.models.gde.rotary import heads_of


@dataclass(frozen=True)
class GPT2Config(AutoregressiveConfig):
    """Settings of GPT-2."""

    folder: str = more("", "Folder of a GPT-2 checkpoint whose layers are taken; empty: trained from nothing.")


@generators.register(
    "gpt2",
    title="GPT-2",
    takes=("sequence",),
    config=GPT2Config,
    help="GPT-2 with learned positions, through transformers; its letters are those of the data.",
    source="Radford et al. 2019; Fishman et al. 2025, appendix A.2",
)
class GPT2(Autoregressive):
    """The layers of GPT-2 between our letters and our head."""

    def __init__(self, config: GPT2Config, observation: Observation, latent: int) -> None:
        from transformers import GPT2Config as Settings
        from transformers import GPT2Model

        crossed = config.conditioning == "cross_attention"
        if config.folder:
            folder = folder_of(config.folder, "GPT-2")
            net = GPT2Model.from_pretrained(folder, local_files_only=True, add_cross_attention=crossed)
        else:
            settings = Settings(
                vocab_size=1, n_positions=observation.stored[0] + 1, n_embd=config.width, n_layer=config.depth,
                n_head=heads_of(config.width), resid_pdrop=config.dropout, embd_pdrop=config.dropout,
                attn_pdrop=config.dropout, bos_token_id=None, eos_token_id=None, add_cross_attention=crossed,
            )  # fmt: skip
            net = GPT2Model(settings)
        super().__init__(config, observation, latent, net.config.n_embd)
        self.net = net

    def hidden(self, tokens: Tensor, memory: Tensor | None) -> Tensor:
        out: Tensor = self.net(inputs_embeds=tokens, encoder_hidden_states=memory, use_cache=False).last_hidden_state
        return out

    def begin(self, n: int, memory: Tensor | None) -> Any:
        from transformers import DynamicCache, EncoderDecoderCache

        cache = DynamicCache(config=self.net.config)
        # It keeps the keys and values of the memory too.
        return (EncoderDecoderCache(cache, DynamicCache(config=self.net.config)) if self.crossed else cache), memory

    def step(self, token: Tensor, place: int, kept: Any) -> Tensor:
        cache, memory = kept
        out = self.net(inputs_embeds=token[:, None], encoder_hidden_states=memory, cache=cache, use_cache=True)
        return out.last_hidden_state[:, 0]
