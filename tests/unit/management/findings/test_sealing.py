"""Findings are sealed once, when they are new, and closed when their cause is gone."""

from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.sealing import KINDS, seal_findings
from aims_mlflow.registers.findings import open_findings
from aims_mlflow.signing.keys import ephemeral_key
from support import management_states as states
from support.management_states import NOW, good, item


def test_a_finding_is_sealed_when_new_and_when_gone(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", Log(ephemeral_key(), "ai.example.org/management"))
    bad = findings(states.with_items(item("registered model", "churn"), state=good(duties=None)), NOW)
    new, gone = seal_findings(ledger, bad)
    assert (len(new), gone) == (2, [])
    assert seal_findings(ledger, bad) == ([], [])
    kept = open_findings(ledger, KINDS)
    assert set(kept) == {f.id for f in bad}
    assert {(c.content.plain()["rule"], c.content.control) for c in kept.values()} == {("S1", "4.3"), ("T7", "A.10.2")}
    new, gone = seal_findings(ledger, bad[:1])
    assert (new, len(gone)) == ([], 1)
    assert set(open_findings(ledger, KINDS)) == {bad[0].id}
