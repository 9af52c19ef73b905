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

        if config.folder:
            net = GPT2Model.from_pretrained(folder_of(config.folder, "GPT-2"), local_files_only=True)
        else:
            settings = Settings(
                vocab_size=1, n_positions=observation.stored[0] + 1, n_embd=config.width, n_layer=config.depth,
                n_head=heads_of(config.width), resid_pdrop=config.dropout, embd_pdrop=config.dropout,
                attn_pdrop=config.dropout, bos_token_id=None, eos_token_id=None,
            )  # fmt: skip
            net = GPT2Model(settings)
        super().__init__(config, observation, latent, net.config.n_embd)
        self.net = net

    def hidden(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.net(inputs_embeds=tokens, use_cache=False).last_hidden_state
        return out

    def begin(self, n: int) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.net.config)

    def step(self, token: Tensor, place: int, kept: Any) -> Tensor:
        out: Tensor = self.net(inputs_embeds=token[:, None], cache=kept, use_cache=True).last_hidden_state
        return out[:, 0]
