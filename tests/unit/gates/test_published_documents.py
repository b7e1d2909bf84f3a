"""Which version of a document is in force, and what its citations are worth, from signed sessions alone."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.citations import suspects
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.published_documents import shelf_of
from aims_mlflow.management.published import PublishedShelf
from aims_mlflow.management.states import state_of
from aims_mlflow.records.details.attachments import AttachmentDetails, Citation, DocumentStatement
from aims_mlflow.records.evidence import Claim
from aims_mlflow.records.keyring import ROLES, Keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import published_sessions, status_cases
from support.good_documents import NOW
from support.signed_sessions import MODEL, entry
from support.status_cases import good

TODAY = NOW.strftime("%Y-%m-%d")
RITA, OLGA, TOM, EVA = ephemeral_key(), ephemeral_key(), ephemeral_key(), ephemeral_key()
PEOPLE = (
    (RITA, "rita", ("trainer",)), (OLGA, "olga", ("approver",)), (TOM, "tom", ("trainer",)), (EVA, "eva", ("approver",)),
)  # fmt: skip
KEYRING = {key.key_id: entry(key, name, roles) for key, name, roles in PEOPLE}


def checked(writer):
    found = check_session(writer.jsonl(), writer.id, KEYRING.get, ROLES)
    assert found.sound, found.problems
    return found


def published(sha256="1" * 64, kind="requirements", key=RITA, **changes):
    """A session in which rita publishes a document."""
    return checked(published_sessions.published(key, kind, sha256, **changes))


def event(kind, sha256="1" * 64, key=OLGA, **said):
    return checked(published_sessions.event(key, kind, sha256=sha256, **said))


def state(*sessions):
    return state_on(shelf_of(sessions))


def state_on(shelf, control="A.6.2.2"):
    subject = good(documents=shelf.documents(TODAY), approvals=shelf.approvals, sessions=good().sessions)
    return control_status(control, subject, NOW)


def conditions(found):
    return {c.condition.id: (c.verdict.outcome, c.verdict.sentence) for c in found.conditions}


def test_a_published_document_counts_once_another_person_approved_its_file():
    assert conditions(state(published()))["claims"][0] == "missing"
    assert conditions(state(published(), event("document-approval")))["claims"][0] == "holds"


@pytest.mark.parametrize(
    ("sessions", "word"),
    [
        (lambda: [published(), event("document-approval", key=RITA)], "approval by another person"),
        (
            lambda: [published(author="olga"), event("document-approval")],
            "olga approved it, and is an author of it; rita",
        ),
        (lambda: [published(), event("document-approval", "2" * 64)], "approval by another person"),
        (lambda: [published(review_by="2001-01-01"), event("document-approval")], "review was due on 2001-01-01"),
        (lambda: [published(valid_until="2001-01-01"), event("document-approval")], "was valid until 2001-01-01"),
        (lambda: [published(effective_from="2199-01-01"), event("document-approval")], "applies from 2199-01-01 on"),
        (lambda: [published(system="churn"), event("document-approval")], "it is about churn"),
        (lambda: [published(model_digests=["9" * 64]), event("document-approval")], "describes model 999999999999"),
        (lambda: [published(fields={}), event("document-approval")], "it lists no"),
        (lambda: [published(), event("document-approval"), event("document-withdrawal")], "aims document new"),
    ],
)
def test_less_than_that_does_not(sessions, word):
    found = conditions(state(*sessions()))["claims"]
    assert found[0] not in ("holds", "warned")
    assert word in found[1]


def test_an_approval_covers_what_its_signer_saw_and_nothing_that_others_state_about_the_same_file():
    """Kind, models, fields and dates stand in the record: the file's digest alone would let anybody exchange them."""
    first, approval = published(model_digests=[MODEL]), event("document-approval")
    taken = published(key=TOM, author="tom", model_digests=["9" * 64])
    shelf = shelf_of([first, approval, taken])
    assert [shelf.is_approved(p) for p in shelf.versions("requirements")] == [True, False]
    assert shelf.in_force("requirements", TODAY).document.model_digests == (MODEL,)
    other_kind = published(key=TOM, kind="impact-assessment", author="tom")
    assert not any(shelf_of([first, approval, other_kind]).is_approved(p) for p in shelf_of([other_kind]).publications)


def people_register(*key_ids, approved=True, name="rita"):
    """The register of people that has the author Rita Weber with these keys, and its approval."""
    fields = {"people": [{"id": name, "name": "Rita Weber", "function": "risk manager", "key_ids": list(key_ids)}]}
    made = published("4" * 64, kind="people", key=TOM, author="tom", system=None, fields=fields, id="people")
    return [made, *([event("document-approval", "4" * 64, document="people", key=EVA)] if approved else [])]


@pytest.mark.parametrize("author", ["rita", "Rita Weber", "rita weber"])
def test_no_author_approves_under_the_owner_of_another_key_of_theirs(author):
    """Olga's key belongs to rita by the register of people: the e-mail of a key's owner is no second person."""
    sessions = [published(key=TOM, author=author), event("document-approval")]
    assert conditions(state(*sessions))["claims"][0] == "holds", "nobody knows whose key it is"
    assert conditions(state(*sessions, *people_register(EVA.key_id)))["claims"][0] == "holds"
    known = state(*sessions, *people_register(OLGA.key_id))
    assert conditions(known)["claims"][0] == "missing"
    assert "olga approved it, and is an author of it; tom published it" in conditions(known)["claims"][1]
    unapproved = state(*sessions, *people_register(OLGA.key_id, approved=False))
    assert conditions(unapproved)["claims"][0] == "holds", "a register that nobody approved takes nobody's word"


def test_an_author_is_known_by_keys_of_the_keyring_that_signed_nothing_here():
    sessions = [published(key=TOM, author="rita"), *people_register(OLGA.key_id)]
    assert shelf_of(sessions).versions("requirements")[0].document.authors == ("tom", "rita")
    keyring = Keyring(version=1, keys=tuple(KEYRING.values()))
    assert shelf_of(sessions, keyring=keyring).versions("requirements")[0].document.authors == ("tom", "rita", "olga")


def test_an_approval_that_names_no_publication_counts_for_nothing():
    shelf = shelf_of([published(), event("document-approval", publication=None)])
    assert not shelf.is_approved(shelf.publications[0])


def test_what_was_withdrawn_and_is_published_again_needs_another_approval():
    shelf = shelf_of([published(), event("document-approval"), event("document-withdrawal"), published()])
    assert [shelf.is_withdrawn(p) for p in shelf.versions("requirements")] == [True, False]
    assert not shelf.is_approved(shelf.in_force("requirements", TODAY))


@pytest.mark.parametrize(("key", "withdraws"), [(RITA, True), (OLGA, True), (TOM, False)])
def test_a_withdrawal_counts_by_an_author_or_whoever_may_approve_the_kind(key, withdraws):
    shelf = shelf_of([published(), event("document-approval"), event("document-withdrawal", key=key)])
    assert (shelf.in_force("requirements", TODAY) is None) is withdraws


def test_whoever_publishes_under_anothers_id_withdraws_their_own_publication_alone():
    """And keeps nobody from withdrawing what they wrote."""
    mine, approval, theirs = published(), event("document-approval"), published("2" * 64, key=TOM, author="tom")
    gone = event("document-withdrawal", "2" * 64, key=TOM)
    shelf = shelf_of([mine, approval, theirs, gone])
    assert [shelf.is_withdrawn(p) for p in shelf.versions("requirements")] == [False, True]
    assert shelf.in_force("requirements", TODAY).document.author == "rita"
    shelf = shelf_of([mine, approval, theirs, event("document-withdrawal", key=RITA)])
    assert [shelf.is_withdrawn(p) for p in shelf.versions("requirements")] == [True, False]


def test_what_nobody_approved_neither_stands_before_what_somebody_did_nor_speaks_for_others():
    mine, approval = published(), event("document-approval")
    other = published("3" * 64, key=TOM, author="tom", id="more")
    assert conditions(state(mine, approval, other))["claims"][0] == "holds"
    people = {"people": [{"id": "tom", "name": "Tom", "top_management": True}]}
    told = published("4" * 64, kind="people", key=TOM, author="tom", id="people", system=None, fields=people)
    subject = good(documents=shelf_of([mine, approval, told]).documents(TODAY), approvals=(), sessions=good().sessions)
    assert subject.known_documents().people == {}
    assert "tom" in subject.known_documents(subject.newest("people")[0]).people


@pytest.mark.parametrize(("key", "clears"), [(RITA, False), (OLGA, True)])
def test_a_review_clears_a_citation_by_another_person_than_the_authors(key, clears):
    shelf = shelf_of([published(), event("document-review", key=key, citation="e1", against="r9")])
    assert bool(shelf.publications[0].document.reviewed) is clears


def test_a_record_whose_file_or_subject_is_another_is_no_publication():
    writer = SessionWriter(RITA, "x")
    stated = DocumentStatement(
        id="r", title="t", version="1", owner="o", author="a", sha256="1" * 64, characters=1, fields={}
    )
    subject = [Subject(name="document:r", digest={"sha256": "2" * 64})]
    writer.add("requirements", subject, details=AttachmentDetails(document=stated))
    writer.close()
    assert shelf_of([checked(writer)]).publications == ()


def test_a_newer_version_takes_the_place_of_the_approved_one_once_it_is_approved():
    first, approval, second = published(), event("document-approval"), published("2" * 64, version="2")
    shelf = shelf_of([first, approval, second])
    assert shelf.in_force("requirements", TODAY).statement.version == "1"
    shelf = shelf_of([first, approval, second, event("document-approval", "2" * 64)])
    assert shelf.in_force("requirements", TODAY).statement.version == "2"


def test_an_approval_in_another_role_leaves_the_approved_version_in_force():
    first, approval, second = published(), event("document-approval"), published("2" * 64, version="2")
    shelf = shelf_of([first, approval, second, event("document-approval", "2" * 64, key=TOM)])
    assert shelf.in_force("requirements", TODAY).statement.version == "1"
    assert [state_of(shelf, p, TODAY) for p in shelf.versions("requirements")] == ["approved", "published"]
    assert conditions(state_on(shelf))["claims"][0] == "holds"
    alone = shelf_of([second, event("document-approval", "2" * 64, key=TOM)])
    assert (
        "approval by a key with the role 'approver': tom's does not count" in conditions(state_on(alone))["claims"][1]
    )


def test_an_approver_alone_does_not_approve_what_binds_the_whole_organisation():
    shelf = shelf_of([published(kind="ai-policy", system=None), event("document-approval", document="ai-policy")])
    assert state_of(shelf, shelf.publications[0], TODAY) == "published"


def test_an_approved_version_that_begins_later_leaves_the_one_before_in_force_until_its_day():
    """Status, statement, findings, pages and bundles all ask the shelf for the documents of a day."""
    day = (NOW + timedelta(days=30)).strftime("%Y-%m-%d")
    first, second = published(), published("2" * 64, version="2", effective_from=day)
    shelf = shelf_of([first, event("document-approval"), second, event("document-approval", "2" * 64)])
    assert [shelf.in_force("requirements", d).statement.version for d in (TODAY, day)] == ["1", "2"]
    assert [shelf.documents(d)[0].sha256[0] for d in (TODAY, day)] == ["1", "2"]
    before, after = shelf.versions("requirements")
    assert [state_of(shelf, before, d) for d in (TODAY, day)] == ["approved", "superseded"]
    assert [state_of(shelf, after, d) for d in (TODAY, day)] == ["approved", "approved"]
    (found,) = PublishedShelf(shelf, "MLflow").in_force(TODAY)
    assert found[1].version == "1"
    bare = shelf_of([second, event("document-approval", "2" * 64)])
    assert f"applies from {day} on" in conditions(state_on(bare))["claims"][1]


def test_a_document_that_begins_later_does_not_stand_beside_the_one_that_applies_and_alone_says_so():
    day = (NOW + timedelta(days=30)).strftime("%Y-%m-%d")
    shelf = shelf_of([published(), published("2" * 64, id="next", effective_from=day)])
    assert [d.id for d in shelf.documents(TODAY)] == ["requirements"]
    assert [d.id for d in shelf.documents(day)] == ["requirements", "next"]


def test_a_document_about_the_organisation_that_names_one_system_counts_for_nothing():
    """The AI policy of one system would leave all others without one."""
    shelf = shelf_of([published(kind="ai-policy"), event("document-approval", document="ai-policy")])
    found = state_on(shelf, "A.2.2")
    assert found.state == "missing"
    assert "is about the whole organisation, and cannot be about income-screening alone" in found.reason


def test_a_policy_without_a_text_does_not_count():
    shelf = shelf_of([published(kind="ai-policy", characters=12, system=None)])
    assert "12 letters" in shelf.documents(TODAY)[0].problems[0]


def cited(**changes):
    record = next(r for r in good().of("fairness"))
    facts = {"name": "e1", "evidence": record.id, "sha256": record.sha256, "kind": "fairness", "time": record.evidence.time,
             "metric": "selection_rate_ratio", "slice": {"sex": "Female"}, "role": "test", "value": "0.95",
             "model_digests": [MODEL]}  # fmt: skip
    return record, Citation(**{**facts, **changes})


def newer(value, supersedes=None):
    writer = SessionWriter(RITA, "x", system="income-screening")
    claim = Claim(metric="selection_rate_ratio", slice={"sex": "Female"}, value=value, n=9)
    return writer.add(
        "fairness", [Subject(name="m", digest={"dirHash1": MODEL})], claims=[claim], supersedes=supersedes
    )


def test_a_citation_is_suspect_for_each_reason_and_a_review_clears_that_one_alone():
    record, citation = cited()
    document = status_cases.document("requirements", citations=(citation,))

    def against(records, live=MODEL, of=document):
        return [s.text for s in suspects(of, records, live)]

    assert against([record]) == []
    assert "is not here, or does not verify" in against([])[0]
    assert "the live one is 999999999999" in against([record], "9" * 64)[0]
    assert against([record, newer("0.95")]) == []
    other = newer("0.42")
    assert "0.95 was cited" in against([record, other])[0]
    assert "says 0.42" in against([record, other])[0]
    reviewed = dataclasses.replace(document, reviewed=frozenset({("e1", other.id)}))
    assert against([record, other], of=reviewed) == []
    assert "says 0.5" in against([record, other, newer("0.5")], of=reviewed)[0]
    altered = dataclasses.replace(document, citations=(citation.changed(sha256="8" * 64),))
    assert "another record" in against([record], of=altered)[0]


def test_a_document_with_a_suspect_citation_is_stale():
    subject = good()
    _, citation = cited(evidence="0197aaaa-0000-7000-8000-000000000000")
    documents = tuple(
        dataclasses.replace(d, citations=(citation,)) if d.kind == "requirements" else d for d in subject.documents
    )
    found = control_status("A.6.2.2", dataclasses.replace(subject, documents=documents), NOW)
    assert found.state == "stale"
    assert "publish it again, or review it" in found.reason
