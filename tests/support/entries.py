"""Entries of a ledger made from JSON, as tests of the ledger and of hostile leaves need them."""

from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.leaves import CONTENTS, body_model
from aims_mlflow.records.leaves.others import LaterLeaf


def entry_of(kind, public=None, body=None, request="", envelopes=(), call=""):
    """An entry of any type, known or not, with these public fields and this body."""
    content = CONTENTS.get(kind, LaterLeaf).model_validate({**(public or {}), "type": kind, "request": request})
    return Entry(content, body_model(kind).model_validate(body or {}), envelopes, call)
