"""What evidence says, and what people wrote elsewhere, as statements with their source: legal forms begin with them.

Evidence is that of one training, the newest that was read, so that figures of two versions never stand side by side.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from aims_mlflow.cached_values import cached_property
from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.gates.citations import claim_of
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ProvenanceDetails, ToolingDetails
from aims_mlflow.records.documents.base import WrittenDocument
from aims_mlflow.records.wording import (
    against_text,
    interval_text,
    limit_text,
    metric_text,
    number_text,
    rows_text,
    slice_text,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.records.evidence import Claim

EVIDENCE, MOST = "evidence", 30
MEASURED = ("performance", "fairness")
Written = TypeVar("Written", bound=WrittenDocument)


@dataclass(frozen=True)
class KnownStatement:
    """A statement that is known already.

    Attributes:
        text: Its words; of one that cites, `{}` stands where the mark of its citation belongs.
        source: `evidence`, or the id of the document in which a person wrote it.
        cited: What follows `evidence` in its citation; None where it cites nothing.
    """

    text: str
    source: str
    cited: str | None = None

    def marked(self, mark: str = "") -> str:
        """Return its words with a mark, such as `[^r1]`, in its place."""
        return self.text if self.cited is None else self.text.replace("{}", mark, 1)


class KnownStatements:
    """The statements that can be made about one system, by what they are about."""

    def __init__(self, system: str | None, around: LintContext) -> None:
        self._system, self._around = system, around

    def is_mine(self, system: str | None) -> bool:
        """Return whether something is about this system, or names none."""
        return system in (None, self._system)

    def written(self, kind: str, model: type[Written]) -> Iterator[Written]:
        """Yield the documents of a kind that are about the system, or about the whole organisation."""
        for document in self._around.folder.of(kind):
            if isinstance(document.written, model) and self.is_mine(document.written.system):
                yield document.written

    def said(
        self, kind: str, model: type[Written], told: Callable[[Written], Iterable[str | None]]
    ) -> Iterator[KnownStatement]:
        """Yield what `told` takes out of each document of a kind; what says nothing is left out."""
        for document in self.written(kind, model):
            yield from (KnownStatement(t, document.id) for t in told(document) if t is not None and says(t))

    @cached_property
    def records(self) -> list[SealedRecord]:
        """The records of the newest training of the system that nothing superseded."""
        view = self._around.evidence
        mine = [r for r in view.of_system(self._system) if r.id not in view.superseded]
        trained = [r for r in mine if r.evidence.kind == "training-provenance"]
        return [r for r in mine if r.evidence.session == trained[-1].evidence.session] if trained else mine

    def claims(self, chosen: Callable[[Claim], bool]) -> Iterator[KnownStatement]:
        """Yield each measured value, or group left out, that `chosen` takes; beyond `MOST` they are counted."""
        found = [
            (r, c)
            for r in self.records
            if r.evidence.kind in MEASURED
            for c in r.evidence.claims
            if chosen(c)
            and c.reference != c.slice
            and "*" not in c.slice.values()
            and claim_of(r, c.metric, c.slice) is c
        ]
        yield from (_of_claim(record, claim) for record, claim in found[:MOST])
        if len(found) > MOST:
            text = f"{len(found) - MOST:,} more values are in the evidence of the training and not listed here"
            yield KnownStatement(text, EVIDENCE)

    def model(self) -> Iterator[KnownStatement]:
        """Yield what the training record says of the models that came of it."""
        for record, told in self._details("training-provenance", ProvenanceDetails):
            for model in told.models or ():
                text = f"model {model.name}, MLflow flavour {model.flavor}, files with the digest {model.digest}{{}}"
                yield KnownStatement(text, EVIDENCE, record.id)

    def training(self) -> Iterator[KnownStatement]:
        """Yield by which function, code and data the model was made, and from how many trials it was chosen."""
        for record, told in self._details("training-provenance", ProvenanceDetails):
            if told.function:
                yield KnownStatement(f"trained by the function {told.function}{{}}", EVIDENCE, record.id)
            if told.trials:
                yield KnownStatement(f"chosen from {told.trials:,} trials{{}}", EVIDENCE, record.id)

    def data(self) -> Iterator[KnownStatement]:
        """Yield the digest of the data of each role, and the columns that the model takes."""
        for record, told in self._details("training-provenance", ProvenanceDetails):
            for role, data in sorted((told.data or {}).items()):
                for digest in list((data.digest or {}).values())[:1]:
                    yield KnownStatement(f"{role} data with the digest {digest}{{}}", EVIDENCE, record.id)
            for model in told.models or ():
                if model.inputs:
                    yield KnownStatement(f"its inputs are {', '.join(model.inputs)}{{}}", EVIDENCE, record.id)

    def tools(self) -> Iterator[KnownStatement]:
        """Yield the tools of the training, and the packages that serving needs."""
        for record, told in self._details("tooling-record", ToolingDetails):
            tools = ", ".join(f"{name} {version}" for name, version in sorted((record.evidence.tools or {}).items()))
            if tools:
                yield KnownStatement(f"trained with {tools}{{}}", EVIDENCE, record.id)
            for packages in (told.serving or {}).values():
                yield KnownStatement(f"serving needs {', '.join(packages)}{{}}", EVIDENCE, record.id)

    def _details(self, kind: str, model: type[Details]) -> Iterator[tuple[SealedRecord, Details]]:
        for record in self.records:
            if record.evidence.kind == kind:
                yield record, read_details(record.evidence, model)


Details = TypeVar("Details", ProvenanceDetails, ToolingDetails)


def cited(record: SealedRecord, claim: Claim) -> str:
    """Return what a citation line says after `evidence`; words with blanks or marks of any kind stand in quotes."""
    return shlex.join([record.id, claim.metric, *(f"{column}={value}" for column, value in claim.slice.items())])


def _of_claim(record: SealedRecord, claim: Claim) -> KnownStatement:
    rows = slice_text(claim.slice) or "all rows"
    if claim.value is None or is_left_out(claim):
        text = f"{metric_text(claim.metric)} of {rows} is not known: {claim.note}{{}}"
        return KnownStatement(text, EVIDENCE, cited(record, claim))
    shown = number_text(claim.value, claim.comparator, claim.limit)
    shown = claim.value if "e" in shown else shown
    more = ", ".join(
        part for part in (against_text(claim), interval_text(claim), rows_text(claim), limit_text(claim)) if part
    )
    verdict = f": {verdict_word(claim)}" if verdict_word(claim) else ""
    text = f"{metric_text(claim.metric)} of {rows} is {shown}{{}}" + (f" ({more})" if more else "") + verdict
    return KnownStatement(text, EVIDENCE, cited(record, claim))
