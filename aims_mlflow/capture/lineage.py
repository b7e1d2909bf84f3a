"""Lineage: joins train and test to the acquisitions and preparations that they come from.

Tables are joined by digest. Row hashes join the parts of an undecorated split; they stay in memory.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.failures import short_reason
from aims_mlflow.capture.state import memory
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.trust import trust_only
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.base import SourceStatement
from aims_mlflow.records.details.training import AcquisitionDetails, LineageLink, LineageStep, PreparationDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.signing.keys import PublicKey, SigningKey

MAX_ORIGINS = 200
TOO_ALIKE = (
    "its rows are found in {name}, but the columns that both have are the same in so many rows that others would be "
    "found there too: decorate what makes it of {name} with @aims.prepares"
)


@dataclass
class Origin:
    """A data set that a decorated function returned: its record, its session, and its frame while that is in use."""

    record: SealedRecord
    session: str
    jsonl: bytes
    run_id: str | None
    digests: frozenset[str]
    inputs: frozenset[str]
    columns: tuple[str, ...] = ()
    frame: Any = None
    hashes: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)

    def rows(self, columns: tuple[str, ...]) -> np.ndarray | None:
        """Return the sorted row hashes over `columns`; None where the frame is gone."""
        if columns not in self.hashes:
            frame = self.frame() if self.frame is not None else None
            if frame is None or not set(columns) <= {str(c) for c in frame.columns}:
                return None
            self.hashes[columns] = row_hashes(frame, columns)
        return self.hashes[columns]


def remember(origin: Origin, frame: pd.DataFrame | None) -> None:
    """Keep an output of a decorated function, so that later training can be joined to it."""
    if frame is not None:
        origin.columns = tuple(str(c) for c in frame.columns)
        origin.frame = weakref.ref(frame)
        origin.hashes[origin.columns] = row_hashes(frame, origin.columns)
    memory.origins.append(origin)
    del memory.origins[:-MAX_ORIGINS]


def row_hashes(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """Return one sorted 64-bit hash for each row; numbers count by value, whatever their width."""
    import numpy as np
    import pandas as pd

    total = np.zeros(len(frame), dtype=np.uint64)
    names = {str(c): c for c in frame.columns}
    for index, name in enumerate(columns):
        column = frame[names[name]]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            column = column.astype("float64")
        else:
            column = column.astype("str").where(column.notna(), "")
        hashed = pd.util.hash_array(column.to_numpy(dtype=None if column.dtype.kind == "f" else object))
        total = total * np.uint64(1_000_003) + hashed * np.uint64(2 * index + 1)
    total.sort()
    return total


def is_subset(part: np.ndarray, whole: np.ndarray) -> bool:
    """Tell whether the sorted row hashes `whole` contain all of `part`, each at least as often."""
    import numpy as np

    if len(part) > len(whole):
        return False
    values, counts = np.unique(part, return_counts=True)
    left = np.searchsorted(whole, values, side="left")
    right = np.searchsorted(whole, values, side="right")
    return bool(((right - left) >= counts).all())


def tells_rows_apart(part: np.ndarray) -> bool:
    """Return whether most of the sorted row hashes are different: rows that are alike are found in any table."""
    import numpy as np

    return 2 * len(np.unique(part)) > len(part)


def link(table: Table, key: SigningKey) -> LineageLink:
    """Return how one data set is joined to known outputs: same-digest, same-file, subset, or unlinked."""
    digest = table.digest["arrowIpcSha256"]
    origin, how = _known(table)
    reason = None
    if origin is None:
        origin, reason = _subset(table)
        how = "subset"
    if origin is None:
        try:
            origin, how = _elsewhere(table, key)
        except AimsError as exc:
            reason = short_reason(f"earlier runs were not searched: {exc.sentence()}")
    if origin is None:
        return LineageLink(role=table.role, digest=digest, link="unlinked", steps=[], reason=reason)
    return LineageLink(
        role=table.role,
        digest=digest,
        link=how,
        of=min(origin.digests),
        session=origin.session,
        run_id=origin.run_id or None,
        steps=[_step(o) for o in _steps(origin)],
    )


def _known(table: Table) -> tuple[Origin | None, str]:
    mine = set(table.digest.values())
    for origin in reversed(memory.origins):
        if mine & origin.digests:
            same_file = table.digest.get("sha256") in origin.digests
            return origin, "same-file" if same_file else "same-digest"
    return None, "unlinked"


def _subset(table: Table) -> tuple[Origin | None, str | None]:
    """Return the output that has all rows of a table, or else why one that seems to have them is not its origin.

    A table with every column of the output is of its kind. Where only some columns are in both, as those of people are
    in many tables, their values must tell rows apart.
    """
    columns = tuple(str(c) for c in table.frame.columns)
    own: dict[tuple[str, ...], Any] = {}
    doubt = None
    for origin in reversed(memory.origins):
        shared = tuple(c for c in origin.columns if c in columns)
        if len(shared) < max(1, len(columns) // 2):
            continue
        rows = origin.rows(shared)
        if rows is not None:
            if shared not in own:
                own[shared] = row_hashes(table.frame, shared)
            if not is_subset(own[shared], rows):
                continue
            if (shared == origin.columns and len(shared) > 1) or tells_rows_apart(own[shared]):
                return origin, None
            doubt = doubt or short_reason(TOO_ALIKE.format(name=_step(origin).name))
    return None, doubt


def _elsewhere(table: Table, key: SigningKey) -> tuple[Origin | None, str]:
    """Look for the digest in the runs of other processes; only sessions that our own key signed are joined."""
    for name in ("sha256", "arrowIpcSha256"):
        digest = table.digest.get(name)
        if digest is None:
            continue
        origin = fetch(digest, key.public)
        if origin is not None:
            return origin, "same-file" if name == "sha256" else "same-digest"
    return None, "unlinked"


def fetch(digest: str, public: PublicKey) -> Origin | None:
    """Return the origin of a data set from the evidence of earlier runs, with the origins behind it."""
    origin_of_digest = None
    for run_id in runs_that_made(digest):
        for name, data in tracking.session_files(run_id).items():
            checked = check_session(data, name, trust_only(public))
            if not checked.sound:
                continue
            for record in checked.records:
                if record.evidence.kind in ("acquisition", "preparation"):
                    origin = from_record(record, data, run_id)
                    if not any(o.session == origin.session and o.record.id == record.id for o in memory.origins):
                        memory.origins.append(origin)
                    if digest in origin.digests:
                        origin_of_digest = origin
        if origin_of_digest is not None:
            return origin_of_digest
    return None


def from_record(record: SealedRecord, jsonl: bytes, run_id: str | None) -> Origin:
    """Return the output and the inputs of a signed acquisition or preparation record.

    Raises:
        EvidenceError: its details are not of this format.
    """
    if record.evidence.kind == "acquisition":
        before, after = None, read_details(record.evidence, AcquisitionDetails).data
    else:
        details = read_details(record.evidence, PreparationDetails)
        before, after = details.input, details.output
    return Origin(
        record,
        record.evidence.session or record.id,
        jsonl,
        run_id,
        frozenset(after.digest.values() if after else ()),
        frozenset(before.digest.values() if before else ()),
        tuple((after.columns if after else None) or ()),
    )


def _steps(origin: Origin) -> list[Origin]:
    """Return the chain from the acquisition to `origin`, as far as this process knows it."""
    chain = [origin]
    while chain[0].inputs and len(chain) < 50:
        before = next((o for o in reversed(memory.origins) if o.digests & chain[0].inputs and o not in chain), None)
        if before is None:
            break
        chain.insert(0, before)
    return chain


def _step(origin: Origin) -> LineageStep:
    evidence = origin.record.evidence
    if evidence.kind == "acquisition":
        name = read_details(evidence, AcquisitionDetails).name
    else:
        name = read_details(evidence, PreparationDetails).function
    return LineageStep(
        kind=evidence.kind,
        name=name or "",
        session=origin.session,
        record=origin.record.id,
        digest=min(origin.digests),
    )


def sessions_behind(links: Iterable[LineageLink]) -> dict[str, bytes]:
    """Return the session files that the links are based on, by session id."""
    wanted = {step.session for item in links for step in item.steps}
    return {o.session: o.jsonl for o in memory.origins if o.session in wanted}


def stated_sources(links: Iterable[LineageLink]) -> list[SourceStatement]:
    """Return what is stated of the sources of the acquisitions behind the links, each with its name."""
    wanted = {step.record for item in links for step in item.steps if step.kind == "acquisition"}
    behind = {o.record.id: o.record.evidence for o in memory.origins if o.record.id in wanted}
    found = [read_details(evidence, AcquisitionDetails) for evidence in behind.values()]
    return [details.source or SourceStatement(name=details.name) for details in found]


def personal_statements(links: Iterable[LineageLink]) -> list[bool | tuple[str, ...]]:
    """Return the statements of the acquisitions behind the links on personal data: any, none, or which columns."""
    wanted = {step.record for item in links for step in item.steps}
    behind = [o.record.evidence for o in memory.origins if o.record.id in wanted]
    sources = [read_details(e, AcquisitionDetails).source for e in behind if e.kind == "acquisition"]
    statements = [source.personal_data for source in sources if source is not None]
    return [tuple(stated) if isinstance(stated, list) else stated for stated in statements if stated is not None]


def runs_that_made(digest: str, limit: int = 5) -> list[str]:
    """Return ids of runs that made or acquired the data set `digest` by their evidence, newest first."""
    with tracking.reaching("search runs"):
        found = tracking.client().search_runs(
            _experiments(),
            f"tags.`{data_tag(digest)}` = 'output'",
            max_results=limit,
            order_by=["attributes.start_time DESC"],
        )
    return [run.info.run_id for run in found]


def _experiments() -> list[str]:
    """Return the ids of all experiments, page by page."""
    found, token = [], None
    while True:
        page = tracking.client().search_experiments(max_results=1000, page_token=token)
        found += [e.experiment_id for e in page]
        token = page.token
        if not token:
            return found


def data_tag(digest: str) -> str:
    """Return the tag under which a run that made a data set can be found."""
    return f"aims.data.{digest[:32]}"
