"""A rise of a share from one table to another, such as that of missing cells, and the chance of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rise:
    """In how many of how many rows something was the case in training, and is now.

    `before` is None where the baseline says only that they were under `hidden`: then it is the most that they can be,
    as long as that is no more than now.
    """

    before: int | None
    rows_before: int
    now: int
    rows: int
    hidden: int = 1

    @property
    def value(self) -> float:
        """How much the share has risen, -1 to 1."""
        share = self.now / self.rows
        if self.before is None:
            return max(share - self._most / max(self.rows_before, 1), 0.0)
        return share - self.before / max(self.rows_before, 1)

    @property
    def _most(self) -> int:
        return min(self.hidden - 1, self.rows_before) if self.before is None else self.before

    @property
    def p_value(self) -> float:
        """Fisher's exact test, one side: so many among these rows where both are of the same population."""
        from scipy.stats import hypergeom

        return float(hypergeom.sf(self.now - 1, self.rows_before + self.rows, self._most + self.now, self.rows))
