"""The data sheet: the result first, the people in the data, the file that it began with, and all that does not hold."""

from aims_mlflow.documents.datasheet import render_datasheet
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.details.base import DatasetDescription
from aims_mlflow.records.details.checks import DataQualityDetails
from aims_mlflow.records.details.training import AcquisitionDetails, SessionStartDetails
from aims_mlflow.records.evidence import Claim, MlflowIds, result_of
from aims_mlflow.signing.keys import ephemeral_key

ABOUT = [Subject(name="loans", digest={"arrowIpcSha256": "a" * 64})]
MISSING = Claim(
    metric="expect_column_values_to_not_be_null", slice={"column": "sex"}, role="train", value="0.7", n=900,
    comparator=">=", limit="0.95", passed=False,
)  # fmt: skip
PERSONAL = Claim(
    metric="undeclared_personal_columns", role="train", value="0", n=4, comparator="==", limit="0", passed=True,
    note="sensitive columns: race (racial or ethnic origin: a special category), sex",
)  # fmt: skip


def sheet(*claims, sensitive=("race", "sex"), not_compared=None):
    writer = SessionWriter(ephemeral_key(), "ana", mlflow=MlflowIds(run_id="f" * 32))
    data = DatasetDescription(name="loans", digest={"arrowIpcSha256": "a" * 64}, rows=900)
    acquired = AcquisitionDetails(name="loans", data=data, files={"loans.csv": "c" * 64}, parameters={"year": "2025"})
    writer.add("acquisition", ABOUT, details=acquired)
    start = SessionStartDetails(target="repaid", sensitive=list(sensitive), not_compared=not_compared)
    writer.add("session-start", ABOUT, details=start)
    found = DataQualityDetails(role="train", columns={}, special_categories={"race": "racial or ethnic origin"})
    for claim in claims:
        details = found if claim is PERSONAL else DataQualityDetails(role="train")
        writer.add("data-quality", ABOUT, claims=(claim,), result=result_of([claim]), details=details)
    return render_datasheet(writer.records).decode()


def section(text, title):
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_result_stands_first_and_what_does_not_hold_with_its_limit():
    text = sheet(MISSING, PERSONAL)
    first = text.partition("\n## ")[0]
    assert "**Result of the evidence: failed.** Failed: expect_column_values_to_not_be_null for column=sex" in (
        first.replace("\\", "")
    )
    assert "is 0.7[^e" in section(text, "Quality")
    assert "limit >= 0.95" in section(text, "Quality")
    assert "No limit on the data failed or warned" in section(sheet(PERSONAL), "Quality")


def test_people_in_the_data_are_named_as_what_they_are():
    told = section(sheet(PERSONAL), "People in the data")
    assert "- Sensitive columns: race, sex[^e" in told
    assert "- Special categories of personal data in train data: race (racial or ethnic origin)[^e" in told
    assert "no column looks personal" not in told
    alone = section(sheet(sensitive=(), not_compared="no data about people"), "People in the data")
    assert "none named, as aims.yaml states: no data about people" in alone


def test_provenance_begins_with_the_file_and_the_settings():
    told = section(sheet(), "Collection process")
    assert f"- file: loans.csv, sha256 `{'c' * 64}`[^e" in told
    assert "- settings: year=2025[^e" in told
    assert "purpose" in told.partition("Not stated")[2]
