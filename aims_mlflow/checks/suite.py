"""Suite: all checks that fit a data set, one after another, outside any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.checks.packs import pack_digest
from aims_mlflow.checks.pages.head import ReportHead
from aims_mlflow.checks.pages.rendering import render
from aims_mlflow.checks.runner import run_check
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.evidence import Result, worst
from aims_mlflow.records.wording import count_text, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.checks.outcome import Outcome
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.pack import Pack

WORDS = {"passed": "passed", "warned": "warned", "failed": "failed", "not_evaluated": "not evaluated"}
SHOWN = 6  # findings of one check on a terminal


@dataclass(frozen=True)
class CheckRun:
    """One check of a suite and what it found."""

    name: str
    outcome: Outcome

    @property
    def title(self) -> str:
        """The check's name in plain words."""
        return self.name.replace("_", " ")

    @property
    def findings(self) -> list[Claim]:
        """Claims that failed, then those that could not be evaluated; what only warns comes last."""
        failed = [c for c in self.outcome.claims if c.passed is False]
        unclear = [c for c in self.outcome.claims if c.passed is None and c.limit is not None]
        return sorted([*failed, *unclear], key=lambda c: (c.severity == "warning", c.passed is None))

    @property
    def counted(self) -> str:
        """The number of limits that are met, in words."""
        held = [c for c in self.outcome.claims if c.limit is not None]
        met = sum(c.passed is True for c in held)
        return f"{met:,} of {len(held):,} limits met" if held else f"{len(self.outcome.claims):,} values, no limits"


def planned(data: Dataset, pack: Pack, reference: Dataset | None = None) -> list[str]:
    """Return the names of the checks that apply to `data`, in the order they run."""
    names = []
    if any(data.role in e.roles for e in pack.data_quality.expectations):
        names.append("data_quality")
    if data.sensitive_names or pack.representativeness.populations:
        names.append("representativeness")
    names += [*(["leakage"] if data.task.target is not None else []), "privacy"]
    if data.model.predict is not None:
        names.append("robustness")
    if data.has_predictions:
        names += ["performance", *(["fairness"] if data.sensitive_names else [])]
    names += ["drift"] if reference is not None else []
    return [*names, *(mine.name for mine in pack.checks)]


def run_suite(names: Sequence[str], data: Dataset, pack: Pack, reference: Dataset | None = None) -> Iterator[CheckRun]:
    """Yield each check as it is done."""
    for name in names:
        yield CheckRun(name, run_check(name, data, pack, reference))


def result_of_suite(ran: Sequence[CheckRun]) -> Result:
    """Return the result that decides for all of them."""
    return worst([r.outcome.result for r in ran])


def lines(ran: CheckRun) -> list[tuple[str, str]]:
    """Return what a terminal shows of one check: (style, text), style being the result's name or "soft"."""
    result = ran.outcome.result
    head = f"{ran.title:<20} {WORDS[result]:<14} {ran.counted}"
    findings = ran.findings
    out: list[tuple[str, str]] = [(result, head)]
    for claim in findings[:SHOWN]:
        mark = "✗" if claim.passed is False else "?"
        out.append(
            (
                "failed" if claim.passed is False and claim.severity != "warning" else "soft",
                f"  {mark} {describe(claim)}",
            )
        )
    if len(findings) > SHOWN:
        out.append(("soft", f"  and {len(findings) - SHOWN:,} more in the report"))
    if not findings and ran.outcome.reason:
        out.append(("soft", f"  {ran.outcome.reason}"))
    return out


def report(title: str, ran: Sequence[CheckRun], data: Dataset, pack: Pack, file_sha256: str = "") -> dict[str, bytes]:
    """Return the files of a report: `index.html` over each check's own pages; all say what they are about."""
    facts = {
        "Data": f"{data.role}, {count_text(data.rows)} rows",
        "File sha256": file_sha256,
        "Predicted": data.task.target or "",
        "Pack": f"{pack.name} {pack.version}, {pack_digest(pack)}",
        "Made": utc_text(),
        "Signed by": "nobody: checks without a training make no evidence",
    }
    heads = [(item, ReportHead(item.outcome.result, item.outcome.reason, facts)) for item in ran]
    files = {name: head.on(page) for item, head in heads for name, page in item.outcome.reports.items()}
    rows = [
        {
            "check": item.title,
            "style": {"failed": "bad", "passed": ""}.get(item.outcome.result, "open"),
            "result": WORDS[item.outcome.result],
            "limits": item.counted,
            "why": item.outcome.reason or "",
            "pages": [name for name in item.outcome.reports if name.endswith(".html")],
        }
        for item in ran
    ]
    head = ReportHead(result_of_suite(ran), None, facts)
    return {"index.html": head.on(render("suite.html.j2", title=title, rows=rows)), **files}
