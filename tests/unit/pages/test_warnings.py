"""Values beyond a limit that only warns: on the decision that relied on them, and on the overview of what is in use."""

import pytest

from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.evidence import Claim, Supersedes
from support import signed_sessions
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, Registry
from support.page_site import PageSite

TITLE = "Warnings in the evidence that counted"
ABOUT = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
CLAIMS = [
    Claim(metric="recall_difference", slice={"sex": "Female"}, value="0.2", n=300, comparator="<=", limit="0.1",
          severity="warning", passed=False),
    Claim(metric="recall_difference", slice={"sex": "Male"}, value="0.0", n=300, comparator="<=", limit="0.1",
          severity="warning", passed=True),
]  # fmt: skip


def session_with_warnings(registry, kind):
    """The files of a session whose fairness warns; a later record of a kind names it as superseded."""
    writer = signed_sessions.session(registry.trainer, system=SYSTEM, model=GOOD, ratio="0.9", close=False)
    warned = writer.add("fairness", ABOUT, claims=CLAIMS, result="warned")
    if kind:
        again = Supersedes(id=warned.id, reason="measured again")
        writer.add(kind, ABOUT, claims=CLAIMS[1:], supersedes=again)
    writer.close()
    return {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, warned


@pytest.fixture(params=["", "robustness", "fairness"], ids=["in force", "named by another kind", "undone"])
def known(request, tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    files, warned = session_with_warnings(registry, request.param)
    assert registry.ask("registration", files, GOOD, "1").allowed
    registry.consent("approval", "deployment", GOOD, "champion")
    assert registry.ask("deployment", files, GOOD, "1", "champion").allowed
    return PageSite.of(registry.ledger, tmp_path / "pages.db"), warned, request.param == "fairness"


def test_a_decision_lists_what_it_relied_on_with_a_warning(known):
    site, warned, undone = known
    leaf = str(site.first("SELECT max(sequence) FROM decision WHERE stage = 'deployment'"))
    blocks = {b["title"]: b for b in site.json("decision", leaf=leaf)["blocks"]}
    if undone:
        assert TITLE not in blocks
        return
    (row,) = blocks[TITLE]["rows"]
    assert (row["Rows"], row["Verdict"]["state"], row["Limit"]) == ("sex = Female", "warned", "<= 0.1")
    assert row["Measure"]["href"] == f"claims/{warned.id}/0"


def test_the_overview_has_the_warnings_of_versions_in_use(known):
    site, warned, undone = known
    rows = [r for r in site.rows("overview", "Needs attention") if r["State"]["state"] == "warned"]
    if undone:
        assert rows == []
        return
    (row,) = rows
    assert row["State"] == {"text": "warned", "state": "warned", "href": f"records/{warned.id}"}
    assert row["About"]["text"] == f"{NAME} version 1, in use as champion"
    assert row["Control or clause"] == "A.6.2.4"
    assert row["Why"].startswith("fairness: recall difference for sex=Female is 0.2")
