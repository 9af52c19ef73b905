"""Sequences along a reference: where each letter stands, whatever was inserted or deleted before it, and what the
variants of a sequence say of each other."""

from __future__ import annotations

import math
from collections.abc import Generator as Coroutine
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Index = npt.NDArray[np.int64]

CHANCE = 1e9  # random words are as rare as this: one of them hardly stands twice in a reference
DRIFT = 64  # letters that all insertions and deletions before a letter may move it at most
MOST = 500_000  # words that are kept, the commonest first
BLOCK = 2048  # sequences that are read at once
MAJORITY = 0.5  # of the places at which a word was seen
WAYS = 32  # in which the letters so far are summed up
SPREAD = 0.5  # of their codes before training


class Reference(nn.Module):
    """The logits of letters along a reference, in place of those by position."""

    def __init__(self, length: int, letters: int) -> None:
        """`letters` of the alphabet, without the end."""
        super().__init__()
        self.places = Places(length, letters)
        self.linkage = Linkage(length + 1, letters + 1)

    def forward(self, base: Tensor, before: Tensor) -> Tensor:
        """Logits at places (b, l + 1, letters + 1), and letters (b, k, l) of sequences → (b, k, l + 1, letters + 1)."""
        b, k, t = before.shape
        place = self.places(before.flatten(0, 1))
        said = self.linkage(place, before.flatten(0, 1)).reshape(b, k, t + 1, -1)
        return said + base.gather(1, place.reshape(b, -1, 1).expand(-1, -1, said.shape[3])).reshape(said.shape)

    def followed(self, base: Tensor) -> Coroutine[Tensor, Tensor, None]:
        """The same letter by letter, of logits at places (r, l + 1, letters + 1): is sent letters (r,), and gives the
        logits (r, letters + 1) of the next."""
        each, at = torch.arange(len(base), device=base.device), 0
        place, word = torch.zeros_like(each), torch.zeros(len(base), 0, dtype=torch.int64, device=base.device)
        sums, table = base.new_zeros(len(base), WAYS), self.linkage.table()
        while True:
            letter = yield base[each, place] + self.linkage.read(place, sums)
            sums = sums + table[place * base.shape[2] + letter]
            word, at = torch.cat([word, letter[:, None]], dim=1)[:, -self.places.size :], at + 1
            place = self.places.after(place, word, at)


class Places(nn.Module):
    """The place of a letter, looked up by the word of the letters before it; after an unknown word, the next one.

    The reference is the commonest sequence. A word that stands in it once has its place there. A word that it lacks,
    such as one across a deletion, has the place from which the next known one is reached; most occurrences decide. So
    the first letter behind a deletion stands for the first that is lost, and all others stand where they belong.

    The first letters, too few for a word, have their own places. The end of a sequence has one like any letter.
    """

    words: Tensor  # (m,) int64, sorted
    places: Tensor  # (m,) int64

    def __init__(self, length: int, letters: int) -> None:
        super().__init__()
        self.length, self.base = length, letters + 1
        self.size = max(1, min(length // 3, math.ceil(math.log(CHANCE) / math.log(max(letters, 2)))))
        self.register_buffer("words", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("places", torch.zeros(0, dtype=torch.int64))

    def forward(self, letters: Tensor) -> Tensor:
        """Letters (n, t), whatever behind the end → places (n, t + 1) of each letter and of what follows the last."""
        n, t = letters.shape
        at = torch.arange(t + 1, device=letters.device)
        place = at.clamp_max(self.size - 1).expand(n, -1).clone()
        if t >= self.size:
            place[:, self.size :] = self._known(self._words(letters), at[self.size :])
        last = torch.where(place >= 0, at, -1).cummax(dim=1).values
        return (place.gather(1, last) + at - last).clamp_max(self.length)

    def after(self, place: Tensor, word: Tensor, at: int) -> Tensor:
        """As `forward`, of the letter behind `at` others alone: `place` (n,) is that of the last of them, and `word`
        (n, w) the last `size` of them, or as many as there are."""
        known = torch.full_like(place, -1)
        if word.shape[1] == self.size:
            known = self._known(self._words(word)[:, 0], place.new_full((), at))
        return torch.where(known >= 0, known, place + 1).clamp_max(self.length)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """From training sequences (n, l), −1 behind the end."""
        rows = x.cpu().numpy()
        different, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)
        reference = rows[first[np.lexsort((first, -times))[0]]]
        words, places = _once(self._of(reference[None, : int((reference >= 0).sum())])[0], self.size)
        others: list[tuple[Index, Index, Index]] = []
        for start in range(0, len(different), BLOCK):
            part, count = different[start : start + BLOCK], times[start : start + BLOCK]
            others.append(_votes(self._of(part), (part >= 0).sum(axis=1), count, (words, places), self.size))
        more, where = _elected(*(np.concatenate(column) for column in zip(*others, strict=True)))
        order = np.argsort(both := np.concatenate([words, more]), kind="stable")
        self.words = torch.from_numpy(both[order]).to(x.device)
        self.places = torch.from_numpy(np.concatenate([places, where])[order]).to(x.device)

    def _of(self, letters: npt.NDArray[Any]) -> Index:
        return self._words(torch.from_numpy(letters)).numpy()

    def _words(self, letters: Tensor) -> Tensor:
        """(n, t − size + 1) int64: a number for each word of `size` letters of (n, t)."""
        letters, count = letters.long().clamp(0, self.base - 1), max(0, letters.shape[1] - self.size + 1)
        word = torch.zeros(len(letters), count, dtype=torch.int64, device=letters.device)
        for i in range(self.size):
            word = word * self.base + letters[:, i : i + count]
        return word

    def _known(self, word: Tensor, at: Tensor) -> Tensor:
        """The places of words, −1 where they are unknown or too far from where they stand."""
        if not len(self.words):
            return torch.full_like(word, -1)
        i = torch.searchsorted(self.words, word).clamp_max(len(self.words) - 1)
        place = self.places[i]
        return torch.where((self.words[i] == word) & ((place - at).abs() <= DRIFT), place, -1)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        """As many words as training gave it."""
        for name in ("words", "places"):
            if prefix + name in state_dict:
                setattr(self, name, torch.zeros_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *rest)


class Linkage(nn.Module):
    """V_p tanh(Σ_{j<t} (U_{p_j, x_j} − Ū_{p_j})): logits of the letter x_t at place p, from the letters before it.

    A neural autoregressive distribution estimator (Larochelle & Murray 2011, eq. 4 and 5) along the reference, whose
    codes U have mean zero at each place: a letter that everybody has says nothing. One mutation of a lineage, or the
    lack of it, so foretells all behind it, at a table's cost; attention would have to learn for each pair of places
    that one is to look at the other.

    V starts at zero: untrained it adds nothing.
    """

    share: Tensor  # (places, letters) how often each letter stands there

    def __init__(self, places: int, letters: int) -> None:
        super().__init__()
        self.register_buffer("share", torch.zeros(places, letters))
        self.codes = nn.Parameter(torch.randn(places, letters, WAYS) * SPREAD)
        self.readings = nn.Parameter(torch.zeros(places, letters, WAYS))

    def fit(self, frequency: Tensor) -> None:
        """From the logarithm of the frequencies of letters (places, letters)."""
        self.share = frequency.exp()

    def table(self) -> Tensor:
        """(places · letters, WAYS): U − Ū."""
        mean = (self.share[:, None] @ self.codes) / self.share.sum(dim=1)[:, None, None].clamp_min(1e-9)
        return (self.codes - mean).flatten(0, 1)

    def read(self, place: Tensor, sums: Tensor) -> Tensor:
        """Logits (…, letters) at places (…) from the sums of codes before them (…, WAYS)."""
        return torch.einsum("...vw,...w->...v", self.readings[place], sums.tanh())

    def forward(self, place: Tensor, before: Tensor) -> Tensor:
        """Places (n, t + 1), and the letters (n, t) at all but the last → logits (n, t + 1, letters)."""
        sums = self.table()[place[:, :-1] * self.share.shape[1] + before].cumsum(dim=1)
        return self.read(place, functional.pad(sums, (0, 0, 1, 0)))


def _once(words: Index, size: int) -> tuple[Index, Index]:
    """The words of a reference that stand in it once, sorted, and the places behind them."""
    different, first, times = np.unique(words, return_index=True, return_counts=True)
    return different[times == 1], first[times == 1] + size


def _votes(
    words: Index, length: Index, times: Index, reference: tuple[Index, Index], size: int
) -> tuple[Index, Index, Index]:
    """Words of sequences (n, w) that the reference lacks, the place of each, and how often it was seen: three columns.

    Sequences have `length` (n,) letters and occur `times` (n,); `reference` are its words and the places behind them.
    """
    known, places = reference
    at = np.arange(words.shape[1]) + size
    inside, there = at <= length[:, None], np.isin(words, known)
    place = np.zeros_like(words)
    place[there] = places[np.searchsorted(known, words[there])]
    hit = inside & there & (np.abs(place - at) <= DRIFT)
    # Back from the next word of the reference; behind the last of them, on from it.
    column = np.arange(words.shape[1])
    after = np.minimum.accumulate(np.where(hit, column, words.shape[1])[:, ::-1], axis=1)[:, ::-1]
    before = np.maximum.accumulate(np.where(hit, column, -1), axis=1)
    anchor = np.where(after < words.shape[1], after, before)
    reached = np.take_along_axis(place, anchor.clip(0), axis=1) + column - anchor
    chosen = inside & ~there & (anchor >= 0) & (reached >= 0)
    row = np.nonzero(chosen)[0]
    return words[chosen], reached[chosen], times[row]


def _elected(words: Index, places: Index, times: Index) -> tuple[Index, Index]:
    """The commonest words and the place of each that has a majority."""
    if not len(words):
        return words, places
    width = int(places.max()) + 1
    pair, inverse = np.unique(words * width + places, return_inverse=True)
    votes = np.bincount(inverse, weights=times)
    word, place = pair // width, pair % width
    starts = np.flatnonzero(np.r_[True, word[1:] != word[:-1]])
    total = np.add.reduceat(votes, starts).repeat(np.diff(np.r_[starts, len(word)]))
    best = np.lexsort((place, -votes))
    kept = best[votes[best] > MAJORITY * total[best]][:MOST]
    return word[kept], place[kept]
