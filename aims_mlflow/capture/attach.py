"""`aims.record` and `aims.attach`: people add evidence such as assessments, plans and requirements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from pydantic import ValidationError

from aims_mlflow.adapters.models import digest_of_logged
from aims_mlflow.canonical import TOO_DEEP, is_too_deep
from aims_mlflow.capture.console import say
from aims_mlflow.capture.recorder import Recorder
from aims_mlflow.capture.setup import load_setup
from aims_mlflow.capture.state import open_recorder
from aims_mlflow.catalog.loader import kinds, require_control, require_kind
from aims_mlflow.documents.attached_content import ReadContent, read_content
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.field_address import field_text
from aims_mlflow.records.base import Record, Time
from aims_mlflow.records.details import details_model
from aims_mlflow.records.evidence import Claim, Details, MlflowIds, Result
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aims_mlflow.records.details.base import EvidenceDetails

MAX_BYTES = 50 * 1024 * 1024
SIGNED_BY_COMMANDS = {
    "audit-sample": "aims ledger sample",
    "approval": "aims approve",
    "waiver": "aims waive",
    "document-approval": "aims approve document:ID",
    "document-review": "aims document review",
    "document-withdrawal": "aims document withdraw",
}


def record(
    kind: str,
    *,
    result: Result = "passed",
    reason: str | None = None,
    claims: Iterable[Claim | Mapping[str, Any]] = (),
    details: Mapping[str, Any] | None = None,
    controls: Iterable[str] | None = None,
    valid_until: str | None = None,
    run: str | None = None,
    model: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
) -> None:
    """Add a record of `kind` to the open training, or to a run or model that is named.

    A record of a kind that the hooks capture says `by_hand`: what failed counts, and it meets no condition.

    Args:
        kind: an evidence kind of the catalog.
        result: passed, warned, failed or not_evaluated.
        reason: why, for any result but passed.
        claims: measured values; numbers as decimal strings.
        details: further facts; no floats.
        controls: control ids; by default those that the catalog links to the kind.
        valid_until: RFC 3339 time in UTC after which the record is stale.
        run: a run id or `runs:/ID`; by default the open training's, or the active run.
        model: `models:/...`: the record is then bound to this model's bytes.
        config: as in `aims.trains`; only needed outside a training.

    Raises:
        ConfigError: kind, control, claim or another field is not valid, or nothing says where the record belongs.
    """
    facts = {**dict(details or {}), **({"by_hand": True} if is_captured(kind) else {})}
    _add(
        kind,
        {},
        Placement(run=run, model=model, config=config),
        result=result,
        reason=reason,
        claims=claims,
        details=facts,
        controls=controls,
        valid_until=valid_until,
    )


def attach(
    kind: str,
    path: str | Path,
    *,
    owner: str | None = None,
    version: str | None = None,
    approver: str | None = None,
    review_date: str | None = None,
    result: Result = "passed",
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    controls: Iterable[str] | None = None,
    valid_until: str | None = None,
    run: str | None = None,
    model: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
) -> None:
    """Add a file that people wrote as evidence of `kind`: it is copied into the run and its sha256 is signed.

    `owner, version, approver, review_date` are stated about the document; the other arguments are those of
    `aims.record`. The file's content is looked into: where it is empty, too short, unreadable or a draft, the record
    says "not evaluated". A name typed as approver is no approval, and an attached file is stated by hand: it meets no
    condition. `aims document new` makes a document of it, with this file as its source, that can be approved.

    Raises:
        Unreachable: the file cannot be read.
        ConfigError: the hooks capture this kind, the file is too large, the review date is past or no date, or as in
            `aims.record`.
    """
    refuse_captured(kind)
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", where=str(file))
        content = file.read_bytes()
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(file)) from None
    check_review_date(review_date, kind)
    stated = {"owner": owner, "version": version, "approver": approver, "review_date": review_date}
    read = read_content(content)
    facts = {**{k: v for k, v in stated.items() if v is not None}, **dict(details or {})}
    facts |= {"characters": len(read.text)} if read.text is not None else {}
    if result == "passed":
        result = "not_evaluated" if read.problem else "warned"
        reason = reason or why_not_counted(file.name, read, [k for k, v in stated.items() if v is None])
    _add(
        kind,
        {file.name: content},
        Placement(run=run, model=model, config=config),
        result=result,
        reason=reason,
        claims=(),
        details=facts,
        controls=controls,
        valid_until=valid_until,
    )


def is_captured(kind: str) -> bool:
    """Return whether the hooks capture evidence of a kind; a kind that is not known is refused elsewhere."""
    return kind in kinds() and kinds()[kind].captured == "hooks"


def refuse_captured(kind: str) -> None:
    """Refuse to attach what the hooks capture, or what a command signs.

    Raises:
        ConfigError: it is such a kind.
    """
    if kind in SIGNED_BY_COMMANDS:
        raise ConfigError(
            f"a file is no {kind}: a person signs it",
            next=f"`{SIGNED_BY_COMMANDS[kind]}` makes one, bound to what it is about",
        )
    if is_captured(kind):
        raise ConfigError(
            f"{kind} evidence is captured by the training and cannot be attached",
            next='train with @aims.trains, or record a measurement from elsewhere with aims.record("'
            + kind
            + '", ...)',
        )


def check_review_date(day: str | None, kind: str) -> None:
    """Refuse a review date that is no day, or is past.

    Raises:
        ConfigError: it is one of them.
    """
    if day is None:
        return
    try:
        due = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"review_date {day!r} of {kind} is no day", next="write it as 2027-01-31") from None
    if due + timedelta(days=1) <= datetime.now(UTC):
        raise ConfigError(f"review_date {day} of {kind} is past", next="name the day of the next review")


def why_not_counted(name: str, read: ReadContent, unstated: list[str]) -> str:
    """Return why an attached file does not count yet."""
    if read.problem:
        return f"{name} {read.problem}"
    lacking = f"; not stated: {', '.join(unstated)}" if unstated else ""
    return f"{name} is stated by hand; publish it as a document to have it approved (aims document new){lacking}"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The run or model that a record is added to; by default the open training, else the active run."""

    run: str | None
    model: str | None
    config: str | Path | Mapping[str, Any] | None


def stated_details(kind: str, given: Mapping[str, Any]) -> EvidenceDetails:
    """Return the facts that a person states, by the model of their kind, which keeps further names.

    Raises:
        ConfigError: a value does not fit the kind's field of that name.
    """
    if is_too_deep(dict(given)):
        raise ConfigError(f"{kind}: details are {TOO_DEEP}", next="state plain facts; attach a file for more")
    try:
        return details_model(kind).model_validate(dict(given))
    except ValidationError as exc:
        raise _unfit(kind, exc, "details") from None


class StatedFields(Record):
    """The fields of a record that a person states beside its details."""

    result: Result
    reason: str | None
    claims: tuple[Claim, ...]
    controls: tuple[str, ...] | None
    valid_until: Time | None
    details: Details


def _unfit(kind: str, exc: ValidationError, *within: str) -> ConfigError:
    error = exc.errors()[0]
    where = field_text((*within, *error["loc"]))
    hint = "docs/evidence-format.md has the fields of each kind; other names of details are free"
    return ConfigError(f"{kind}: {where}: {error['msg']}", next=hint)


def _add(kind: str, files: Mapping[str, bytes], placement: Placement, **given: Any) -> None:
    require_kind(kind)
    details = stated_details(kind, given["details"])
    try:
        stated = StatedFields.model_validate(given)
    except ValidationError as exc:
        raise _unfit(kind, exc) from None
    for control in stated.controls or ():
        require_control(control)
    fields = {**{name: getattr(stated, name) for name in StatedFields.model_fields}, "details": details}
    recorder = open_recorder()
    if recorder is None or placement.run is not None or placement.model is not None:
        _add_alone(kind, files, placement, fields)
        return
    # Bound when the session ends: only then are the models' digests known.
    artifacts = tuple(recorder.keep(name, content) for name, content in files.items())
    recorder.attach(kind, {**fields, "artifacts": artifacts})


def _add_alone(kind: str, files: Mapping[str, bytes], placement: Placement, fields: dict[str, Any]) -> None:
    """Add a record in a session of its own."""
    active = mlflow.active_run()
    if placement.model is None and placement.run is None and active is None:
        raise ConfigError(
            f"nothing says where this {kind} belongs", next="pass run= or model=, or call it inside a training"
        )
    target = tracking.resolve(placement.model or placement.run or active.info.run_id)
    setup = load_setup(placement.config, None, None)
    if target.model_id is not None:
        digest = {"dirHash1": digest_of_logged(target.model_id)}
        subjects = [Subject(name=f"models:/{target.model_id}", digest=digest)]
    else:
        subjects = [Subject(name="pack", digest={"sha256": setup.pack_digest})]
    ids = MlflowIds(run_id=target.run_id, model_id=target.model_id)
    system, pack = setup.config.system.id, setup.pack_digest
    recorder = Recorder(SessionWriter(signing_key(say), who(), system=system, mlflow=ids, pack_digest=pack), ids)
    artifacts = tuple(recorder.keep(name, content) for name, content in files.items())
    recorder.add(kind, subjects, artifacts=artifacts, **fields)
    recorder.close()
    tracking.put(target.run_id, {**recorder.files, **recorder.session_files()})
