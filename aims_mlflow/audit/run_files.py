"""Checks of the evidence of a run, model or folder by itself: signatures, order, packs, files, and model bytes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aims_mlflow.audit.report import Report
from aims_mlflow.audit.sessions import pack_problems
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL
from aims_mlflow.evidence.verify import KeyLookup, Problem, check_signature

if TYPE_CHECKING:
    from aims_mlflow.evidence.run_source import EvidenceSource

DOCUMENTS = ("model-card", "datasheet")
NO_LEDGER = "not compared with a ledger: name one with --ledger, or AIMS_LEDGER_URI"


def verify_evidence(source: EvidenceSource) -> Report:
    """Verify evidence without a ledger; the report lists the omitted steps."""
    report = Report(source.name, ledger=False)
    report["keyring"].said.append("keys of the policy folder's keyring, of this account, and of --key files")
    check_evidence(report, source)
    for step in (report["inclusion"], report["checkpoint"], report["time stamp"]):
        step.skipped.append(NO_LEDGER)
    return report


def check_evidence(report: Report, source: EvidenceSource) -> None:
    """Check the files of the evidence and note the problems in a report."""
    for session in source.sessions:
        for problem in session.problems:
            is_about_a_line = " line " in problem.record.partition(",")[0]
            report["envelope" if is_about_a_line else "completeness"].add(problem)
        for problem in pack_problems(session.name, session.records):
            report["completeness"].add(problem)
    for problem in (*file_problems(source), *model_problems(source)):
        report["subject bytes"].add(problem)
    if not source.sessions:
        report["envelope"].wrong(report.target, "no evidence is here", "nothing speaks for it")
        return
    records = [record for session in source.sessions for record in session.records]
    signers = sorted({owner for session in source.sessions for owner in session.owners.values()})
    by = f", signed by {', '.join(signers)}" if signers else ""
    report["envelope"].said.append(f"{len(records)} records in {len(source.sessions)} sessions{by}")
    report["subject bytes"].said.append(f"{sum(len(r.evidence.artifacts) for r in records)} files that records name")
    if source.model_digest is None:
        report["subject bytes"].skipped.append("no model was named, so that no model's bytes were compared")
    elif about := _records_about(source, source.model_digest):
        report["subject bytes"].said.append(
            f"the model's bytes are those of {about} records (dirHash1 {source.model_digest})"
        )
    report["completeness"].said.append("each session's manifest, and its pack named before training")


def file_problems(source: EvidenceSource) -> list[Problem]:
    """Return the problems of the files that the records name, of their copies, and of the page."""
    out = []
    for session in source.sessions:
        for record in session.records:
            for artifact in record.evidence.artifacts:
                content = source.file(artifact.path)
                who = f"{artifact.path} of {record.evidence.kind} {record.id}"
                if content is None:
                    out.append(Problem(who, "the file is missing", "it was deleted after the record was signed"))
                elif sha256_hex(content) != artifact.sha256:
                    out.append(Problem(who, "the file's content changed", "it is not what the record was signed over"))
    return out + copy_problems(source) + page_problems(source)


def copy_problems(source: EvidenceSource) -> list[Problem]:
    """Return the problems of published documents (aims/model_card.md, ...) that differ from the signed ones."""
    signed: dict[str, set[str]] = {}
    for session in source.sessions:
        for record in session.records:
            if record.evidence.kind in DOCUMENTS:
                for artifact in record.evidence.artifacts:
                    signed.setdefault(f"aims/{PurePosixPath(artifact.path).name}", set()).add(artifact.sha256)
    out = []
    for path, digests in signed.items():
        content = source.file(path)
        if content is not None and sha256_hex(content) not in digests:
            out.append(Problem(path, "the document's content changed", "it is not the one that was signed"))
    return out


def page_problems(source: EvidenceSource) -> list[Problem]:
    """Return the problems of aims/index.html, which has its own signature."""
    seal, page = source.file(PAGE_SEAL), source.file(PAGE)
    if seal is None and page is None:
        return []
    if seal is None or page is None:
        return [Problem(PAGE, "the page or its seal is missing", "the page shows nothing that can be relied on")]
    run_id = source.located.run_id if source.located else None
    problem = page_problem((PAGE, page), (PAGE_SEAL, seal), source.lookup, run_id)
    return [problem] if problem else []


def page_problem(
    page: tuple[str, bytes], seal: tuple[str, bytes], lookup: KeyLookup, run_id: str | None
) -> Problem | None:
    """Return the problem of a run's page or its seal; None if both are correct.

    `page` and `seal` are (name, content); `run_id` is None if the run of the page is unknown.
    """
    try:
        record = statement.read(seal[1].removesuffix(b"\n"), seal[0])
        check_signature(record, lookup)
    except EvidenceError as exc:
        return Problem(seal[0], exc.what, "the page's seal was changed, or its key is not known")
    body = record.evidence
    if body.kind != "page" or run_id not in (None, body.mlflow.run_id):
        return Problem(page[0], "its seal is another run's", "the page was taken from elsewhere")
    if [(a.path, a.sha256) for a in body.artifacts] == [(PAGE, sha256_hex(page[1]))]:
        return None
    return Problem(page[0], "the page's content changed", "it does not show what the signed records say")


def model_problems(source: EvidenceSource) -> list[Problem]:
    """Return the differences between the model's bytes and the records about it."""
    if source.model_digest is None or _records_about(source, source.model_digest):
        return []
    what = f"no record is about these bytes (dirHash1 {source.model_digest})"
    return [Problem(source.name, what, "the model was changed after its evidence was signed, or never had any")]


def _records_about(source: EvidenceSource, digest: str) -> int:
    return sum(record.has_subject(digest) for session in source.sessions for record in session.records)
