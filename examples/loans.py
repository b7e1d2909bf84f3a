"""Writes a made-up table of loan applications, to follow the README and the guides with.

python examples/loans.py loans.csv
"""

import sys

import numpy as np
import pandas as pd


def loans(rows: int = 2000, seed: int = 7) -> pd.DataFrame:
    """Return a table of applications with income, debt, sex, and whether the loan was repaid."""
    draw = np.random.default_rng(seed)
    income, debt = draw.normal(3000, 600, rows), draw.random(rows)
    repaid = np.where((income - 3000) / 600 - 3 * (debt - 0.5) + draw.normal(0, 1, rows) > 0, "yes", "no")
    return pd.DataFrame({"income": income, "debt": debt, "sex": draw.choice(["f", "m"], rows), "repaid": repaid})


if __name__ == "__main__":
    loans().to_csv(sys.argv[1], index=False)
    print(f"wrote {sys.argv[1]}: 2,000 rows")
