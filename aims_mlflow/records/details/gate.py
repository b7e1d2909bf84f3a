"""Details of what people sign for a gate and its ledger."""

from __future__ import annotations

from pydantic import Field

from aims_mlflow.records.base import Sha256, Time
from aims_mlflow.records.decision import WaivedClaim
from aims_mlflow.records.details.base import EvidenceDetails
from aims_mlflow.records.open_record import OpenRecord


class ConsentDetails(EvidenceDetails):
    """The digests that bind a consent; a gate reads it as `Consent`, which refuses unknown fields."""

    SUBJECTS = "the model"
    action: str | None = Field(None, description="`approval`, `waiver`, `revocation` or `retirement`")
    model_name: str | None = Field(None, description="registered model")
    workspace: str | None = Field(None, description="workspace of the model")
    stage: str | None = Field(None, description="stage that it is for")
    alias: str | None = Field(None, description="alias that it is for")
    stage_digest: Sha256 | None = Field(None, description="rules that were in force")
    log: str | None = Field(None, description="log of the registry that it is for; earlier builds wrote none")
    comment: str | None = Field(None, description="reason, in consents without `words`")
    words: Sha256 | None = Field(None, description="sha256 of the canonical `{actor, comment, salt}`")
    control: str | None = Field(None, description="control whose failures a waiver covers")
    claims: list[WaivedClaim] | None = Field(
        None, description="failures that a waiver covers: kind, condition, metric, group, value"
    )
    metric: str | None = Field(None, description="metric that a waiver without `claims` covers")
    slice: dict[str, str] | None = Field(None, description="group that a waiver without `claims` covers")
    measure_due: Time | None = Field(None, description="day on which evidence of the promised measure is due")
    expires: Time | None = Field(None, description="end of a waiver")
    break_glass: bool | None = Field(None, description="a waiver of everything, in an emergency")


class ErasureDetails(EvidenceDetails):
    """Which leaf's body, or which envelope, was erased; the field `reason` of the record says why."""

    SUBJECTS = "the leaf, or the envelope"
    sequence: int | None = Field(None, description="leaf whose body is gone")
    commitment: Sha256 | None = Field(None, description="commitment of that leaf")
    erased: Sha256 | None = Field(None, description="sha256 of the envelope that is gone")
    decisions: list[int] | None = Field(
        None, description="leaves of the decisions that cannot be made again without that envelope"
    )


class ReviewDetails(EvidenceDetails):
    """Which incident was reviewed; the field `reason` of the record says what the review found."""

    SUBJECTS = "the leaf"
    about: str | None = Field(None, description="kind of incident")
    sequence: int | None = Field(None, description="leaf that opened it")


class AdoptionDetails(EvidenceDetails):
    """Which version from before the gate was adopted, with the gated aliases and stage that it held."""

    SUBJECTS = "the model"
    model_name: str | None = Field(None, description="registered model, with its workspace")
    version: str | None = Field(None, description="version")
    aliases: list[str] | None = Field(None, description="gated aliases that it held")
    lost_aliases: list[str] | None = Field(None, description="gated aliases that it lost while the gate only observed")
    mlflow_stage: str | None = Field(None, description="gated MLflow stage that it was in")


class SampledItem(OpenRecord):
    """One decision that was drawn, with what the auditor found."""

    leaf: int = Field(description="leaf of the decision")
    answers: dict[str, str] = Field(description="test to what the auditor answered; tests without an answer are absent")
    note: str | None = Field(None, description="the auditor's words")
    result: str = Field(description="`conform`, `nonconform` or `not tested`")


class SampleDetails(EvidenceDetails):
    """A sample that an auditor drew and tested; everybody who has the ledger draws the same one again."""

    SUBJECTS = "the sample itself, by the digest of its details"
    population: str | None = Field(None, description="which decisions it was drawn from")
    model: str | None = Field(None, description="registered model; absent for all")
    leaves: int | None = Field(None, description="number of leaves over which the population was fixed")
    size: int | None = Field(None, description="items of the population")
    list_sha256: Sha256 | None = Field(None, description="sha256 of the list of the population's leaves (RFC 8785)")
    method: str | None = Field(None, description="`random`, or `newest`")
    seed: str | None = Field(None, description="root of the checkpoint that came after the population was fixed")
    items: list[SampledItem] | None = Field(None, description="the items, in the order in which they were drawn")


KINDS: dict[str, type[EvidenceDetails]] = {
    **dict.fromkeys(("approval", "waiver", "revocation", "retirement"), ConsentDetails),
    "adoption": AdoptionDetails,
    "erasure": ErasureDetails,
    "incident-review": ReviewDetails,
    "audit-sample": SampleDetails,
}
