"""The data gate: describes and checks the data before fitting, joins them to their origin, and may refuse them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aims_mlflow.capture import lineage, training_data
from aims_mlflow.capture.environment import tool_versions
from aims_mlflow.capture.files import describe_files, files_in, files_now
from aims_mlflow.capture.refused import GateRefused
from aims_mlflow.capture.setup import source_statement, unstated
from aims_mlflow.catalog.loader import controls_for_kind
from aims_mlflow.checks.packs import pack_text
from aims_mlflow.checks.packs.origins import DEFAULT
from aims_mlflow.checks.quality.leakage import overlap
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.validation import validate_pair
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import PACK_FILE, session_path
from aims_mlflow.evidence.statement import read
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.training import (
    DatasetDetails,
    LineageDetails,
    LineageLink,
    PackName,
    SessionStartDetails,
    SystemStatement,
)
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.records.limit import LimitOrigin
from aims_mlflow.records.system import personal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData
    from aims_mlflow.evidence.statement import Subject

WHY_LINKED = "of data whose origin nobody recorded, no source, owner or right of use can be shown (A.7.3, A.7.5)"


def admit(plan: TrainingPlan, run: OpenRun, data: TrainingData, recorder: Recorder) -> TrainingData:
    """Check and record the data, then decide whether training may start.

    Returns:
        The data with their data sets.

    Raises:
        DataError: the data cannot be used as described in aims.yaml.
        ConfigError: aims.yaml lacks an entry that the gate requires.
        GateRefused: a data check of severity "blocking" failed.
        Unreachable: the artifact store cannot be written: better now than after hours of training.
    """
    trial = run.trial
    if trial is not None and not trial.first and trial.sweep.has_admitted(data.tables):
        return data  # its trial record names the session with the evidence about them
    datasets = {role: training_data.make(table, run.setup) for role, table in data.tables.items()}
    for role in ("validation", "test"):
        if role in datasets and "train" in datasets:
            validate_pair(datasets["train"], datasets[role])
    missing = unstated(run.setup)
    if missing and plan.mode == "enforce":
        raise ConfigError(
            "training needs, all at once:\n  " + "\n  ".join(missing),
            where=run.setup.document.where("system"),
            next='state them, or train with mode="observe"',
        )
    admitted = dataclasses.replace(data, datasets=datasets)
    if trial is not None:
        trial.sweep.admitted.append(data.tables)
    if trial is None or trial.first:
        record_data(plan, run, admitted, recorder)
    return admitted


def record_data(plan: TrainingPlan, run: OpenRun, data: TrainingData, recorder: Recorder) -> None:
    """Sign the evidence about the data, unless an earlier trial of the same sweep did.

    Raises:
        GateRefused: a data check of severity "blocking" failed.
        Unreachable: the artifact store cannot be written.
    """
    describe_session(plan, data, recorder)
    if not recorded_before(run, data, recorder):
        links = {role: lineage.link(table, run.key) for role, table in data.tables.items()}
        describe(data, links, recorder)
        join(data, list(links.values()), describe_files(data, recorder), recorder)
        check_privacy(data, list(links.values()), recorder)
        check_quality(plan, run, data, recorder)
        check_leaking_columns(data, recorder)
        check_representation(data, recorder)
    if run.trial is None:
        # The store is tried before hours of training, and holds the pack's digest from before it.
        # The files that its records name go with it: a training that is cut off leaves evidence that can be read.
        tracking.put(run.run_id, {**_session_so_far(plan, run, recorder), **recorder.files})


def _session_so_far(plan: TrainingPlan, run: OpenRun, recorder: Recorder) -> dict[str, bytes]:
    """Return the session file so far; none for a run that has models: without its manifest it would close them too."""
    has_models = plan.run_id is not None or bool(run.models_before)
    return {} if has_models else {session_path(recorder.session_id): recorder.jsonl()}


def recorded_before(run: OpenRun, data: TrainingData, recorder: Recorder) -> bool:
    """Tell whether an earlier session of the same sweep has the evidence about these very data, files included."""
    if run.selection is None or run.selection.data_session is None:
        return False
    earlier = run.selection.data_session
    first = read(earlier.jsonl.split(b"\n", 1)[0], earlier.id)
    described = read_details(first.evidence, SessionStartDetails).data or {}
    then = {role: item.digest.get("arrowIpcSha256") for role, item in described.items()}
    now = {role: table.digest["arrowIpcSha256"] for role, table in data.tables.items()}
    if then != now or (run.setup.config.data.files and files_now(run.setup) != files_in(earlier.jsonl)):
        return False
    recorder.earlier_sessions |= {**earlier.behind, earlier.id: earlier.jsonl}
    recorder.data_session = earlier.id
    recorder.files.update(earlier.files)  # the chosen run has all that its sessions name, whichever trial it is
    return True


def describe_session(plan: TrainingPlan, data: TrainingData, recorder: Recorder) -> None:
    """Sign the first record: the system, the data, and the resolved pack with every limit and its reason."""
    config, pack = data.setup.config, data.setup.pack
    recorder.add(
        "session-start",
        data.subjects(),
        tools=tool_versions(),
        artifacts=(recorder.keep(PACK_FILE, pack_text(pack)),),
        details=SessionStartDetails(
            function=plan.function_name,
            mode="evaluate" if plan.evaluates else plan.mode,
            system=SystemStatement().changed(**config.system.model_dump(mode="json", exclude_none=True)),
            target=config.data.target,
            favourable=config.data.favourable or "",
            task=pack.task,
            threshold=config.data.threshold,
            sensitive=sorted({c for t in data.tables.values() for c in t.sensitive}),
            not_compared=config.data.not_compared or None,
            pack=PackName(name=pack.name, version=pack.version),
            data=data.described(),
        ),
    )


def describe(data: TrainingData, links: Mapping[str, LineageLink], recorder: Recorder) -> None:
    """Sign one dataset-record for each data set, with what is stated of the source that it comes from."""
    sources = data.setup.config.data.sources
    only_source = next(iter(sources.items())) if len(sources) == 1 else None
    for role, table in data.tables.items():
        acquired = lineage.stated_sources([links[role]])
        own = source_statement(*only_source) if only_source else None
        stated = acquired[0] if len(acquired) == 1 else own if not acquired else None
        asked = acquired or [stated or SourceStatement()]
        lacking = [k for k in ("owner", "retention") if any(getattr(s, k) is None for s in asked)]
        where = " and ".join(f"data.sources.*.{k}" for k in lacking)
        recorder.add(
            "dataset-record",
            [table.subject()],
            result="warned" if lacking else "passed",
            reason=f"neither aims.yaml ({where}) nor @aims.acquires states it" if lacking else None,
            details=dataset_details(table, stated),
        )


def dataset_details(table: Table, source: SourceStatement | None) -> DatasetDetails:
    """Return the details of a dataset-record: digest, columns, missing values, and the source where there is one."""
    missing = table.frame.isna().sum()
    return DatasetDetails(
        role=table.role,
        data=table.described(),
        column_types={str(c): str(t) for c, t in table.frame.dtypes.items()},
        missing={str(c): int(n) for c, n in missing.items() if n},
        source=source,
    )


def join(data: TrainingData, links: list[LineageLink], files: list[Subject], recorder: Recorder) -> None:
    """Sign the lineage record: how train and test are joined to acquisitions and preparations, beside which files.

    `links` are those of `lineage.link`, one for each data set.
    """
    recorder.earlier_sessions.update(lineage.sessions_behind(links))
    unlinked = [item.role for item in links if item.link == "unlinked"]
    claims = overlap_claims(data)
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
            limit_origin=LimitOrigin(why=WHY_LINKED, **DEFAULT),
        )
    )
    advice = next((item.reason for item in links if item.reason), "decorate what loads it with @aims.acquires")
    recorder.add(
        "lineage",
        [*data.subjects(), *files],
        result=result_of(claims),
        reason=f"no recorded origin for {', '.join(unlinked)} data: {advice}" if unlinked else None,
        controls=dict.fromkeys([*(c for c, _ in controls_for_kind("lineage")), *data.setup.pack.leakage.controls]),
        claims=tuple(claims),
        details=LineageDetails(links=links, files=[subject.name for subject in files] or None),
    )


def overlap_claims(data: TrainingData) -> list[Claim]:
    """Return the leakage claims: the share of held-out rows that are in the training data too."""
    train = data.datasets.get("train")
    if train is None:
        return []
    settings = data.setup.pack.leakage
    return [
        c
        for role, dataset in data.datasets.items()
        if role != "train"
        for c in overlap(train.frame, dataset.frame, settings, role=role)
    ]


def check_privacy(data: TrainingData, links: list[LineageLink], recorder: Recorder) -> None:
    """Look for columns with personal data that nobody declared; data sets of the same columns are looked at once.

    They are declared in aims.yaml, in the pack, or by the @aims.acquires that returned the data.
    """
    personal = personal_of([data.setup.config.data.personal, *lineage.personal_statements(links)])
    seen: set[tuple[str, ...]] = set()
    for role, dataset in data.datasets.items():
        columns = tuple(map(str, dataset.frame.columns))
        if columns not in seen:
            seen.add(columns)
            outcome = run_check("privacy", dataclasses.replace(dataset, personal=personal), data.setup.pack)
            recorder.outcome(outcome, [data.tables[role].subject()], prefix=f"{role}-", role=role)


def check_quality(plan: TrainingPlan, run: OpenRun, data: TrainingData, recorder: Recorder) -> None:
    """Run the data-quality checks; a failed check of severity "blocking" stops the training.

    Raises:
        GateRefused: such a check failed, or the checks could not run. The evidence is written first.
    """
    pack = data.setup.pack
    stops: list[str] = []
    for role, dataset in data.datasets.items():
        outcome = run_check("data_quality", dataset, pack)
        recorder.outcome(outcome, [data.tables[role].subject()], prefix=f"{role}-", role=role)
        has_checks = any(role in e.roles for e in pack.data_quality.expectations)
        if outcome.result == "not_evaluated" and has_checks:
            stops.append(f"the checks of {role} data could not run: {outcome.reason}")
        stops += [_claim_text(c) for c in outcome.claims if c.severity == "blocking" and c.passed is False]
    if not stops:
        return
    reason = "; ".join(stops[:5])
    recorder.note(reason)
    if plan.mode == "enforce":
        raise GateRefused(
            f"Training refused: {run.setup.config.system.id}. A.7.4: {reason}",
            run_id=run.run_id,
            unmet=stops,
            next=f"mend the data, or change the limit in your pack with a reason; the evidence is in run {run.run_id}",
        )


def check_leaking_columns(data: TrainingData, recorder: Recorder) -> None:
    """Look for columns that tell the target by themselves, in the rows that a model learns from, if they are there."""
    role = "train" if "train" in data.datasets else next(iter(data.datasets))
    outcome = run_check("leakage", data.datasets[role], data.setup.pack)
    recorder.outcome(outcome, [data.tables[role].subject()], prefix=f"{role}-", role=role)


def check_representation(data: TrainingData, recorder: Recorder) -> None:
    """Compare the groups of the training data with the population of use, and with each other (A.7.2)."""
    train, pack = data.datasets.get("train"), data.setup.pack
    if train is not None and (train.sensitive_names or pack.representativeness.populations):
        outcome = run_check("representativeness", train, pack)
        recorder.outcome(outcome, [data.tables["train"].subject()], prefix="train-", role="train")


def _claim_text(claim: Claim) -> str:
    column = claim.slice.get("column")
    return (
        f"{claim.metric}"
        + (f" of {column!r}" if column else "")
        + f" does not hold in {claim.role} data"
        + (f" ({claim.note})" if claim.note else "")
    )
