"""Each report says its result first, then what it is about, when it was made and which key signs its record."""

import re

import pytest

from aims_mlflow.capture.recorder import Recorder
from aims_mlflow.checks.outcome import Outcome
from aims_mlflow.checks.pages.head import ReportHead
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.details.base import DatasetDescription
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.signing.keys import ephemeral_key

FAILED = Claim(metric="selection_rate_ratio", value="0.31", comparator=">=", limit="0.8", passed=False)


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode().partition("</head>")[2]))


@pytest.fixture
def recorder():
    ids = MlflowIds(run_id="f" * 32)
    return Recorder(SessionWriter(ephemeral_key(), "ana", system="loans", mlflow=ids, pack_digest="d" * 64), ids)


def test_a_kept_report_names_system_model_data_run_pack_date_and_key(recorder):
    outcome = Outcome(
        kind="fairness",
        result="failed",
        reason="the ratio is too low",
        claims=(FAILED,),
        reports={"fairness.html": claims_page("Fairness by group", [FAILED]), "fairness.svg": b"<svg/>"},
    )
    model = Subject(name="models:/m-1", digest={"dirHash1": "a" * 64})
    digest = {"arrowIpcSha256": "c" * 64, "sha256": "b" * 64}
    data = {"test": DatasetDescription(name="test", digest=digest, rows=1800)}
    record = recorder.outcome(outcome, [model], data=data)
    page, picture = (recorder.files[a.path] for a in record.evidence.artifacts)
    said = text(page)
    assert said.index("Result: failed . the ratio is too low") < said.index("Held against a limit")
    for fact in ("System loans", "Model models:/m-1 (dirHash1 " + "a" * 64, "Signed by key " + record.evidence.key_id):
        assert fact in said
    assert f"test, 1,800 rows, Arrow stream sha256 {'c' * 64}, file sha256 {'b' * 64}" in said
    assert re.search(r"Made 20\d\d-\d\d-\d\dT", said)
    assert "d" * 64 in said
    assert "operating-system account ana" in said
    assert picture == b"<svg/>"


def test_a_check_of_data_names_the_data_that_it_is_about(recorder):
    outcome = Outcome(kind="data-quality", result="passed", claims=(), reports={"q.html": claims_page("Quality", [])})
    subject = Subject(name="train", digest={"arrowIpcSha256": "e" * 64})
    record = recorder.outcome(outcome, [subject], role="train")
    assert f"Data train, Arrow stream sha256 {'e' * 64}" in text(recorder.files[record.evidence.artifacts[0].path])


def test_a_page_of_a_teams_own_form_is_kept_as_it_is():
    assert ReportHead("passed", None, {"System": "x"}).on(b"<p>mine</p>") == b"<p>mine</p>"


def test_what_records_say_is_text_in_the_head():
    said = ReportHead("failed", "<script>", {"System": "<b>"}).on(claims_page("T", []))
    assert b"<script>" not in said
    assert b"&lt;b&gt;" in said
