"""One way to change evidence, and lists of them."""

from dataclasses import dataclass
from typing import Any

DB, KEY, OUT, ART, REG, RING = (
    "ledger database", "database and stolen log key", "outside checkpoint", "artifact store", "registry database",
    "keyring",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    where: str
    what: str
    step: str
    says: str
    do: Any
    outside: bool
    target: str


def battery():
    """Returns an empty list of cases, and the decorator that fills it.

    `@case(where, what, step, says)` says who does what, in which step it is caught, and what is said.
    """
    cases: list[Case] = []

    def case(where, what, step, says, *, outside=False, target="ledger"):
        def register(do):
            cases.append(Case(where, what, step, says, do, outside, target))
            return do

        return register

    return cases, case
