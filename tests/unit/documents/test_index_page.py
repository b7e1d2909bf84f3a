"""The page of a run: the verdict first and unfolded, data sets told apart, each record once, and who signed as what it is."""

import re

from aims_mlflow.documents.index_boxes import related
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.documents.index_view import DatasetRow
from aims_mlflow.documents.page_html import stylesheet
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.pages.views.measured import COLUMNS
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions


def page(writer, **more):
    return render_index([signed_sessions.checked(writer)], {}, [signed_sessions.MODEL], **more).decode()


def visible(text):
    """The page as text, without folded parts."""
    body = text.partition("<body>")[2]
    body = re.sub(r"<details(?![^>]* open)[^>]*>.*?</details>", "", body, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_verdict_comes_first_and_is_not_folded():
    said = visible(page(signed_sessions.session()))
    verdict = said.index("Result of the evidence: failed")
    assert verdict < said.index("Run ") < said.index("Data ") < said.index("A.5.4")
    assert "failed: selection-rate ratio for sex=Female is 0.31" in said[verdict:]
    better = visible(page(signed_sessions.session(ratio="0.95")))
    assert "Result of the evidence: passed" in better
    assert "What does not hold" not in better


def test_data_sets_are_told_apart_by_role_name_rows_and_digest():
    told = page(signed_sessions.session()).partition('aria-label="Data"')[2].partition("</table>")[0]
    rows = re.findall(r"<th scope=\"row\"[^>]*>(\w+)</th>", told)
    assert rows == ["train", "test"]
    assert "22,792" in told
    assert "9,769" in told
    assert signed_sessions.TRAIN in told
    assert signed_sessions.TEST in told


def test_what_was_acquired_stands_with_the_sha256_of_its_file():
    writer = SessionWriter(ephemeral_key(), "ana", mlflow=MlflowIds(run_id="f" * 32))
    data = {"name": "loans", "digest": {"arrowIpcSha256": "a" * 64}, "rows": 6000, "columns": ["x"]}
    subject = [Subject(name="loans", digest={"arrowIpcSha256": "a" * 64})]
    signed_sessions.add(
        writer, "acquisition", subject, details={"name": "loans", "data": data, "files": {"loans.csv": "c" * 64}}
    )
    (row,) = DatasetRow.of(writer.records)
    assert (row.role, row.name, row.rows, row.origin) == ("acquired", "loans", 6000, f"loans.csv (sha256 {'c' * 64})")


def test_no_record_is_shown_twice_and_every_link_leads_to_one():
    writer = signed_sessions.session()
    text = page(writer)
    for record in writer.records[:-1]:
        assert text.count(f'id="r-{record.id}"') == 1
    fairness = next(r for r in writer.records if r.evidence.kind == "fairness")
    assert text.count('aria-label="Claims of fairness"') == 1
    assert text.count(f'href="#r-{fairness.id}"') > 1, "two controls rest on it"
    ids = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= ids


def test_who_signed_is_a_key_and_an_account_and_no_person():
    writer = signed_sessions.session()
    text = " ".join(page(writer).split())
    assert f"key {writer.records[0].evidence.key_id}, used by the operating-system account ana" in text
    assert "Whose key that is, only a keyring says." in text
    assert "by ana" not in visible(text)


def test_a_row_of_the_crosswalk_about_a_group_says_so():
    from datetime import UTC, datetime

    from aims_mlflow.gates.status_subject import StatusSubject

    found = {s.control.id: s for s in control_statuses(StatusSubject("x"), datetime.now(UTC), with_clauses=True)}
    assert related(found["A.4.3"])[0] == "all of A.4 Resources, not this one alone"
    assert related(found["6.1.2"])[0] == "this control"
    assert related(found["A.3.2"]) is None
    assert "(of all of A.4 Resources, not this one alone; not verified)" in page(signed_sessions.session())


def test_a_measured_failure_is_nobodys_word():
    text = " ".join(page(signed_sessions.session()).split())
    impact = text.partition('-6.1.4">6.1.4 AI system impact assessment</strong>')[2].partition("</table>")[0]
    measured = next(row for row in impact.split("<tr") if "selection-rate ratio for sex=Female" in row)
    assert "recorded by the software" in measured
    assert "a person's word" not in measured


def test_what_failed_stands_in_one_table_below_the_verdict_with_its_numbers():
    text = page(signed_sessions.session())
    title = "What failed, is warned, or could not be judged"
    table = text.partition(f'aria-label="{title}"')[2].partition("</table>")[0]
    rows = re.findall(
        r'<th scope="row"[^>]*><a [^>]*>([^<]+)</a></th><td [^>]*"Rows">([^<]+)</td>.*?(✗</span>&nbsp;failed)', table
    )
    assert [row[:2] for row in rows] == [
        ("selection-rate ratio", "sex = Female"),
        ("demographic parity ratio", "sex: all groups"),
    ]
    assert text.index("Result of the evidence") < text.index(title) < text.index("<dt>Run</dt>")
    assert title not in page(signed_sessions.session(ratio="0.95"))


def test_pictures_are_seen_without_unfolding_anything():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    folder = "aims/reports/x"
    writer = signed_sessions.session(files={"fairness": (f"{folder}/fairness.svg", svg)})
    sessions = [signed_sessions.checked(writer)]
    text = render_index(sessions, {f"{folder}/fairness.svg": svg}, [signed_sessions.MODEL]).decode()
    assert text.count("<img ") == 1
    assert ">Pictures</h2>" in text
    assert text.index("<img ") < text.index("<details")
    assert "<dt>Its picture</dt>" in text
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(re.findall(r'id="([^"]+)"', text))


def test_it_looks_like_the_auditors_pages_and_uses_their_words():
    """The same frame, stylesheet and names of columns: whoever knows one knows the other."""
    text = page(signed_sessions.session())
    assert stylesheet().decode() in text
    assert '<p class="brand">AIMS evidence</p>' in text
    heads = set(re.findall(r'<th scope="col" role="columnheader">([^<]+)</th>', text))
    assert set(COLUMNS) - heads == {"Why this limit"}, "each limit stands once, with its reason, below the claims"
    assert {"Verdict", "Condition", "What was found", "Evidence", "Rests on"} <= heads


def test_every_control_stands_in_one_table_that_leads_to_its_conditions():
    text = page(signed_sessions.session())
    table = text.partition('aria-label="Controls of model"')[2].partition("</table>")[0]
    links = re.findall(r'<a href="#(c1-[^"]+)">', table)
    assert [name for name in links if f'<strong id="{name}">' not in text] == []
    assert len(links) == len(set(links)) > 25
