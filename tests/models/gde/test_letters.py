"""Generators of letters: what each letter may depend on, exact likelihoods, sampling with and without a cache."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from core.modalities.sequence import Sequence
from core.models.gde.base import generators
from core.models.gde.letters import Autoregressive, LetterGenerator

LATENT, LENGTH = 6, 12
OF_LETTERS = [entry.name for entry in generators if "sequence" in entry.takes]
AUTOREGRESSIVE = ["causal_transformer", "progen2", "gpt2", "hyenadna"]
CONDITIONINGS = ["addition", "prefix", "cross_attention"]
WAYS = [{"conditioning": one} for one in CONDITIONINGS] + [{"align": True}]


def build(name: str, length: int = LENGTH, alphabet: str = "ACGT", **settings: Any) -> LetterGenerator:
    """An untrained generator whose weights are all drawn, so that every part of it speaks."""
    torch.manual_seed(0)
    entry = generators[name]
    assert entry.config is not None
    size = {} if name == "position_weights" else {"width": 32}
    generator = entry.value(entry.config(**size, **settings), Sequence((length,), alphabet), LATENT)
    assert isinstance(generator, LetterGenerator)
    generator.observe(some_letters(8, 10, length, len(alphabet)).flatten(0, 1))
    with torch.no_grad():
        for weight in generator.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return generator.eval()


def some_letters(b: int, k: int, length: int = LENGTH, size: int = 4) -> torch.Tensor:
    x = torch.randint(0, size, (b, k, length))
    x[:, ::2, length - length // 3 :] = -1
    return x


def noise(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", AUTOREGRESSIVE)
def test_a_letter_depends_on_those_before_it_and_on_the_latent_alone(name: str, way: dict[str, Any]) -> None:
    generator, z = build(name, **way, rank=0), torch.randn(2, LATENT)
    targets = generator.targets(torch.randint(0, 4, (6, LENGTH))).reshape(2, 3, -1)
    for place in (0, 5, LENGTH - 1):
        other = targets.clone()
        other[..., place] = (other[..., place] + 1) % 4
        change = (generator.logits(targets, z) - generator.logits(other, z)).abs()
        assert change[:, :, : place + 1].max() < 1e-4
        assert place == LENGTH - 1 or change[:, :, place + 1].max() > 1e-3
    moved = (generator.logits(targets, z) - generator.logits(targets, z + 1)).abs()
    assert moved.amax(dim=(0, 1, 3)).min() > 1e-3  # at every place


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", AUTOREGRESSIVE)
def test_a_cache_gives_the_letters_of_the_same_noise(name: str, way: dict[str, Any]) -> None:
    generator, z = build(name, **way), torch.randn(3, LATENT)
    assert isinstance(generator, Autoregressive)
    cached = generator.sample(z, 20, noise())
    assert torch.equal(cached, generator.sample_plainly(z, 20, noise()))
    assert not torch.equal(cached, generator.sample(z, 20, noise(2)))
    assert cached.dtype == torch.int8 and cached.shape == (3, 20, LENGTH)


@pytest.mark.parametrize("name", OF_LETTERS)
def test_latents_that_share_noise_write_what_each_writes_alone(name: str) -> None:
    generator, z = build(name), torch.randn(3, LATENT)
    together = generator.sample(z, 9, noise(), alike=True)
    alone = [generator.sample(one[None], 9, noise())[0] for one in z]
    assert torch.equal(together, torch.stack(alone))
    assert not torch.equal(together, generator.sample(z, 9, noise()))


@pytest.mark.parametrize("name", [name for name in OF_LETTERS if name != "masked_diffusion"])
def test_probabilities_of_all_sequences_sum_to_one_and_are_those_of_the_samples(name: str) -> None:
    """All sequences of up to three of two letters: an oracle that needs no formula."""
    generator, z = build(name, length=3, alphabet="AC"), torch.randn(1, LATENT)
    texts = [text for size in (1, 2, 3) for text in product((0, 1), repeat=size)]
    x = torch.tensor([[*text, *[-1] * (3 - len(text))] for text in texts])
    with torch.no_grad():
        likelihood = generator.log_likelihood(x[None], z)[0].exp()
    assert float(likelihood.sum()) == pytest.approx(1.0, abs=1e-5)
    drawn = generator.sample(z, 20_000, noise())[0]
    shares = torch.stack([(drawn == text.to(torch.int8)).all(dim=1).float().mean() for text in x]).double()
    assert (shares - likelihood).abs().max() < 0.015


def test_the_bound_of_masked_diffusion_is_below_the_likelihood_of_its_letters() -> None:
    """With no weights beside the positions, the letters are independent and their likelihood is known."""
    generator, z = build("masked_diffusion"), torch.randn(1, LATENT)
    assert isinstance(generator.head, torch.nn.Linear)
    torch.nn.init.zeros_(generator.head.weight)
    x = torch.randint(0, 4, (1, 200, LENGTH))
    with torch.no_grad():
        exact = generator.positions(z)[:, :-1].log_softmax(dim=-1)[0].gather(1, x[0].T).sum(dim=0).double()
        bound = generator.log_likelihood(x, z)[0]
    assert float(bound.mean()) == pytest.approx(float(exact.mean()), rel=0.05)


@pytest.mark.parametrize("name", OF_LETTERS)
def test_untrained_the_letters_are_those_of_the_positions(name: str) -> None:
    torch.manual_seed(0)
    entry = generators[name]
    generator = entry.value(entry.config(), Sequence((8,), "ACGT"), LATENT)  # type: ignore[misc]
    x = torch.randint(0, 4, (20, 100, 8))
    x[..., 3] = 2
    x[:, :30, 6:] = -1
    z = torch.randn(20, LATENT)
    generator.observe(x.flatten(0, 1))
    drawn = generator.eval().sample(z, 100, noise()).flatten(0, 1)
    assert (drawn[:, 3] == 2).float().mean() > 0.98
    # Untrained, masked diffusion draws the end at each of the last two places by itself.
    ended = 1 - 0.7**2 if name == "masked_diffusion" else 0.3
    assert float((drawn[:, 7] < 0).float().mean()) == pytest.approx(ended, abs=0.04)
    assert (drawn[:, 0] >= 0).all()


@pytest.mark.parametrize(
    ("name", "settings"),
    [(name, {}) for name in OF_LETTERS] + [(name, way) for name, way in product(AUTOREGRESSIVE, WAYS[1:])],
)
def test_the_loss_reaches_every_weight_and_the_latent(name: str, settings: dict[str, Any]) -> None:
    generator, z = build(name, **settings), torch.randn(4, LATENT, requires_grad=True)
    generator.train().loss(some_letters(4, 16), z)["loss"].backward()
    assert z.grad is not None and z.grad.abs().max() > 0
    silent = [key for key, p in generator.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    # The start token is not used where a prefix stands in its place, nor an embedding of GPT-2's own letters.
    assert not [key for key in silent if "wte" not in key]


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("name", AUTOREGRESSIVE)
def test_what_stands_behind_the_end_does_not_count(name: str, conditioning: str) -> None:
    generator, z = build(name, conditioning=conditioning), torch.randn(2, LATENT)
    x = some_letters(2, 4)
    other = torch.where((x < 0).cumsum(dim=2) > 1, 3, x)
    torch.testing.assert_close(generator.log_likelihood(x, z), generator.log_likelihood(other, z))


def test_temperature_and_top_p_keep_the_likeliest() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(4000, 1)
    u = torch.rand(4000)
    shares = {}
    for name, settings in {"plain": {}, "cold": {"temperature": 0.05}, "top": {"top_p": 0.7}}.items():
        letters = build("position_weights", alphabet="ACG", **settings).chosen(logits, u)
        shares[name] = (letters[:, None] == torch.arange(4)).float().mean(dim=0).tolist()
    assert shares["plain"] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    assert shares["cold"] == pytest.approx([1, 0, 0, 0], abs=0.001)
    assert shares["top"] == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)


def test_checkpointing_of_hyenadna_gives_the_same_gradients() -> None:
    x, z = some_letters(2, 3), torch.randn(2, LATENT)
    gradients = []
    for use in (False, True):
        generator = build("hyenadna", use_checkpointing=use).train()
        generator.loss(x, z)["loss"].backward()
        gradients.append([p.grad.clone() for p in generator.parameters() if p.grad is not None])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no GPT-2 checkpoint: a folder with config\.json"):
        build("gpt2", folder=str(tmp_path))


def test_gpt2_takes_the_layers_of_a_local_folder(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2Model

    settings = {"n_positions": 32, "n_embd": 16, "n_layer": 1, "n_head": 2, "bos_token_id": None, "eos_token_id": None}
    net = GPT2Model(GPT2Config(vocab_size=7, **settings))
    net.save_pretrained(tmp_path)
    entry = generators["gpt2"]
    generator: Any = entry.value(entry.config(folder=str(tmp_path)), Sequence((8,), "ACGT"), LATENT)  # type: ignore[misc]
    torch.testing.assert_close(generator.net.wpe.weight, net.wpe.weight)
    assert math.isfinite(float(generator.loss(some_letters(2, 3, 8), torch.randn(2, LATENT))["loss"]))
