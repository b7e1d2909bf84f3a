"""Waivers that no longer count because the model's bytes were revoked or retired since, as the gate counts them."""

from __future__ import annotations

from aims_mlflow.gates.signed_consent import TAKING

# The type of the last consent that took back the bytes of a consent `c` after it, under whatever name of a model.
TAKEN_BACK = (
    f"SELECT r.type FROM consent r WHERE r.type IN ({', '.join(map(repr, TAKING))}) AND r.digest = c.digest "
    "AND r.sequence > c.sequence ORDER BY r.sequence DESC LIMIT 1"
)
DID = {"revocation": "revoked", "retirement": "model retired"}
