"""A version in use with its evidence, its card, and the documents about it, in which nothing is to be found."""

import dataclasses
import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.management.findings.state import DeployedVersion
from aims_mlflow.management.folder import parse_document
from aims_mlflow.records.base import utc_text
from aims_mlflow.signing.keys import ephemeral_key
from support import status_cases
from support.management_folder import assessment
from support.signed_sessions import MODEL, checked

SYSTEM, NAME = "income-screening", "income"
INFORMATION = f"""---
id: information
kind: user-information
title: What clerks are told
owner: olga
author: rita
system: {SYSTEM}
model_digests: [{MODEL}]
audience: user
says: [a score orders applications, a clerk decides]
limits: [adults only, R1 is accepted for women]
review_by: 2028-01-01
retention_until: 2036-06-01
where: the intranet
how_to_contest: by letter to the ombudsman
contact: olga
---

Income screening orders applications of women (sex=Female) and men (sex=Male). A clerk of the bank decides about each
of them, and reads those without a score first. Whoever finds a decision wrong writes a letter to the ombudsman, whose
address stands on every letter of the bank, and olga answers it.
"""


def session_records(change=None):
    """The records of a good training of the version in use; `change` edits its parts before they are signed."""
    key = ephemeral_key()
    return checked(status_cases.machine_session(change, key), key).records


@functools.cache
def good_records():
    return session_records()


def card_of(records):
    return render_model_card(records, MODEL).decode()


def version(records=None, **changes):
    """The version that has the alias champion."""
    facts = {
        "model": NAME, "place": "champion", "version": "3", "digest": MODEL, "since": "2026-06-01T00:00:00Z",
        "records": good_records() if records is None else records,
        "registered": utc_text(datetime.now(UTC) + timedelta(hours=1)), "versions": ("1", "2", "3"),
    }  # fmt: skip
    return DeployedVersion(**{**facts, **changes})


def fairness_of(records):
    return next(r for r in records if r.evidence.kind == "fairness")


def assessed(records=None, **changes):
    """The text of the impact assessment about the version in use."""
    found = fairness_of(good_records() if records is None else records)
    return assessment(found.id, MODEL, **{"value": "0.95", **changes})


def read(text, name="d.md"):
    """A document as it is read from its file."""
    found = parse_document(text.encode(), Path(name))
    assert hasattr(found, "written"), found.problems
    return found


def with_texts(state, *texts):
    """The state with these documents, in place of those with their ids, and with their words."""
    found = [read(text) for text in texts]
    ids = {d.id for d in found}
    documents = [d for d in state.documents if d.id not in ids] + [d.written for d in found]
    return dataclasses.replace(state, documents=tuple(documents), texts={**state.texts, **{d.id: d for d in found}})


def live(state, records=None, card=None, **changes):
    """The state with another version in use, and the card of its evidence."""
    mine = version(records, **changes)
    text = card if card is not None else card_of(mine.records)
    return dataclasses.replace(state, deployed=(mine,), cards={mine.digest: text})
