"""One record as an in-toto Statement v1, signed in a DSSE envelope.

Our own fields are under `predicate.aims`. Where in-toto has a predicate type that foreign tools
read (test-result, SLSA provenance), its fields stand beside ours and are derived from ours:
reading a record derives them again, and any difference is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, TypeAdapter, ValidationError

from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.small_counts import join_line, restore, split_line, withhold
from aims_mlflow.records.base import Record
from aims_mlflow.records.details import details_model, read_details
from aims_mlflow.records.details.training import ProvenanceDetails
from aims_mlflow.records.evidence import Claim, Evidence
from aims_mlflow.signing import dsse

if TYPE_CHECKING:
    from aims_mlflow.signing.keys import SigningKey

STATEMENT = "https://in-toto.io/Statement/v1"
OWN = "urn:aims-mlflow:evidence:v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SLSA = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:aims-mlflow:training:v1"
CHECK_KINDS = ("data-quality", "fairness", "performance", "robustness", "representativeness", "drift")


class Subject(Record):
    """The subject of a statement: a name for people, and the digests that identify it."""

    name: str
    digest: dict[str, str] = Field(min_length=1)


_subjects = TypeAdapter(tuple[Subject, ...])


@dataclass(frozen=True)
class SealedRecord:
    """A record that was read back: its envelope, subjects and body, and the numbers that stand beside it."""

    envelope: dsse.Envelope
    subjects: tuple[Subject, ...]
    evidence: Evidence
    beside: bytes | None = None

    @property
    def line(self) -> bytes:
        """The record as a line of a session file."""
        return join_line(self.envelope.raw, self.beside)

    def whole(self) -> SealedRecord:
        """Return the record with the numbers that stand beside it in its body; without any, as it is.

        Raises:
            EvidenceError: they are not those that the record commits to.
        """
        if self.beside is None:
            return self
        return replace(self, evidence=restore(self.evidence, self.beside, f"{self.evidence.kind} {self.id}"))

    @property
    def sha256(self) -> str:
        """The sha256 of the envelope's bytes."""
        return self.envelope.sha256

    @property
    def id(self) -> str:
        """The record's id."""
        return self.evidence.id

    def has_subject(self, digest: str) -> bool:
        """Return whether `digest` is one of the digests of a subject."""
        return any(digest in s.digest.values() for s in self.subjects)


def claim_name(claim: Claim) -> str:
    """Return a claim's name as foreign tools show it: `metric[column=value]@role`."""
    where = ",".join(f"{k}={v}" for k, v in sorted(claim.slice.items()))
    return f"{claim.metric}[{where}]@{claim.role}" if where else f"{claim.metric}@{claim.role}"


def _test_result(body: Evidence) -> dict[str, Any]:
    limited = [c for c in body.claims if c.limit is not None or c.passed is not None]
    configuration = [{"name": "pack", "digest": {"sha256": body.pack_digest}}] if body.pack_digest else []
    return {
        "result": body.result.upper(),
        "configuration": configuration,
        "passedTests": [claim_name(c) for c in limited if c.passed],
        "warnedTests": [claim_name(c) for c in limited if not c.passed and c.severity == "warning"],
        "failedTests": [claim_name(c) for c in limited if c.passed is False and c.severity != "warning"],
    }


def _slsa(body: Evidence) -> dict[str, Any]:
    details = read_details(body, ProvenanceDetails)
    dependencies = [
        {"name": role, "digest": data.digest} for role, data in sorted((details.data or {}).items()) if data.digest
    ]
    if details.code is not None and details.code.commit:
        dependencies.append({"name": "code", "digest": {"gitCommit": details.code.commit}})
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "function": details.function or "",
                "parameters": details.parameters or {},
            },
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": f"urn:aims-mlflow:key:{body.key_id}"},
            "metadata": {"invocationId": body.session or body.id, "finishedOn": body.time},
        },
    }


def predicate_of(body: Evidence) -> tuple[str, dict[str, Any]]:
    """Return the predicate type and predicate that hold `body`."""
    own = {"aims": body.model_dump(mode="json", exclude_none=True)}
    if body.kind in CHECK_KINDS and body.result != "not_evaluated":
        return TEST_RESULT, {**_test_result(body), **own}
    if body.kind == "training-provenance":
        return SLSA, {**_slsa(body), **own}
    return OWN, own


def seal(body: Evidence, subjects: list[Subject], key: SigningKey) -> SealedRecord:
    """Sign one record; numbers that would tell counts under 20 stand beside it, see `small_counts`.

    Raises:
        EvidenceError: there is no subject, or the body has no canonical bytes.
        KeyUnavailable: the key cannot sign.
    """
    if not subjects:
        raise EvidenceError(f"a {body.kind} record needs a subject with a digest")
    public, beside = withhold(body)
    predicate_type, predicate = predicate_of(public)
    statement = {
        "_type": STATEMENT,
        "subject": [s.model_dump() for s in subjects],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    signed = body if beside is None else body.model_copy(update={"withheld": public.withheld})
    return SealedRecord(dsse.sign(canonical(statement), key), tuple(subjects), signed, beside)


def read(raw: bytes, where: str) -> SealedRecord:
    """Parse untrusted bytes into a record as it was signed; `verify` checks the signature.

    `SealedRecord.whole` adds the numbers that stand beside it.

    Raises:
        EvidenceError: the envelope, the statement or the body is not well-formed.
    """
    raw, beside = split_line(raw)
    envelope = dsse.parse(raw, where)
    if envelope.payload_type != dsse.IN_TOTO:
        raise EvidenceError(f"the payload type is {envelope.payload_type!r}, not {dsse.IN_TOTO!r}", where=where)
    data = parse_json(envelope.payload, where)
    if not isinstance(data, dict) or data.get("_type") != STATEMENT:
        raise EvidenceError("the payload is not an in-toto Statement v1", where=where)
    predicate, subjects = data.get("predicate"), data.get("subject")
    if not isinstance(predicate, dict) or not isinstance(subjects, list) or not subjects:
        raise EvidenceError("the statement needs a predicate and at least one subject", where=where)
    try:
        body = Evidence.model_validate(predicate.get("aims"))
        parsed = _subjects.validate_python(subjects)
        details_model(body.kind).model_validate(body.details)
    except (ValidationError, RecursionError) as exc:
        what = str(exc).splitlines()[:3] if isinstance(exc, ValidationError) else ["nested too deeply"]
        raise EvidenceError(f"the record's body is not of this format: {' '.join(what)}", where=where) from None
    try:
        same = (data.get("predicateType"), predicate) == predicate_of(body)
    except (AttributeError, TypeError, KeyError):
        same = False
    if not same:
        raise EvidenceError("the fields for foreign tools say something else than the record", where=where)
    if body.key_id != envelope.key_id:
        raise EvidenceError("the record names another key than the one that signed it", where=where)
    return SealedRecord(envelope, parsed, body, beside)
