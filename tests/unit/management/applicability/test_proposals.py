"""A draft of the statement proposes what risks, records and the register decide, and asks a person for the rest."""

import yaml

from aims_mlflow.catalog.loader import controls
from aims_mlflow.management.draft import new_draft
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from support import live_states
from support.management_folder import REGISTER_ENTRY, write

RISKS = """id: risks
kind: risk-register
title: Risks
owner: olga
author: rita
risks:
  - {id: R1, system: income-screening, event: women come last, controls: [A.3.2, A.9.2]}
"""
BOUGHT = REGISTER_ENTRY.replace("models: [income-screening]", "components: [openai/gpt-4o]")


def drafted(tmp_path, evidence=(), **files):
    view = EvidenceView(tuple(evidence), ("run",) if evidence else ())
    _, text = new_draft(
        "soa", None, "rita", LintContext(read_folder(write(tmp_path, **files)), view, None, "2026-12-01")
    )
    rows = {r["control"]: r for r in yaml.safe_load(text).get("controls") or ()}
    asked = [line.split()[2] for line in text.splitlines() if line.startswith("# TODO A.")]
    return rows, asked, text


def test_every_control_is_proposed_with_a_reason_or_asked_for_and_none_is_both(tmp_path):
    rows, asked, _ = drafted(tmp_path, system=REGISTER_ENTRY, risks=RISKS)
    assert sorted([*rows, *asked]) == sorted(controls())
    assert all(r["applies"] is True and r["reason"] for r in rows.values())
    reasons = [r["reason"] for r in rows.values()]
    assert len(set(reasons)) == len(reasons)


def test_nothing_is_proposed_where_nothing_is_known(tmp_path):
    rows, asked, text = drafted(tmp_path)
    assert (rows, len(asked)) == ({}, len(controls()))
    assert text.count("No risk, record or entry of the register says whether these controls apply") == 1
    assert "an auditor asks: " in text
    assert not [line for line in text.splitlines() if "applies" in line and not line.startswith("#")]


def test_a_risk_is_the_reason_and_the_basis(tmp_path):
    rows, _, _ = drafted(tmp_path, system=REGISTER_ENTRY, risks=RISKS)
    assert rows["A.3.2"]["basis"] == ["R1"]
    assert "treats R1: women come last" in rows["A.3.2"]["reason"]


def test_that_a_system_is_in_scope_is_no_reason_of_one_control(tmp_path):
    rows, asked, text = drafted(tmp_path, system=REGISTER_ENTRY)
    assert "A.2.3" in asked
    assert "it cannot be left out, since income-screening is in scope" in text
    assert "A.10.4" in asked
    assert "A.10.3" not in rows


def test_a_component_and_records_are_reasons(tmp_path):
    rows, _, _ = drafted(tmp_path, live_states.good_records(), system=BOUGHT)
    assert rows["A.10.3"]["reason"] == "Suppliers: income-screening uses openai/gpt-4o"
    assert rows["A.7.5"]["reason"].startswith("lineage of income-screening is recorded here, the newest as ")
    assert "basis" not in rows["A.7.5"]


def test_a_retired_system_uses_nothing_now(tmp_path):
    rows, asked, _ = drafted(tmp_path, system=REGISTER_ENTRY.replace("stage: operation", "stage: retirement"))
    assert "A.9.2" in asked
    assert "A.9.2" not in rows
