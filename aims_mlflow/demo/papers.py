"""The demo's documents: what the policy asks of people before a model is put into use, written from its evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.records.wording import describe, slice_text
from aims_mlflow.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aims_mlflow.demo.data import DemoData
    from aims_mlflow.demo.people import Office, RunCommand
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

RATIO = "selection_rate_ratio"
ASKED = ("impact-assessment", "validation-report", "deployment-plan", "monitoring-plan")
WRITER, APPROVER = "rosa", "olga"
FUNCTIONS = {"ana": "data science", APPROVER: "credit", WRITER: "risk"}


class DemoPapers:
    """The documents about one version, each a file of the management folder."""

    def __init__(self, data: DemoData, system: str, records: Sequence[SealedRecord], digest: str) -> None:
        """`records` are those of the version's sessions, and `digest` is that of its bytes."""
        self._data, self._system, self._records, self._digest = data, system, records, digest
        day = datetime.now(UTC) + timedelta(days=180)
        self._next = day.strftime("%Y-%m-%d")

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
            run("document", "publish", *ASKED, "--folder", str(folder), "--evidence", evidence)
        with environment({**office.environment(), "AIMS_SIGNING_KEY": f"file:{office.approver}"}):
            for kind in ASKED:
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
            "name": self._system, "purpose": "clerks order applications by the score", "stage": "verification",
            "roles": [{"role": "deployer", "since": "2026-01-01"}], "in_scope": True, "affected_groups": groups,
            "models": [self._system],
        }  # fmt: skip
        plan = {
            "steps": ["one branch for a week", "all branches"], "who_may_stop": APPROVER,
            "rollback_to": "no version: this is the first, and clerks decide without a score as before",
        }  # fmt: skip
        watch = {
            "model": f"{self._system}@champion", "every_days": 30, "least_rows": 500, "who_acts": APPROVER,
            "within_hours": 48, "metrics": [{"metric": RATIO, "limit": "0.80"}, {"metric": "psi", "limit": "0.2"}],
        }  # fmt: skip
        return {
            "people": ({"people": people}, ""),
            "system": (entry, ""),
            "impact-assessment": (self._assessment(groups), self._assessment_text()),
            "validation-report": (self._validation(), self._validation_text()),
            "deployment-plan": (plan, ""),
            "monitoring-plan": (watch, ""),
        }

    # -- the impact assessment --------------------------------------------------------------

    def _assessment(self, groups: list[dict[str, str]]) -> dict[str, Any]:
        harms = [
            {
                "id": f"I{number}", "kind": "harm", "group": slice_text(claim.slice) or "all applicants",
                "mechanism": describe(claim), "severity": "grave", "likelihood": "likely", "evidence": [record.id],
            }
            for number, (record, claim) in enumerate(self._harms(), 1)
        ]  # fmt: skip
        measures = [
            {
                "impact": harm["id"], "measure": f"{APPROVER} reviews each refusal of {harm['group']} by hand",
                "owner": APPROVER, "due": self._next,
            }
            for harm in harms
        ]  # fmt: skip
        return {
            "assessed_use": {"scope": f"{self._system} in the pilot", "volume": "400 applications a day"},
            "assessors": [{"person": WRITER, "function": "risk"}], "groups": groups, "impacts": harms,
            "measures": measures, "decision": "go with conditions", "feeds_risks": ["R1"],
        }  # fmt: skip

    def _assessment_text(self) -> str:
        said, notes = [], []
        for number, (record, claim) in enumerate(self._ratios(), 1):
            rows = slice_text(claim.slice)
            how = "below its limit" if claim.passed is False else "within its limit or not decided"
            said.append(f"For {rows} the ratio of selection rates is {_shown(claim)}[^e{number}], {how}.")
            quoted = " ".join(f'{column}="{group}"' for column, group in claim.slice.items())
            notes.append(f"[^e{number}]: evidence {record.id} {RATIO} {quoted}")
        about = (
            f"{self._system} orders applications by the predicted {self._data.target}. {APPROVER} and the clerks "
            f"decide about each applicant; nobody is refused by the score alone. {self._data.favourable!r} is the "
            f"outcome that applicants want. Compared are {', '.join(self._data.sensitive)}, on held-out rows."
        )
        return "\n\n".join([f"# Effects of {self._system} on people", about, *said, "\n".join(notes)])

    # -- the validation report ----------------------------------------------------------------

    def _validation(self) -> dict[str, Any]:
        return {
            "scope": f"results on held-out data of model {self._digest[:12]}, their records and limits",
            "conclusion": "fit for the pilot under its conditions",
            "conditions": ["each refusal is reviewed by a person"],
        }

    def _validation_text(self) -> str:
        record, claim = self._accuracy()
        said = (
            f"{WRITER}, who did not train it, read the records of model {self._digest[:12]} and the limits that were",
            f"fixed before the training. Accuracy on held-out rows is {_shown(claim)}[^e1]. Limits that it misses are",
            "harms of the impact assessment, each with a measure. Conditions of its use are that a person reviews each",
            f"refusal, and that {APPROVER} may stop it at once.",
        )
        note = f"[^e1]: evidence {record.id} {claim.metric}"
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

    def _harms(self) -> list[tuple[SealedRecord, Claim]]:
        """Return a failing result of each record that has one; without any, the lowest ratio of a group."""
        failing = {r.id: (r, c) for r in self._records for c in reversed(r.evidence.claims) if c.passed is False}
        ratios = sorted(self._ratios(), key=lambda pair: Decimal(str(pair[1].value)))
        return list(failing.values()) or ratios[:1]

    def _accuracy(self) -> tuple[SealedRecord, Claim]:
        record = self._of("performance")[-1]
        mine = (c for c in record.evidence.claims if c.metric == "accuracy" and not c.slice and c.role == "test")
        return record, next(mine)


def _shown(claim: Claim) -> str:
    return f"{Decimal(str(claim.value)):.2f}"
