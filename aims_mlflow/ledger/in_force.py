"""The policy and keyring in force: what the newest sealed leaf of each kind says, whatever the database's row says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.model_leaves import ModelLeaves

KINDS_OF_RULES = ("policy", "keyring")


def in_force(for_all: ModelLeaves) -> dict[str, str]:
    """Return the digests in force, by kind (policy, keyring); `for_all` are the leaves that hold for every model."""
    out: dict[str, str] = {}
    for kind in KINDS_OF_RULES:
        found = for_all.of((kind,))
        rules = found[-1].fact.rules() if found else []
        if rules:
            out[kind] = rules[0]
    return out


def exchanged_rules(ledger: Ledger) -> dict[str, tuple[str | None, str | None]]:
    """Return (what the database's row says, what the newest leaf says) by kind, where they differ.

    The row has no effect. It differs where somebody with the database tried to put other rules in force.

    Raises:
        Unreachable: the database does not answer.
    """
    rows, sealed = ledger.state.active(), ledger.in_force()
    pairs = {kind: (rows.get(kind), sealed.get(kind)) for kind in KINDS_OF_RULES}
    return {kind: pair for kind, pair in pairs.items() if pair[0] != pair[1]}


def exchanged_text(kind: str, row: str | None, sealed: str | None) -> str:
    """Return one sentence about rules that were exchanged in the database."""
    said, by_leaf = (digest[:12] if digest else "none" for digest in (row, sealed))
    return (
        f"the database says that {kind} {said} is in force, the ledger's newest leaf {by_leaf}: someone exchanged the "
        f"{kind} in the database, without effect on decisions"
    )
