"""Erasing an envelope: the record is gone for good, the ledger verifies, and each decision that rested on it is named."""

import pytest

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.erasure import erase_envelope
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.authority_world import AuthorityWorld
from support.ledger_with_decisions import decided_ledger
from support.page_site import PageSite
from support.postgresql import new_database
from support.sealed_documents import DocumentOffice


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, tmp_path):
    uri = f"sqlite:///{tmp_path}/l.db"
    if request.param == "postgresql":
        uri = new_database(request.getfixturevalue("postgres_server"))
    log = Log(ephemeral_key(), "ai.example.org/erasing")
    world = AuthorityWorld(Ledger(uri, log), default_policy_text())
    world.change(signed_sessions.entry(log.key, "registry", ("log",)))
    return world


def decided(world):
    """A model that was registered, and the records that its decision rests on."""
    files = world.train(world.person("ana", "trainer"))
    assert world.ask("income", files, "registration").allowed
    (leaf,) = world.ledger.leaves(types=("decision",))
    return files, leaf, leaf.fact.evidence


def checked(world):
    return verify_ledger(Ledger(world.ledger.uri), "ledger", processes=0)


def delete(world, sha256):
    import sqlalchemy as sa

    table = world.ledger._tables.envelopes
    with world.ledger._engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.sha256 == sha256))


def test_an_erased_envelope_is_gone_and_its_decision_is_named(world):
    _, leaf, (sha256, *_) = decided(world)
    raw = world.ledger.envelope(sha256)
    by = erase_envelope(world.ledger, sha256, "asked for", world.person("aud", "auditor"), "aud")
    assert raw is not None
    assert world.ledger.envelope(sha256) is None
    report = checked(world)
    assert report.problems == []
    told = f"leaf {leaf.sequence}, decision {leaf.fact.request}, was not made again: its envelope was erased by leaf {by.sequence}"
    assert report["completeness"].skipped == [told]
    assert "1 decisions, 0 made again" in " ".join(report["completeness"].said)
    assert "1 erased with a reason" in " ".join(report["envelope"].said)


def test_any_other_deletion_is_found_beside_an_erasure(world):
    _, _, (sha256, other, *_) = decided(world)
    erase_envelope(world.ledger, sha256, "asked for", world.person("olga", "approver"), "olga")
    delete(world, other)
    assert [p.what for p in checked(world)["envelope"].problems] == ["it is missing"]


def test_an_erased_record_does_not_come_back_from_its_run_and_counts_for_nothing(world):
    files, _, (sha256, *_) = decided(world)
    erase_envelope(world.ledger, sha256, "asked for", world.person("olga", "approver"), "olga")
    again = world.ask("income", files, "registration")
    assert not again.allowed
    assert "its envelope was erased by leaf" in str(again)
    assert world.ledger.envelope(sha256) is None
    report = checked(world)
    assert report.problems == []
    assert len(report["completeness"].skipped) == 2


@pytest.mark.parametrize("role", ["trainer", "top-management", "risk-officer"])
def test_nobody_else_erases_an_envelope(world, role):
    _, _, (sha256, *_) = decided(world)
    with pytest.raises(EvidenceError, match=f"nothing is erased: the key of bob has no role .*it has {role}"):
        erase_envelope(world.ledger, sha256, "asked for", world.person("bob", role), "bob")
    assert world.ledger.envelope(sha256) is not None


def test_what_a_version_in_use_rests_on_is_refused_until_it_is_taken_out(world):
    files, _, (sha256, *_) = decided(world)
    olga = world.person("olga", "approver")
    world.consent(olga, "income", alias="champion")
    assert world.ask("income", files).allowed
    with pytest.raises(EvidenceError, match="income version 1 holds champion, and rests on it") as refused:
        erase_envelope(world.ledger, sha256, "asked for", olga, "olga")
    assert "give champion to a version" in refused.value.next
    world.delete("income", "1")
    erase_envelope(world.ledger, sha256, "asked for", olga, "olga")
    report = checked(world)
    assert report.problems == []
    assert len(report["completeness"].skipped) == 2, "registration and deployment"


def test_what_has_no_text_or_shows_who_erased_or_judges_others_is_refused(world):
    _, leaf, (sha256, *_) = decided(world)
    olga = world.person("olga", "approver")
    world.consent(olga, "income", alias="champion")
    (consent,) = world.ledger.leaves(types=("approval",))

    def refused(name):
        with pytest.raises(EvidenceError) as raised:
            erase_envelope(world.ledger, name, "asked for", olga, "olga")
        return f"{raised.value.what}; {raised.value.next}"

    assert f"`aims evidence erase {consent.sequence}` erases the text" in refused(consent.content["envelope"])
    assert "policy or keyring that was in force" in refused(leaf.fact.policy_digest)
    assert "no leaf of the ledger names an envelope" in refused("f" * 64)
    by = erase_envelope(world.ledger, sha256, "asked for", olga, "olga")
    assert "nothing else shows who erased" in refused(by.content["envelope"])
    assert "(any more)" in refused(sha256)


def test_a_leaf_that_names_another_erasures_record_settles_nothing(world):
    """Whoever has the log's key can add a leaf, and no signature over another deletion."""
    from aims_mlflow.ledger.leaves import Entry

    _, _, (sha256, other, *_) = decided(world)
    by = erase_envelope(world.ledger, sha256, "asked for", world.person("olga", "approver"), "olga")
    world.ledger.seal(Entry(by.fact.changed(erased=other, request="x")))
    delete(world, other)
    report = checked(world)
    assert {"it is missing", "it says that something was erased, but its signature is about another erasure"} <= {
        p.what for p in report["envelope"].problems
    }


def test_an_erased_envelope_that_somebody_puts_back_is_told(world):
    import sqlalchemy as sa

    _, _, (sha256, *_) = decided(world)
    raw = world.ledger.envelope(sha256)
    erase_envelope(world.ledger, sha256, "asked for", world.person("olga", "approver"), "olga")
    table = world.ledger._tables.envelopes
    with world.ledger._engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.sha256 == sha256).values(envelope=raw))
    (problem,) = checked(world).problems
    assert problem.what == f"envelope {sha256[:12]} that it erased is there"


def test_a_document_in_force_is_refused_and_one_that_was_replaced_is_erased(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/l.db")
    office = DocumentOffice(registry)

    def publication(version):
        stated = office.publish("ai-policy", version=version)
        return stated, office._records[stated.id, stated.sha256]

    (_, first), (stated, second) = publication("1"), publication("2")
    with pytest.raises(EvidenceError, match="the documents in force would be others without it") as refused:
        erase_envelope(registry.ledger, second, "asked for", registry.approver, "olga")
    assert "publish a new version" in refused.value.next
    erase_envelope(registry.ledger, first, "asked for", registry.approver, "olga")
    office.sign("document-withdrawal", stated)
    (withdrawal,) = registry.ledger.newest(types=("evidence",))[0].fact.evidence[-2:-1] or [None]
    with pytest.raises(EvidenceError, match="the documents in force would be others without it"):
        erase_envelope(registry.ledger, withdrawal, "asked for", registry.approver, "olga")
    assert verify_ledger(Ledger(registry.ledger.uri), "ledger", processes=0).problems == []
    page = PageSite.of(registry.ledger, tmp_path / "pages.db").html("documents")
    assert "Records that were erased" in page
    assert "asked for" in page
