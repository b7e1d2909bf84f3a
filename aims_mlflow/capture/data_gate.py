"""What happens before fitting: the data sets are described, joined and checked, and the training gate decides."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture import lineage
from aims_mlflow.capture.environment import tool_versions
from aims_mlflow.capture.files import describe_files, files_in, files_now
from aims_mlflow.capture.recorder import record_outcome
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.capture.setup import unstated
from aims_mlflow.checks.quality.leakage import overlap
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset, validate_pair
from aims_mlflow.errors import CheckError, ConfigError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import session_path
from aims_mlflow.evidence.statement import read
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.system import personal_of

if TYPE_CHECKING:
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.underway import Underway
    from aims_mlflow.checks.tables.in_memory import InMemoryTable
    from aims_mlflow.evidence.statement import Subject


def run(training: Underway) -> None:
    """Check and record the data, then decide whether training may start.

    Raises:
        DataError: the data cannot be used as described in aims.yaml.
        ConfigError: aims.yaml lacks what the training gate asks for.
        GateRefused: a data check of severity "blocking" failed.
        Unreachable: the artifact store cannot be written: better now than after hours of training.
    """
    trial = training.trial
    if trial is not None and not trial.first and any(t is training.tables for t in trial.sweep.checked):
        return  # its trial record names the session that holds all this
    datasets = {role: dataset_of(training, table) for role, table in training.tables.items()}
    for role in ("validation", "test"):
        if role in datasets and "train" in datasets:
            validate_pair(datasets["train"], datasets[role])
    missing = unstated(training.setup)
    if missing and training.mode == "enforce":
        raise ConfigError(
            "training needs, all at once:\n  " + "\n  ".join(missing),
            where=training.setup.document.where("system"),
            next='state them, or train with mode="observe"',
        )
    if trial is not None:
        trial.sweep.checked.append(training.tables)
        if not trial.first:
            return
    start(training)
    if not known_already(training):
        describe(training)
        private(training, datasets, joined(training, datasets, describe_files(training)))
        quality(training, datasets)
        representative(training, datasets)
    if training.trial is None:
        # The store is tried before hours of training, and holds the pack's digest from before it.
        tracking.put(training.run_id, {session_path(training.writer.id): training.writer.jsonl()})


def known_already(training: Underway) -> bool:
    """Tell whether an earlier session of the same sweep holds the evidence about these very data, files included."""
    if training.data_session is None:
        return False
    name, jsonl = training.data_session
    first = read(jsonl.split(b"\n", 1)[0], name)
    same = {s.digest["arrowIpcSha256"] for s in first.subjects if "arrowIpcSha256" in s.digest}
    if same != {t.digest["arrowIpcSha256"] for t in training.tables.values()}:
        return False
    if training.setup.config.data.files and files_now(training) != files_in(jsonl):
        return False
    training.joined[name] = jsonl
    return True


def dataset_of(training: Underway, table: Table) -> InMemoryTable:
    """Return a table as the checks see it.

    Raises:
        DataError: it does not fit what aims.yaml says.
        CheckError: its values are no longer those that its digest was made of.
    """
    if table.role in training.spoiled:
        raise CheckError(
            f"the training function wrote over values of the {table.role} data that it was given",
            next=f"work on a copy: {table.role} = {table.role}.copy()",
        )
    if table.role not in training.datasets:
        training.datasets[table.role] = _made(training, table)
    return training.datasets[table.role]


def _made(training: Underway, table: Table) -> InMemoryTable:
    data = training.setup.config.data
    frame, beside = table.frame, None
    if table.beside:
        beside = frame[list(table.beside)]
        frame = frame.drop(columns=list(table.beside))
    return make_dataset(
        table.role,
        frame,
        PredictionTask.of(data, training.setup.pack.task),
        sensitive=table.sensitive,
        sensitive_frame=beside,
        identifiers=data.identifiers,
    )


def start(training: Underway) -> None:
    """Sign the first record: what will be trained on what, and held to which pack."""
    config = training.setup.config
    training.writer.add(
        "session-start",
        training.data_subjects(),
        tools=tool_versions(),
        details={
            "function": training.function_name,
            "mode": "evaluate" if training.evaluates else training.mode,
            "system": config.system.model_dump(mode="json", exclude_none=True),
            "target": config.data.target,
            "favourable": config.data.favourable or "",
            "task": training.setup.pack.task,
            **({"threshold": config.data.threshold} if config.data.threshold is not None else {}),
            "sensitive": sorted({c for t in training.tables.values() for c in t.sensitive}),
            "pack": {"name": training.setup.pack.name, "version": training.setup.pack.version},
            "data": training.described_data(),
        },
    )


def describe(training: Underway) -> None:
    """Sign one dataset-record for each data set."""
    sources = training.setup.config.data.sources
    for role, table in training.tables.items():
        frame = table.frame
        missing = frame.isna().sum()
        details: dict[str, Any] = {
            "role": role,
            "data": table.described(),
            "column_types": {str(c): str(t) for c, t in frame.dtypes.items()},
            "missing": {str(c): int(n) for c, n in missing.items() if n},
        }
        if len(sources) == 1:
            name, source = next(iter(sources.items()))
            details["source"] = {"name": name, **source.model_dump(exclude_none=True)}
        stated = details.get("source", {})
        lacking = [k for k in ("owner", "retention") if k not in stated]
        training.writer.add(
            "dataset-record",
            [table.subject()],
            result="warned" if lacking else "passed",
            reason=f"aims.yaml does not state {' and '.join(f'data.sources.*.{k}' for k in lacking)}"
            if lacking
            else None,
            details=details,
        )


def joined(training: Underway, datasets: dict[str, InMemoryTable], files: list[Subject]) -> list[dict[str, Any]]:
    """Sign the lineage record: how train and test are joined to what was acquired and prepared, beside which files.

    Returns:
        The links, as `lineage.link` gives them.
    """
    links = [lineage.link(table, training.key) for table in training.tables.values()]
    training.joined.update(lineage.sessions_behind(links))
    unlinked = [item["role"] for item in links if item["link"] == "unlinked"]
    claims = overlap_claims(training, datasets)
    share = (len(links) - len(unlinked)) / len(links)
    claims.append(
        Claim(
            metric="linked_share",
            role="train",
            value=decimal_text(share),
            n=len(links),
            comparator=">=",
            limit="1",
            severity="warning",
            passed=not unlinked,
            note=f"unlinked: {', '.join(unlinked)}" if unlinked else None,
        )
    )
    training.writer.add(
        "lineage",
        [*training.data_subjects(), *files],
        result=result_of(claims),
        reason=f"no recorded origin for {', '.join(unlinked)} data: decorate what loads it with @aims.acquires"
        if unlinked
        else None,
        claims=tuple(claims),
        details={"links": links, **({"files": [subject.name for subject in files]} if files else {})},
    )
    return links


def overlap_claims(training: Underway, datasets: dict[str, InMemoryTable]) -> list[Claim]:
    """Return the leakage claims: the share of held-out rows that stand in the training data too."""
    train = datasets.get("train")
    if train is None:
        return []
    settings = training.setup.pack.leakage
    return [
        c
        for role, data in datasets.items()
        if role != "train"
        for c in overlap(train.frame, data.frame, settings, role=role)
    ]


def private(training: Underway, datasets: dict[str, InMemoryTable], links: list[dict[str, Any]]) -> None:
    """Look for columns that hold personal data and that nobody declared, in each data set's columns once.

    Declared they are in aims.yaml, in the pack, or by the @aims.acquires that gave the data out.
    """
    personal = personal_of([training.setup.config.data.personal, *lineage.personal_said(links)])
    seen: set[tuple[str, ...]] = set()
    for role, data in datasets.items():
        columns = tuple(map(str, data.frame.columns))
        if columns not in seen:
            seen.add(columns)
            outcome = run_check("privacy", dataclasses.replace(data, personal=personal), training.setup.pack)
            record_outcome(training, outcome, [training.tables[role].subject()], prefix=f"{role}-", role=role)


def quality(training: Underway, datasets: dict[str, InMemoryTable]) -> None:
    """Run the data-quality checks; a failed check of severity "blocking" stops the training.

    Raises:
        GateRefused: such a check failed, or the checks could not run. The evidence is written first.
    """
    stops: list[str] = []
    for role, data in datasets.items():
        outcome = run_check("data_quality", data, training.setup.pack)
        record_outcome(training, outcome, [training.tables[role].subject()], prefix=f"{role}-", role=role)
        asked = any(role in e.roles for e in training.setup.pack.data_quality.expectations)
        if outcome.result == "not_evaluated" and asked:
            stops.append(f"the checks of {role} data could not run: {outcome.reason}")
        stops += [_claim_text(c) for c in outcome.claims if c.severity == "blocking" and c.passed is False]
    if not stops:
        return
    reason = "; ".join(stops[:5])
    training.note(reason)
    if training.mode == "enforce":
        raise GateRefused(
            f"Training refused: {training.setup.config.system.id}. A.7.4: {reason}",
            run_id=training.run_id,
            unmet=stops,
            next=f"mend the data, or change the pack with a reason; the evidence is in run {training.run_id}",
        )


def representative(training: Underway, datasets: dict[str, InMemoryTable]) -> None:
    """Compare the groups of the training data with the population of use, and with each other (A.7.2)."""
    data = datasets.get("train")
    if data is not None and (data.sensitive_names or training.setup.pack.representativeness.populations):
        outcome = run_check("representativeness", data, training.setup.pack)
        record_outcome(training, outcome, [training.tables["train"].subject()], prefix="train-", role="train")


def _claim_text(claim: Claim) -> str:
    column = claim.slice.get("column")
    return (
        f"{claim.metric}"
        + (f" of {column!r}" if column else "")
        + f" does not hold in {claim.role} data"
        + (f" ({claim.note})" if claim.note else "")
    )
