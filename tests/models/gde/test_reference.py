"""Along a reference letters behind a gap stand where they belong, and mutations foretell others."""

from __future__ import annotations

import torch

from core.modalities.sequence import Sequence
from core.models.gde.base import generators
from core.models.gde.letters import Autoregressive, LetterGenerator
from core.models.gde.reference import Places, Reference

LENGTH, LETTERS = 210, 20
LOST, GAINED, CHANGED = 60, 120, 150  # where a family loses three letters, gains two, has one changed
REFERENCE = torch.randint(0, LETTERS, (200,), generator=torch.Generator().manual_seed(0))


def family() -> dict[str, torch.Tensor]:
    """One reference and three variants of it."""
    changed = REFERENCE.clone()
    changed[CHANGED] = (changed[CHANGED] + 1) % LETTERS
    return {
        "reference": REFERENCE,
        "lost": torch.cat([REFERENCE[:LOST], REFERENCE[LOST + 3 :]]),
        "gained": torch.cat([REFERENCE[:GAINED], torch.tensor([1, 2]), REFERENCE[GAINED:]]),
        "changed": changed,
    }


def stored(one: torch.Tensor) -> torch.Tensor:
    """(1, LENGTH) int8, −1 behind the end."""
    return torch.nn.functional.pad(one, (0, LENGTH - len(one)), value=-1)[None].to(torch.int8)


def trained() -> torch.Tensor:
    """Some of each, most of the reference."""
    return torch.cat([stored(one).repeat(9 - 2 * i, 1) for i, one in enumerate(family().values())])


def places(one: torch.Tensor) -> torch.Tensor:
    found = Places(LENGTH, LETTERS)
    found.fit(trained())
    return found(one[None])[0]


def test_letters_stand_where_those_of_the_reference_do() -> None:
    at = torch.arange(LENGTH + 1)
    of = {name: places(one) for name, one in family().items()}
    assert torch.equal(of["reference"], at[:201])
    assert torch.equal(of["changed"], at[:201])
    # The letter behind the gap is found in the place of the first that is lost; all others, and the end, in their own.
    assert torch.equal(of["lost"], torch.cat([at[: LOST + 1], at[LOST + 4 : 201]]))
    assert torch.equal(of["gained"][: GAINED + 1], at[: GAINED + 1])
    assert torch.equal(of["gained"][GAINED + 2 :], at[GAINED:201])


def test_an_unknown_change_loses_the_place_of_no_letter_behind_it() -> None:
    known = places(REFERENCE)
    other = REFERENCE.clone()
    other[30] = (other[30] + 3) % LETTERS
    assert torch.equal(places(other), known)
    gone = torch.cat([REFERENCE[:100], REFERENCE[104:]])  # nobody lost these: found again after a word
    word = Places(LENGTH, LETTERS).size
    assert torch.equal(places(gone)[100 + word :], known[104 + word :])


def test_letter_by_letter_the_places_are_the_same() -> None:
    found = Places(LENGTH, LETTERS)
    found.fit(trained())
    for one in family().values():
        place = torch.zeros(1, dtype=torch.int64)
        for t in range(1, len(one) + 1):
            place = found.after(place, one[None, max(0, t - found.size) : t], t)
            assert int(place) == int(found(one[None])[0, t])


def test_a_repeat_and_a_sequence_without_words_are_no_error() -> None:
    for x in (torch.zeros(3, LENGTH, dtype=torch.int8), torch.full((3, LENGTH), -1, dtype=torch.int8)):
        found = Places(LENGTH, LETTERS)
        found.fit(x)
        assert torch.equal(found(x.long().clamp_min(0))[0], torch.arange(LENGTH + 1))


def test_untrained_a_family_with_deletions_is_written_as_it_is() -> None:
    """Place by place, letters behind a deletion mix with their neighbours; along the reference they do not."""
    loss = {}
    for align in (False, True):
        entry = generators["causal_transformer"]
        assert entry.config is not None
        torch.manual_seed(0)
        generator = entry.value(entry.config(width=32, align=align), Sequence((LENGTH,), "ACDEFGHIKLMNPQRSTVWY"), 4)
        assert isinstance(generator, LetterGenerator)
        generator.observe(trained())
        loss[align] = float(generator.loss(trained()[None], torch.randn(1, 4))["letter"])
    assert loss[True] < 0.2 * loss[False]


def test_a_checkpoint_brings_its_words() -> None:
    entry = generators["causal_transformer"]
    assert entry.config is not None

    def build() -> Autoregressive:
        made = entry.value(entry.config(width=32, align=True), Sequence((LENGTH,), "ACDEFGHIKLMNPQRSTVWY"), 4)  # type: ignore[misc]
        assert isinstance(made, Autoregressive)
        return made.eval()

    first, second = build(), build()
    first.observe(trained())
    second.load_state_dict(first.state_dict())
    x, z = trained()[None], torch.randn(1, 4)
    torch.testing.assert_close(first.log_likelihood(x, z), second.log_likelihood(x, z))


def test_a_mutation_foretells_those_of_its_lineage() -> None:
    """Two lineages that differ at two places: by frequencies each costs two bits, the second knows the first."""
    other = REFERENCE.clone()
    other[[40, 160]] = (other[[40, 160]] + 1) % LETTERS
    x = torch.cat([stored(REFERENCE).repeat(8, 1), stored(other).repeat(8, 1)])
    reference = Reference(LENGTH, LETTERS)
    reference.places.fit(x)
    target = torch.nn.functional.pad(x.long().clamp_min(0), (0, 1))
    counts = torch.nn.functional.one_hot(target, LETTERS + 1).sum(dim=0) + 1e-4
    frequency = (counts / counts.sum(dim=1, keepdim=True)).log()
    reference.linkage.fit(frequency)
    optimiser = torch.optim.Adam(reference.parameters(), lr=0.02)

    def nats() -> torch.Tensor:
        logits = reference(frequency[None], x[None].long().clamp_min(0))
        return torch.nn.functional.cross_entropy(logits[0, :, :200].flatten(0, 1), target[:, :200].flatten()) * 200

    before = float(nats())
    for _ in range(100):
        optimiser.zero_grad()
        nats().backward()
        optimiser.step()
    one_place = float(torch.tensor(2.0).log())
    assert abs(before - 2 * one_place) < 0.2
    assert abs(float(nats()) - one_place) < 0.2
