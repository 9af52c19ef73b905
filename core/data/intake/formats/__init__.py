"""File formats of genotypes and of observations: one file a reader."""
