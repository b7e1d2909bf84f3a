"""Authority over time, walked on real ledgers: whose signature counts for which change, whatever becomes of key and model.

`docs/security.md` holds the table of these walks; the last test says whether it is current.
"""

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

import aims_mlflow.evidence.session as session
import aims_mlflow.registry.channel as channel
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.gates.waivers import waived_claim
from aims_mlflow.gates.wording import lines
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.evidence import Supersedes
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.authority_world import MODEL, AuthorityWorld

DOCS = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- authority: written by tests/unit/gates/test_authority.py -->", "<!-- end of authority -->"
WRITE_AGAIN = "write it again: AIMS_WRITE_DOCS=1 pytest tests/unit/gates/test_authority.py -k 'docs and all'"
SIGNERS = ("trainer", "approver", "waiver's signer")
ENDS = ("revoked", "stolen before", "ended", "rotated", "re-roled")
WHEN = ("before", "between", "after")
WAYS = ("register", "alias", "restore", "rename", "copy", "make again", "send again", "workspace")
ROWS = [(signer, end, when) for signer in SIGNERS for end in ENDS for when in WHEN]
# Root and log sign no change: the one signs who is trusted, the other that a leaf is the log's.
FOUNDATIONS = [
    (signer, end, when) for signer in ("root", "log") for end in ENDS if end != "stolen before" for when in WHEN
]


@pytest.fixture
def world(tmp_path):
    return AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db"), default_policy_text())


class Walk:
    """One model for each way back, with the same people."""

    def __init__(self, world, signer):
        self.world, self.signer = world, signer
        self.ana, self.olga = world.person("ana", "trainer"), world.person("olga", "approver")
        self.rosa = world.person("rosa", "approver")
        self.key = {"trainer": self.ana, "approver": self.olga, "waiver's signer": self.rosa}.get(signer)
        self.files, self.sent = {}, {}

    def prepare(self, name):
        """Train, sign and register; a step that is refused is refused, the question comes later."""
        world = self.world
        files = self.files[name] = world.train(
            self.ana, **({"ratio": "0.31"} if self.signer == "waiver's signer" else {})
        )
        if self.signer == "waiver's signer":
            for stage in ("registration", "deployment"):
                self.waive(name, stage, files)
        world.ask(name, files, "registration")
        self.sent[name] = world.consent(self.olga, name)

    def waive(self, name, stage, files):
        refused = self.world.ask(name, files, stage, alias=None)
        failures = [u for u in refused.unmet if u.waivable]
        until = utc_text(datetime.now(UTC) + timedelta(days=9))
        for control in sorted({u.control for u in failures}):
            claims = tuple(waived_claim(u) for u in failures if u.control == control)
            more = {"control": control, "claims": claims, "expires": until}
            self.world.consent(self.rosa, name, "waiver", stage=stage, **more)

    def back(self, way, name):
        """The model comes (back) into use in one way; returns the decision."""
        world, files = self.world, self.files[name]
        if way == "register":
            return world.ask(name, files, "registration", "2")
        if way == "rename":
            world.rename(name, f"{name}-new")
            return world.ask(f"{name}-new", files, alias="production")
        if way in ("copy", "workspace"):
            other = f"{name}-copy" if way == "copy" else f"team/{name}"
            world.ask(other, files, "registration")
            return world.ask(other, files)
        if way == "make again":
            world.delete(name)
            world.ask(name, files, "registration")
            return world.ask(name, files)
        if way == "send again":
            world.seal(self.sent[name], name)
        return world.ask(name, files, alias="champion" if way == "restore" else "production")


def walked(world, signer, end, when):
    """Return what comes of each way: the decision, by way. Who signs after the key's end sets the clock back."""
    walk = Walk(world, signer)
    names = {way: way.replace(" ", "-") for way in WAYS}
    with pytest.MonkeyPatch.context() as clock:
        if when == "before":
            earlier = utc_text()
            for module in (session, channel):
                clock.setattr(module, "utc_text", lambda: earlier)
            world.end(walk.key, end)
        for name in names.values():
            walk.prepare(name)
    if when == "after":
        for name in names.values():
            assert world.ask(name, walk.files[name]).allowed
    if when != "before":
        world.end(walk.key, end)
    out = {}
    for way, name in names.items():
        out[way] = walk.back(way, name)
        assert world.replays(), (signer, end, when, way)
    return out


def walked_below(world, signer, end, when):
    """Return what comes of each way where the key of root or log ends, and what a verification says of the log."""
    follow = world.follow_root if signer == "root" else world.follow_log
    names, out = {way: way.replace(" ", "-") for way in WAYS}, {}
    try:
        if when == "before":
            follow(end, goes_on=True)
        walk = Walk(world, signer)
        for name in names.values():
            walk.prepare(name)
            assert when != "after" or world.ask(name, walk.files[name]).allowed
        if when != "before":
            follow(end, goes_on=False)
        for way, name in names.items():
            out[way] = walk.back(way, name)
            assert world.replays(), (signer, end, when, way)
    except EvidenceError as exc:  # everything is refused
        out = dict.fromkeys(WAYS, SimpleNamespace(allowed=False, unmet=[SimpleNamespace(text=exc.what)]))
    return out, world.doubted() if signer == "log" else None


def shown(signer, when, way, decision):
    """Return one cell: yes or no; a dash where the signature is not asked for, or there is nothing to restore."""
    unasked = way == "register" and signer == "approver"
    return "-" if unasked or (way == "restore" and when != "after") else "yes" if decision.allowed else "no"


def why(decision):
    """Return the reason of a refusal, without what differs from run to run."""
    if decision.allowed:
        return ""
    return without_names(re.sub(r"aims/sessions/\S+, ", "", decision.unmet[0].text))


def without_names(text):
    """Return a text without the ids and times that differ from run to run."""
    text = re.sub(r"\b[0-9a-f]{12,64}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "…", text)
    return re.sub(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", "…", re.sub(r"leaf \d+", "leaf …", text))


def records_of(files):
    return [read(line, "x") for data in files.values() for line in data.splitlines()]


def sixth(rows):
    """Return a sixth of the rows: each key with half of its ends, at times that take turns."""
    return [row for number, row in enumerate(rows) if (number // len(WHEN) + number) % len(WHEN) == 2][::2]


# Walking all takes minutes: `tox -e full` alone does.
@pytest.fixture(scope="module", params=[sixth, pytest.param(list, marks=pytest.mark.full)], ids=["sixth", "all"])
def chosen(request):
    """What chooses the rows that are walked."""
    return request.param


@pytest.fixture(scope="module")
def table(chosen, tmp_path_factory):
    """The chosen rows of the table, walked."""
    out = {}
    for number, row in enumerate(chosen(ROWS)):
        world = AuthorityWorld(
            Ledger(f"sqlite:///{tmp_path_factory.mktemp('walk')}/{number}.db"), default_policy_text()
        )
        out[row] = walked(world, *row)
    return out


@pytest.fixture(scope="module")
def foundations(chosen, tmp_path_factory):
    """The chosen rows of the table about the keys of root and log, walked."""
    out = {}
    for number, row in enumerate(chosen(FOUNDATIONS)):
        log = ephemeral_key()
        uri = f"sqlite:///{tmp_path_factory.mktemp('below')}/{number}.db"
        world = AuthorityWorld(Ledger(uri, Log(log, "ai.example.org/walk")), default_policy_text())
        world.change(signed_sessions.entry(log, "registry", ("log",)))
        out[row] = walked_below(world, *row)
    return out


def test_an_ended_root_trusts_nobody_and_what_it_signed_before_stays(foundations):
    for (signer, end, when), (cells, _) in foundations.items():
        for way in WAYS if signer == "root" else ():
            kept = when != "before" and way not in ("copy", "make again", "workspace")
            assert cells[way].allowed is kept, (signer, end, when, way)
            told = cells[way].unmet[0].text if when == "before" else ""
            assert when != "before" or "the keyring in force is not the root's" in told


def test_what_an_ended_log_signs_is_told_by_a_verification(foundations):
    for (signer, end, when), (cells, doubt) in foundations.items():
        if signer == "log" and when == "before":
            assert not cells["alias"].allowed
            assert "stands under no checkpoint of this log: the log's key" in cells["alias"].unmet[0].text
            assert doubt
        elif signer == "log":
            assert cells["alias"].allowed
            # The leaf that revokes a key is the last that it signs, later than the time that the revocation names.
            assert (doubt is not None) is (end == "revoked"), (end, when, doubt)


def test_what_the_gate_seals_while_a_key_may_sign_counts_and_nothing_else(table):
    for (signer, end, when), cells in table.items():
        kept = when != "before" and end not in ("stolen before", "re-roled")
        for way in ("register", "alias", "restore", "rename", "send again"):
            cell = shown(signer, when, way, cells[way])
            assert cell in ("-", "yes" if kept else "no"), (signer, end, when, way)
        for way in ("copy", "make again", "workspace"):
            assert not cells[way].allowed, (signer, end, when, way, "a consent dies with its model")


@pytest.mark.parametrize("way", ["alias", "restore", "rename", "make again", "send again"])
@pytest.mark.parametrize("action", ["revocation", "retirement"])
def test_what_was_taken_back_does_not_come_back_without_a_word(world, action, way):
    walk = Walk(world, "approver")
    walk.prepare("income")
    assert world.ask("income", walk.files["income"]).allowed
    world.consent(walk.rosa, "income", action)
    refused = walk.back(way, "income")
    assert not refused.allowed
    assert any(u.kind == action and "leaf" in u.text for u in refused.unmet)
    assert [t.action for t in refused.taken_back] == [action]
    name = "income-new" if way == "rename" else "income"
    world.consent(walk.olga, name)
    again = world.ask(name, walk.files["income"])
    assert again.allowed
    assert again.taken_back == refused.taken_back, "who approves it again, and who reads that, sees what was taken back"


def test_what_was_taken_back_follows_the_bytes_to_other_names(world):
    walk = Walk(world, "approver")
    for name in ("income", "credit"):
        walk.prepare(name)
        assert world.ask(name, walk.files[name]).allowed
    world.consent(walk.olga, "income", "revocation")
    assert not world.ask("credit", walk.files["credit"]).allowed
    assert not world.ask("team/credit", walk.files["credit"]).allowed


def test_a_taking_back_stays_when_its_signer_goes_or_its_envelope_is_lost(world):
    walk = Walk(world, "approver")
    walk.prepare("income")
    record, _ = world.consent(walk.rosa, "income", "retirement")
    world.end(walk.rosa, "stolen before")
    with closing(sqlite3.connect(world.ledger.uri.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DELETE FROM aims_envelopes WHERE sha256 = ?", (record.sha256,))
    assert not world.ask("income", walk.files["income"]).allowed


def test_what_its_signer_exchanges_in_the_database_for_another_consent_of_the_same_id_counts_for_nothing(
    world, monkeypatch
):
    """The gate saw the one that was sealed; the other would have taken effect without it."""
    walk = Walk(world, None)
    files = world.train(walk.ana)
    world.ask("income", files, "registration")
    monkeypatch.setattr(channel, "uuid7", lambda: "01970000-0000-7000-8000-000000000000")
    unseen, _ = world.sign(walk.olga, "income", "approval")
    sealed, _ = world.consent(walk.olga, "income", stage="registration")
    with closing(sqlite3.connect(world.ledger.uri.removeprefix("sqlite:///"))) as connection, connection:
        changed = connection.execute(
            "UPDATE aims_envelopes SET envelope = ? WHERE sha256 = ?", (unseen.envelope.raw, sealed.sha256)
        )
    assert changed.rowcount == 1
    decision = world.ask("income", files)
    assert not decision.allowed
    assert "an approval by another person than the trainer is missing" in decision.unmet[0].text


def test_a_failure_is_taken_out_in_the_sight_of_whoever_approves(world):
    walk, bob = Walk(world, "approver"), world.person("bob", "trainer", "approver")
    files = world.train(walk.ana, ratio="0.31")
    world.ask("income", files, "registration")
    world.consent(walk.olga, "income")
    failed = next(r for r in records_of(files) if r.evidence.kind == "fairness")
    writer = signed_sessions.session(bob, ratio="0.95", model=MODEL, kinds=("fairness",), close=False)
    again = writer.records[-1]
    writer.add("fairness", list(again.subjects), claims=again.evidence.claims, result="passed",
               supersedes=Supersedes(id=failed.id, reason="a wrong column"))  # fmt: skip
    writer.close()
    files |= {"aims/sessions/zz.jsonl": writer.jsonl()}
    decision = world.ask("income", files, alias="production")
    (seen,) = decision.superseded
    assert (seen.owner, seen.by_owner, seen.result, seen.reason) == ("ana", "bob", "failed", "a wrong column")
    assert any("superseded: fairness" in line and "bob" in line for line in lines(decision))
    assert not decision.allowed, "the approval is older than the record that takes the failure out"
    assert world.ask("income", files, "registration").allowed
    world.consent(bob, "income")
    assert not world.ask("income", files).allowed, "whoever takes a failure out does not approve"
    world.consent(walk.olga, "income")
    assert world.ask("income", files).allowed
    assert world.replays()


def test_break_glass_shows_both_of_its_approvers(world):
    walk = Walk(world, "approver")
    files = world.train(walk.ana, ratio="0.31")
    soon = utc_text(datetime.now(UTC) + timedelta(hours=3))
    for key in (walk.olga, walk.rosa):
        world.consent(key, "income", "waiver", stage="registration", break_glass=True, expires=soon)
    decision = world.ask("income", files, "registration")
    assert decision.basis == "break-glass"
    assert any("by olga and rosa: everything" in line for line in lines(decision))
    assert all(len(w.waivers) == 2 for w in decision.waived)
    assert world.replays()


def test_no_signer_of_an_emergency_waiver_is_the_trainer(world):
    """Neither by the key that trained, nor by another of the same person."""
    bob, again = world.person("bob", "trainer", "approver"), world.person("bob", "approver")
    walk = Walk(world, "approver")
    files = world.train(bob, ratio="0.31")
    soon = utc_text(datetime.now(UTC) + timedelta(hours=3))
    for key in (bob, again, walk.olga):
        world.consent(key, "income", "waiver", stage="registration", break_glass=True, expires=soon)
    assert not world.ask("income", files, "registration").allowed
    world.consent(walk.rosa, "income", "waiver", stage="registration", break_glass=True, expires=soon)
    decision = world.ask("income", files, "registration")
    assert decision.basis == "break-glass"
    assert {owner for w in decision.waived for owner in w.owners} == {"olga", "rosa"}


def test_docs_are_current(chosen, table, foundations):
    rows = [
        "| whose key | what becomes of it | when | " + " | ".join(WAYS) + " | why not |",
        "|---" * (len(WAYS) + 4) + "|",
    ]
    for (signer, end, when), cells in table.items():
        marks = [shown(signer, when, way, decision) for way, decision in cells.items()]
        rows.append(f"| {signer} | {end} | {when} | " + " | ".join(marks) + f" | {why(cells['alias'])} |")
    for (signer, end, when), (cells, doubt) in foundations.items():
        marks = [shown(signer, when, way, decision) for way, decision in cells.items()]
        marks = [mark.replace("yes", "told") if doubt else mark for mark in marks]
        reason = why(cells["alias"]) or (f"`aims ledger verify`: {without_names(doubt)}" if doubt else "")
        rows.append(f"| {signer} | {end} | {when} | " + " | ".join(marks) + f" | {reason} |")
    text = DOCS.read_text(encoding="utf-8")
    if chosen is sixth:
        shown_rows = text[text.index(BEGIN) : text.index(END)].splitlines()[1:]
        assert len(shown_rows) == 2 + len(ROWS) + len(FOUNDATIONS)
        assert set(rows) <= set(shown_rows), WRITE_AGAIN
        return
    wanted = text[: text.index(BEGIN) + len(BEGIN)] + "\n" + "\n".join(rows) + "\n" + text[text.index(END) :]
    if os.environ.get("AIMS_WRITE_DOCS"):
        DOCS.write_text(wanted, encoding="utf-8")
    assert text == wanted, WRITE_AGAIN
