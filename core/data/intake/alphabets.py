"""Alphabets of sequences: which letters stand in them, and which stand for one of several."""

from __future__ import annotations

from dataclasses import dataclass

DNA, RNA, PROTEIN, METHYLATION, PATTERN = "ACGT", "ACGU", "ACDEFGHIKLMNPQRSTVWY", "ACGTM", "CT"
# Letters that stand for one of several (Cornish-Bowden 1985, and the same list for amino acids); X masks either. U and
# O are the 21st and 22nd amino acid, which no alphabet of 20 has.
NUCLEOTIDE_CODES, AMINO_CODES = "NRYSWKMBDHVX", "XBZJUO"
GAPS, STOP, GAP = "-.~", "*", "-"


@dataclass(frozen=True)
class Alphabet:
    """One alphabet.

    Attributes:
        letters: in the order of their indices.
        ambiguous: letters that stand for one of several, each of which may be read as `unknown`.
        gaps: letters that mark a gap.
        words: what the sequences are called. plain: what the letters are called.
        replaced: letters that are written for another, (from, to).
    """

    letters: str
    ambiguous: str
    unknown: str
    words: str
    plain: str
    gaps: str = GAPS
    replaced: tuple[str, str] = ("", "")

    @property
    def nucleic(self) -> bool:
        """Whether the letters are bases."""
        return self.unknown == "N"


ALPHABETS = {
    "dna": Alphabet(DNA, NUCLEOTIDE_CODES, "N", "DNA", DNA, replaced=("U", "T")),
    "rna": Alphabet(RNA, NUCLEOTIDE_CODES, "N", "RNA", RNA, replaced=("T", "U")),
    "protein": Alphabet(PROTEIN, AMINO_CODES, "X", "proteins", "the 20 amino acids"),
    "methylation": Alphabet(
        METHYLATION, NUCLEOTIDE_CODES.replace("M", ""), "N", "methylation-coded DNA", METHYLATION, replaced=("U", "T")
    ),
    # Patterns of wgbstools: one letter a CpG, and a point where a read does not tell.
    "pattern": Alphabet(PATTERN, ".", ".", "methylation patterns", "C and T", gaps="-"),
}
