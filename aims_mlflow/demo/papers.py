"""The demo's documents: what the policy asks of people before a model is put into use, written from its evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.demo.harms import harms
from aims_mlflow.management.known_statements import cited
from aims_mlflow.records.limit import holds
from aims_mlflow.records.pack import Monitor
from aims_mlflow.records.wording import reference_text, slice_text
from aims_mlflow.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aims_mlflow.demo.data import DemoData
    from aims_mlflow.demo.people import Office, RunCommand
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

RATIO = "selection_rate_ratio"
WAIVER_DAYS = 30
ASKED = ("impact-assessment", "validation-report", "deployment-plan", "monitoring-plan")
PUBLISHED = ("risk-register", *ASKED)
WRITER, APPROVER = "rosa", "olga"
RISK = "R1"
VOLUME = "none beyond the rows of the table: the demo decides about nobody"
FIRST = "a pilot first, while the measures are carried out"
WIDER = "wider use only after every limit holds without a waiver"
FUNCTIONS = {"ana": "data science", APPROVER: "credit", WRITER: "risk"}


def waiver_reason(stage: str, control: str) -> str:
    """Return why rosa waives a control at a stage: what is true at that time, and about this failure."""
    if stage == "registration":
        return "registered so that its effects can be assessed before any use; mitigation goes on"
    if control == "A.5.3":
        return "a pilot with the measures of its impact assessment, which is to show how likely each harm is"
    return "a pilot with the measures of its impact assessment; mitigation goes on"


class DemoPapers:
    """The documents about one version, each a file of the management folder."""

    def __init__(self, data: DemoData, system: str, records: Sequence[SealedRecord], digest: str) -> None:
        """`records` are those of the version's sessions, and `digest` is that of its bytes."""
        self._data, self._system, self._records, self._digest = data, system, records, digest
        self._today, self._waived_until, self._next = (_day(after) for after in (0, WAIVER_DAYS, 180))
        self._harms = harms(records, data.sensitive)

    def write(self, folder: Path) -> None:
        """Write the register's entries and the documents that the policy asks for."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind, (fields, text) in self._documents().items():
            head = yaml.safe_dump({**self._head(kind), **fields}, sort_keys=False, allow_unicode=True, width=110)
            name, content = (f"{kind}.md", f"---\n{head}---\n\n{text}\n") if text else (f"{kind}.yaml", head)
            (folder / name).write_text(content, encoding="utf-8")

    def publish(self, folder: Path, office: Office, run: RunCommand, evidence: str) -> None:
        """Write the documents, publish them with rosa's key, and approve each with olga's."""
        self.write(folder)
        with environment({**office.environment(), "AIMS_SIGNING_KEY": f"file:{office.risk_owner}"}):
            run("document", "publish", *PUBLISHED, "--folder", str(folder), "--evidence", evidence)
        with environment({**office.environment(), "AIMS_SIGNING_KEY": f"file:{office.approver}"}):
            for kind in PUBLISHED:
                run("approve", f"document:{kind}")

    def _head(self, kind: str) -> dict[str, Any]:
        about = {} if kind == "people" else {"system": self._system}
        named = {"model_digests": [self._digest]} if kind in ASKED else {}
        return {
            "id": kind, "kind": kind, "title": f"{kind.replace('-', ' ').capitalize()} of {self._system}",
            "owner": APPROVER, "author": WRITER, "approver": APPROVER, "review_by": self._next, **about, **named,
        }  # fmt: skip

    def _documents(self) -> dict[str, tuple[dict[str, Any], str]]:
        groups = [{"name": g.partition("=")[2], "in_data": g} for g in self._groups()]
        people = [{"id": name, "function": function} for name, function in FUNCTIONS.items()]
        entry = {
            "name": self._system, "purpose": f"{APPROVER} decides about people, with {self._data.target} predicted",
            "stage": "operation",
            "roles": [{"role": "deployer", "since": self._today}], "in_scope": True, "affected_groups": groups,
            "models": [self._system],
        }  # fmt: skip
        plan = {
            "steps": ["the pilot, while the measures of the impact assessment are carried out", WIDER],
            "who_may_stop": APPROVER,
            "rollback_to": f"no version: this is the first, and {APPROVER} decides without a model as before",
        }  # fmt: skip
        watch = {
            "model": f"{self._system}@champion", "every_days": 30, "least_rows": 500, "who_acts": APPROVER,
            "within_hours": 48, "metrics": [{"metric": "drift", "limit": Monitor().threshold}],
        }  # fmt: skip
        return {
            "people": ({"people": people}, ""),
            "system": (entry, ""),
            "risk-register": (self._risks(), ""),
            "impact-assessment": (self._assessment(groups), self._assessment_text()),
            "validation-report": (self._validation(), self._validation_text()),
            "deployment-plan": (plan, ""),
            "monitoring-plan": (watch, ""),
        }

    # -- the impact assessment --------------------------------------------------------------

    def _assessment(self, groups: list[dict[str, str]]) -> dict[str, Any]:
        impacts, measures = [], []
        for number, harm in enumerate(self._harms, 1):
            impacts.append(
                {
                    "id": f"I{number}", "kind": "harm", "group": harm.group, "mechanism": harm.mechanism,
                    "severity": harm.severity, "likelihood": harm.likelihood, "evidence": [harm.record.id],
                }
            )  # fmt: skip
            measure = {"impact": f"I{number}", "measure": harm.measure(APPROVER), "owner": APPROVER}
            # A review by hand goes on from the first day of the use; a cause is looked for while the waiver lasts.
            measures.append({**measure, "due": self._today if harm.by_group else self._waived_until})
        return {
            "assessed_use": {"scope": f"{self._system} in the pilot that this demo plays", "volume": VOLUME},
            "assessors": [{"person": WRITER, "function": "risk"}], "groups": groups, "impacts": impacts,
            "measures": measures, "decision": "go with conditions", "conditions": [FIRST, WIDER], "feeds_risks": [RISK],
        }  # fmt: skip

    def _risks(self) -> dict[str, Any]:
        """Return the register with the one risk that the assessment feeds."""
        people = [h for h in self._harms if h.by_group]
        others = len(self._harms) - len(people)
        said = f"{len(people)} {'value' if len(people) == 1 else 'values'} of groups beyond a limit, or groups left out"
        said += f"; {others} other {'value' if others == 1 else 'values'} beyond one: see the impact assessment"
        return {
            "risks": [
                {
                    "id": RISK, "system": self._system, "event": "a person is treated worse than others by the model",
                    "group": ", ".join(self._data.sensitive), "likelihood": "likely" if people else "unlikely",
                    "likelihood_basis": said, "impact": "serious",
                    "impact_basis": "whom the model wrongly answers no loses what was asked for", "level": "high",
                    "owner": APPROVER, "treatment": "reduce", "status": "treating", "due": self._waived_until,
                    "cause_evidence": list(dict.fromkeys(h.record.id for h in self._harms)),
                }
            ]
        }  # fmt: skip

    def _assessment_text(self) -> str:
        said, notes = [], []
        for number, (record, claim) in enumerate(self._ratios(), 1):
            rows, other = slice_text(claim.slice), reference_text(claim)
            against = f", against {other}," if other else ", the reference group,"
            said.append(
                f"For {rows}{against} the ratio of selection rates is {_shown(claim)}[^e{number}]{_how(claim)}."
            )
            notes.append(f"[^e{number}]: evidence {cited(record, claim)}")
        about = (
            f"{self._system} predicts {self._data.target} of each person in a row of {self._data.name}. {APPROVER} "
            f"decides about each person; nobody is refused by the model alone. {self._data.favourable!r} is taken for "
            f"the outcome that a person wants. Compared are {', '.join(self._data.sensitive)}, on held-out rows."
        )
        return "\n\n".join([f"# Effects of {self._system} on people", about, *said, "\n".join(notes)])

    # -- the validation report ----------------------------------------------------------------

    def _validation(self) -> dict[str, Any]:
        return {
            "scope": f"results on held-out data of model {self._digest[:12]}, their records and limits",
            "verdict": "fit with conditions",
            "conclusion": "fit for the pilot under its conditions",
            "conditions": ["a person reviews what the measures of the impact assessment name"],
        }

    def _validation_text(self) -> str:
        record, claim = self._accuracy()
        said = (
            f"{WRITER}, who did not train it, read the records of model {self._digest[:12]} and the limits that were",
            f"fixed before the training. Accuracy on held-out rows is {_shown(claim)}[^e1]. {self._missed()}",
            "Conditions of its use are that a person reviews what the measures of the impact assessment name, and that",
            f"{APPROVER} may stop it at once.",
        )
        note = f"[^e1]: evidence {cited(record, claim)}"
        return "\n\n".join((f"# Review of {self._system}", "\n".join(said), note))

    # -- the evidence -------------------------------------------------------------------------

    def _of(self, kind: str) -> list[SealedRecord]:
        return [r for r in self._records if r.evidence.kind == kind]

    def _groups(self) -> list[str]:
        claims = (c for r in self._of("fairness") for c in r.evidence.claims)
        found = dict.fromkeys(f"{k}={v}" for c in claims for k, v in c.slice.items() if v != "*")
        return list(found)

    def _ratios(self) -> Iterator[tuple[SealedRecord, Claim]]:
        for record in self._of("fairness")[-1:]:
            for claim in record.evidence.claims:
                single = len(claim.slice) == 1 and "*" not in claim.slice.values()
                if claim.metric == RATIO and claim.value is not None and single:
                    yield record, claim

    def _missed(self) -> str:
        """Return how many limits are missed, and how many values are beyond theirs without a decision."""
        left_out = sum(h.claim.passed is None for h in self._harms)
        text = f"{len(self._harms) - left_out} limits are missed and {left_out} groups were too small to show:"
        text += " each is a harm of the impact assessment, with a measure." if self._harms else " nothing is a harm."
        open_ones = sum(
            c.passed is None and c.limit is not None and c.value is not None
            for r in self._records
            for c in r.evidence.claims
        )
        return f"{text} {open_ones} values are not decided, since the rows are too few."

    def _accuracy(self) -> tuple[SealedRecord, Claim]:
        record = self._of("performance")[-1]
        mine = (c for c in record.evidence.claims if c.metric == "accuracy" and not c.slice and c.role == "test")
        return record, next(mine)


def _day(after: int) -> str:
    return (datetime.now(UTC) + timedelta(days=after)).strftime("%Y-%m-%d")


def _how(claim: Claim) -> str:
    """Return how a ratio lies to its limit, and whether that decides; nothing of one without a limit."""
    if claim.limit is None or claim.value is None:
        return ""
    side = "within" if holds(claim.value, str(claim.comparator), claim.limit) else "beyond"
    sure = ", and not decided: the rows are too few" if claim.passed is None else ""
    return f", {side} its limit{sure}"


def _shown(claim: Claim) -> str:
    return f"{Decimal(str(claim.value)):.2f}"
