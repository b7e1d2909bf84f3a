"""Made-up tables of the lender's three systems, each with predictions, to try the packs on.

    python checks/lender/tables.py FOLDER

writes a training table and a test table of each system: FOLDER/applications-train.csv, FOLDER/applications.csv, ...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

AGES = {"under 30": (21, 30), "30 to 59": (30, 60), "60 and over": (60, 80)}


def people(rows: int, draw: np.random.Generator, date: str) -> pd.DataFrame:
    """Return people with an income (euros a month) and a date of the last 30 days in the column `date`."""
    group = draw.choice([*AGES], rows, p=[0.25, 0.5, 0.25])
    low, high = (np.array([AGES[g][end] for g in group]) for end in (0, 1))
    today = pd.Timestamp.now().normalize()
    return pd.DataFrame(
        {
            "age": draw.integers(low, high),
            "age_group": group,
            "sex": draw.choice(["Female", "Male"], rows),
            "income": np.exp(draw.normal(7.7, 0.4, rows)).round(),
            date: (today - pd.to_timedelta(draw.integers(0, 30, rows), unit="D")).strftime("%Y-%m-%d"),
        }
    )


def applications(rows: int = 12_000, seed: int = 1) -> pd.DataFrame:
    """Return applications for credit; `score` is the predicted chance that a loan is repaid."""
    draw = np.random.default_rng(seed)
    frame = people(rows, draw, "applied")
    frame["amount"] = np.exp(draw.normal(8.2, 0.6, rows)).round()
    frame["months"] = draw.choice([6, 12, 24, 36, 48, 60, 84], rows)
    burden = np.log(frame["amount"] / frame["months"] / frame["income"])
    chance = 1 / (1 + np.exp(1.3 * (burden + 1.6)))
    frame["repaid"] = np.where(draw.random(rows) < chance, "yes", "no")
    return frame.assign(score=chance.round(4), predicted=np.where(chance > 0.5, "yes", "no"))


def credit_lines(rows: int = 6_000, seed: int = 2) -> pd.DataFrame:
    """Return cards with their credit line, and the proposed one, in euros."""
    draw = np.random.default_rng(seed)
    frame = people(rows, draw, "decided")
    frame["years_with_us"] = draw.integers(0, 25, rows)
    frame["used_share"] = draw.beta(2, 3, rows).round(3)
    frame["late_payments"] = draw.poisson(0.5, rows)
    frame["other_cards"] = draw.poisson(1.2, rows)
    fitting = 1.6 * frame["income"] + 60 * frame["years_with_us"] - 500 * frame["late_payments"]
    frame["line"] = (fitting + draw.normal(0, 300, rows)).clip(500, 20_000).round()
    return frame.assign(predicted=(fitting.clip(500, 20_000)).round())


def collections(rows: int = 6_000, seed: int = 3) -> pd.DataFrame:
    """Return overdue accounts with the step that was right, and the proposed one."""
    draw = np.random.default_rng(seed)
    frame = people(rows, draw, "overdue_since")
    frame["balance"] = np.exp(draw.normal(6.5, 0.8, rows)).round(2)
    frame["missed"] = draw.integers(1, 7, rows)
    able = frame["balance"] / frame["income"] + draw.normal(0, 0.05, rows) < 0.5
    right = np.where(frame["missed"] < 3, "remind", np.where(able, "plan", "agency"))
    other = draw.choice(["remind", "plan", "agency"], rows)
    return frame.assign(step=right, predicted=np.where(draw.random(rows) < 0.15, other, right))


TABLES = {"applications": applications, "credit-lines": credit_lines, "collections": collections}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        train = make(seed=10).drop(columns=["predicted", "score"], errors="ignore")
        train.to_csv(folder / f"{name}-train.csv", index=False)
        make().to_csv(folder / f"{name}.csv", index=False)
        print(f"wrote {folder / name}-train.csv and {folder / name}.csv")
