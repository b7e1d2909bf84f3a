"""The sessions that leaves sealed about a model's bytes, whatever became of the files since: a failure keeps counting.

Whoever may write to a run may delete its files before a version is registered, or copy the model into another run. So a
decision reads beside the run's sessions those that the ledger has of the same bytes, under any name and run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.unsigned_lines import unsigned_lines
from aims_mlflow.gates.authority import named_envelopes
from aims_mlflow.gates.replay import joined
from aims_mlflow.ledger.leaves import leaf_hash
from aims_mlflow.ledger.sealed_sessions import lines_digest
from aims_mlflow.records.leaves.changes import DecisionBody
from aims_mlflow.records.leaves.others import EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.ledger.sealed_sessions import FiledSession
    from aims_mlflow.records.leaves.base import LeafContent, Sessions
    from aims_mlflow.records.policy import Caps

# Rows that one decision reads: grown and damaged states of a session have one each.
MAX_FILED = 1000
VERIFY = "someone changed the ledger's database: `aims ledger verify`"


def missing_sessions(
    ledger: Ledger, model_digest: str, there: Sessions, size: int, caps: Caps, is_sound: Callable[[bytes], bool]
) -> dict[str, bytes]:
    """Return the sealed sessions about a model's bytes that none of the run's files contains, as files.

    `there` are the run's files, `size` their bytes. A session that was sealed by itself counts where it `is_sound`:
    those of monitors and auditors have other signers, and no decision read them.

    Raises:
        EvidenceError: one cannot be read any more, or there are more than the policy's caps.
        Unreachable: the ledger does not answer.
    """
    same, read = {lines_digest(lines) for lines in there.values()}, [set(lines) for lines in there.values()]
    out: dict[str, bytes] = {}
    filed = ledger.sessions.about(model_digest, MAX_FILED + 1)
    for each in filed[:MAX_FILED]:
        if each.session in same:
            continue
        fact = _leaf(ledger, each)
        lines = _signed(ledger, fact.session_files()[each.name])
        if any(known.issuperset(lines) for known in read):
            continue
        content = _content(ledger, each, lines)
        if isinstance(fact, EvidenceLeaf) and not is_sound(content):
            continue
        read.append(set(lines))
        is_free = each.name not in there and each.name not in out
        out[each.name if is_free else f"{SESSION_DIR}/{each.session[:32]}.jsonl"] = content
        size += len(content)
        if len(out) > caps.max_session_files or size > caps.max_session_bytes:
            raise too_much()
    if len(filed) > MAX_FILED:
        raise too_much()
    return out


def too_much() -> EvidenceError:
    """Return the error of bytes with more sealed evidence than a decision reads."""
    what = "the ledger has more evidence about these bytes than is read for one decision"
    return EvidenceError(what, next="log the model again")


def _leaf(ledger: Ledger, filed: FiledSession) -> LeafContent:
    leaf = ledger.leaf_below(filed.sequence + 1)
    if leaf is not None and leaf.sequence == filed.sequence and leaf_hash(leaf.data) == leaf.leaf_hash:
        lines = leaf.fact.session_files().get(filed.name)
        if lines is not None and lines_digest(lines) == filed.session:
            return leaf.fact
    raise EvidenceError(f"leaf {filed.sequence} does not have the session {filed.name} that it sealed", next=VERIFY)


def _signed(ledger: Ledger, lines: list[str]) -> list[str]:
    """Return the lines of a sealed session without those that only count what no known key signed."""
    kept = named_envelopes(ledger, [line for line in lines if line])
    return [line for line in lines if line and not (line in kept and unsigned_lines(kept[line]))]


def _content(ledger: Ledger, filed: FiledSession, lines: list[str]) -> bytes:
    body = ledger.body(filed.sequence)
    beside = body.beside if isinstance(body, DecisionBody) else None
    return joined(ledger, [*lines, ""], beside or {})
