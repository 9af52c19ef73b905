"""Places along a reference: where each letter of a sequence stands, whatever was inserted or deleted before it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Index = npt.NDArray[np.int64]

CHANCE = 1e9  # random words are as rare as this: one of them hardly stands twice in a reference
DRIFT = 64  # letters that all insertions and deletions before a letter may move it at most
MOST = 500_000  # words that are kept, the commonest first
BLOCK = 2048  # sequences that are read at once
MAJORITY = 0.5  # of the places at which a word was seen


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

    def after(self, place: Tensor, letters: Tensor) -> Tensor:
        """As `forward`, of the letter behind letters (n, t) alone; `place` (n,) is that of the last of them."""
        if letters.shape[1] >= self.size:
            at = letters.new_full((), letters.shape[1], dtype=torch.int64)
            known = self._known(self._words(letters[:, -self.size :]), at)[:, 0]
        else:
            known = torch.full_like(place, -1)
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
