"""Checkpoints made, queued and delivered: to folders, an S3 bucket and a time-stamping authority, late and broken."""

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
from aims_mlflow.errors import ConfigError, EvidenceError, Unreachable
from aims_mlflow.ledger import anchors, checkpoint, delivery, heads, merkle, timestamps
from aims_mlflow.signing.keys import ephemeral_key
from support.tree_database import Database

KEY = ephemeral_key()


class Log(Database):
    """A database with checkpoints, as the ledger makes them after appends."""

    def __init__(self, uri, *addresses, key=KEY):
        super().__init__(uri)
        self.key, self.anchors = key, [anchors.parse_anchor(a) for a in addresses]
        self.deliverer = delivery.Deliverer(self.engine, self.tree, self.leaves, self.anchors)

    def head(self, *contents, origin="ai.example.org/ledger"):
        if contents:
            self.append(*contents)
        with self.engine.connect() as connection:
            made = heads.sign_head(connection, self.tree, self.leaves, self.key, origin)
        if made is not None:
            with self.engine.begin() as connection:
                heads.store(connection, self.tree, made, [p.name for p in self.anchors])
        return made

    def rows(self):
        with self.engine.connect() as connection:
            return connection.execute(sa.select(self.tree.deliveries).order_by(self.tree.deliveries.c.size)).all()

    def late(self, seconds):
        with self.engine.connect() as connection:
            return delivery.late(connection, self.tree, datetime.now(UTC) + timedelta(seconds=seconds))


def test_heads_are_signed_kept_and_continue_each_other(database_uri):
    log = Log(database_uri)
    assert log.head() is None
    first, second = log.head(b"a", b"b", b"c"), log.head(b"d")
    assert log.head() is None
    assert (first.size, second.size) == (3, 4)
    assert second.verify([KEY.public]) == KEY.public
    proof = merkle.consistency_proof(3, 4, log.fetch)
    assert merkle.verify_consistency(3, 4, first.root, second.root, proof)
    with log.engine.connect() as connection:
        assert heads.newest(connection, log.tree) == second
        assert heads.covering(connection, log.tree, 2) == first
        assert heads.covering(connection, log.tree, 5) is None
        assert heads.covering(connection, log.tree, 4) == second
    with log.engine.begin() as connection:
        assert not heads.store(connection, log.tree, second, [])


def test_a_log_keeps_its_name(tmp_path):
    log = Log(f"sqlite:///{tmp_path}/l.db")
    made = log.head(b"a", origin=None)
    assert made.origin.startswith("aims-ledger/")
    assert log.head(b"b", origin=None).origin == made.origin
    log.append(b"c")
    with pytest.raises(EvidenceError, match="AIMS_LEDGER_ORIGIN is 'other'"):
        log.head(origin="other")


def test_nothing_is_signed_over_a_changed_beginning(tmp_path):
    log = Log(f"sqlite:///{tmp_path}/l.db")
    log.head(b"a", b"b", b"c")
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER aims_leaves_no_update")
        connection.execute(sa.text("UPDATE aims_leaves SET leaf_hash = :h WHERE sequence = 2"), {"h": "0" * 64})
    log.append(b"d")
    with pytest.raises(EvidenceError, match="do not continue its checkpoint over 3"):
        log.head()
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER aims_leaves_no_delete")
        connection.exec_driver_sql("DELETE FROM aims_leaves WHERE sequence > 1")
    with pytest.raises(EvidenceError, match="2 leaves that do not continue"):
        log.head()


def test_a_folder_gets_note_and_hashes_once(database_uri, tmp_path):
    log = Log(database_uri, f"file://{tmp_path}/outside")
    made = [log.head(b"a", b"b", b"c"), log.head(b"d")]
    assert log.deliverer.deliver_due() == 2
    assert log.deliverer.deliver_due() == 0
    outside = tmp_path / "outside"
    assert sorted(str(p.relative_to(outside)) for p in outside.rglob("*") if p.is_file()) == [
        "checkpoints/000000000003.txt", "checkpoints/000000000004.txt",
        "leaves/000000000000-000000000003.sha256", "leaves/000000000003-000000000004.sha256",
    ]  # fmt: skip
    hashes = "".join(p.read_text() for p in sorted((outside / "leaves").iterdir())).split()
    edge = merkle.Frontier()
    for value in hashes:
        edge.append(bytes.fromhex(value))
    read = checkpoint.parse((outside / "checkpoints/000000000004.txt").read_bytes(), "outside")
    assert read == made[1]
    assert edge.root() == read.root
    assert all(row.delivered for row in log.rows())


def test_hashes_of_deliveries_that_overlap_are_read_whole(tmp_path):
    """Two servers of one ledger may deliver beside each other; whatever order the folder lists, all is found."""
    log = Log(f"sqlite:///{tmp_path}/l.db")
    made = log.head(*(bytes([n]) for n in range(6)))
    hashes = [merkle.leaf_hash(bytes([n])) for n in range(6)]
    for order in itertools.permutations([(0, 4), (0, 5), (3, 6), (5, 6)]):
        folder = tmp_path / "".join(f"{a}{b}" for a, b in order)
        folder.mkdir()
        for begin, end in order:
            text = "".join(f"{value.hex()}\n" for value in hashes[begin:end])
            (folder / f"{begin:012d}-{end:012d}.sha256").write_text(text)
        parts = {p.name: p for p in folder.iterdir()}
        listed = [parts[f"{a:012d}-{b:012d}.sha256"] for a, b in order]
        assert (
            OutsideCheckpoint(made, "x", SimpleNamespace(iterdir=lambda listed=listed: iter(listed))).hashes() == hashes
        )
    (folder / "000000000000-000000000005.sha256").write_text(f"{'0' * 64}\n" * 5)
    with pytest.raises(EvidenceError, match="not those that the checkpoint's root is over"):
        OutsideCheckpoint(made, "x", folder).hashes()


def test_a_place_that_holds_another_checkpoint_is_a_finding(tmp_path):
    outside = tmp_path / "outside"
    Log(f"sqlite:///{tmp_path}/old.db", f"file://{outside}").head(b"a", b"b")
    first = Log(f"sqlite:///{tmp_path}/old.db", f"file://{outside}")
    first.deliverer.deliver_due()
    rewritten = Log(f"sqlite:///{tmp_path}/new.db", f"file://{outside}")
    rewritten.head(b"a", b"CHANGED")
    assert rewritten.deliverer.deliver_due() == 0
    (found,) = rewritten.late(61)
    assert "holds another leaves/" in found.sentence()
    assert "the ledger was rewritten" in found.sentence()


def test_what_is_a_minute_behind_is_a_finding_and_is_tried_again(tmp_path):
    blocked = tmp_path / "outside"
    blocked.write_text("a file where the folder belongs")
    log = Log(f"sqlite:///{tmp_path}/l.db", f"file://{blocked}")
    log.head(b"a")
    log.head(b"b")
    now = datetime.now(UTC)
    assert log.deliverer.deliver_due(now) == 0
    assert [row.attempts for row in log.rows()] == [1, 0], "order is kept"
    assert log.late(50) == []
    assert [(found.size, found.attempts) for found in log.late(61)] == [(1, 1), (2, 0)]
    assert "cannot be written" in log.late(61)[0].sentence()
    blocked.unlink()
    assert log.deliverer.deliver_due(now + timedelta(seconds=1)) == 0, (
        "the first waits its two seconds, and the next for it"
    )
    assert log.deliverer.deliver_due(now + timedelta(seconds=3)) == 2
    assert sorted(p.name for p in (blocked / "leaves").iterdir()) == [
        "000000000000-000000000001.sha256", "000000000001-000000000002.sha256",
    ]  # fmt: skip
    assert log.late(600) == []


def test_the_thread_delivers_within_a_moment_and_two_workers_do_not_collide(database_uri, tmp_path):
    uri = f"file://{tmp_path}/outside"
    log = Log(database_uri, uri)
    other = delivery.Deliverer(log.engine, log.tree, log.leaves, log.anchors)
    log.deliverer.start()
    other.start()
    for number in range(5):
        log.head(b"leaf %d" % number)
        log.deliverer.wake()
        other.wake()
    log.deliverer.stop()
    other.stop()
    deadline = time.monotonic() + 20
    while not all(row.delivered for row in log.rows()) and time.monotonic() < deadline:
        log.deliverer.deliver_due()
        time.sleep(0.2)
    assert all(row.delivered and row.attempts == 1 for row in log.rows())
    assert len(list((tmp_path / "outside/checkpoints").iterdir())) == 5
    assert not [t for t in threading.enumerate() if t.name == "aims-delivery" and t.is_alive()]


@pytest.fixture
def bucket(monkeypatch):
    moto = pytest.importorskip("moto", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
        yield client


def test_objects_in_s3_are_locked_and_never_written_over(bucket, tmp_path):
    log = Log(f"sqlite:///{tmp_path}/l.db", "s3://audit/aims?retain_days=3650")
    made = log.head(b"a", b"b")
    assert log.deliverer.deliver_due() == 1
    kept = bucket.get_object(Bucket="audit", Key="aims/checkpoints/000000000002.txt")
    assert kept["Body"].read().decode() == made.text
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=3600)
    place = log.anchors[0]
    hashes = "".join(f"{merkle.leaf_hash(data).hex()}\n" for data in (b"a", b"b"))
    parcel = anchors.CheckpointCopy(2, made.text.encode(), 0, hashes.encode())
    place.deliver(parcel)
    with pytest.raises(EvidenceError, match=r"holds another checkpoints/000000000002\.txt"):
        place.deliver(anchors.CheckpointCopy(2, b"other", 0, parcel.hashes))
    with pytest.raises(Unreachable, match="S3 refused the object"):
        anchors.parse_anchor("s3://nobodys/x").deliver(parcel)


def test_an_authority_stamps_the_newest_and_openssl_agrees(authority, tmp_path):
    log = Log(f"sqlite:///{tmp_path}/l.db", f"tsa:{authority.url}")
    authority.broken, asked = True, authority.asked
    log.head(b"a")
    log.head(b"b")
    now = datetime.now(UTC)
    assert log.deliverer.deliver_due(now) == 0
    assert "does not answer" in log.late(61)[1].sentence()
    made = log.head(b"c")
    authority.broken = False
    assert log.deliverer.deliver_due(now + timedelta(seconds=10)) == 1
    assert authority.asked == asked + 2, "one question for three checkpoints"
    first, second, third = log.rows()
    assert all((first.delivered, second.delivered))
    assert "covered by the checkpoint over 3" in first.error
    assert first.receipt is None
    moment = timestamps.stamped_at(third.receipt, made.text.encode(), [authority.root], "stamp")
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
    (tmp_path / "note").write_text(made.text)
    (tmp_path / "note.tsr").write_bytes(third.receipt)
    authority._openssl("ts", "-verify", "-data", tmp_path / "note", "-in", tmp_path / "note.tsr", "-CAfile", "root.pem")
    assert log.late(600) == []


def test_a_stamp_over_something_else_or_by_nobody_known_says_nothing(authority, tmp_path_factory):
    from support.timestamp_authority import Authority

    raw = timestamps.request_stamp(b"data", authority.url)
    with pytest.raises(EvidenceError, match="does not verify"):
        timestamps.stamped_at(raw, b"other", [authority.root], "stamp")
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(EvidenceError, match="does not verify"):
        timestamps.stamped_at(raw, b"data", [stranger.root], "stamp")
    stranger.close()
    with pytest.raises(ConfigError, match="no root certificate"):
        timestamps.stamped_at(raw, b"data", [], "stamp")
    with pytest.raises(EvidenceError, match="not an RFC 3161 response"):
        timestamps.stamped_at(raw[:-10], b"data", [authority.root], "stamp")
    with pytest.raises(EvidenceError, match="too large"):
        timestamps.stamped_at(b"0" * 100_000, b"data", [authority.root], "stamp")
    with pytest.raises(ConfigError, match="PEM certificate"):
        timestamps.stamped_at(raw, b"data", [b"junk"], "stamp")
    with pytest.raises(Unreachable, match="does not answer"):
        timestamps.request_stamp(b"data", "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "uri",
    ["", "ftp://x/y", "file://host/x", "file:relative", "s3:///x", "s3://k:secret@b/x", "s3://b/x?retain=3",
     "s3://b/x?retain_days=-1", "tsa:ftp://x", "tsa:https://user:pw@x/", "/plain/path"],
)  # fmt: skip
def test_addresses_of_no_anchor_are_refused(uri):
    with pytest.raises(ConfigError):
        anchors.parse_anchor(uri)


def test_an_anchor_is_named_once():
    assert [p.name for p in anchors.parse_anchors(("file:///a", "tsa:https://x/y"))] == [
        "file:///a",
        "tsa:https://x/y",
    ]
    assert anchors.parse_anchors(()) == ()
    with pytest.raises(ConfigError, match="twice"):
        anchors.parse_anchors(("file:///a", "file:///a"))


def test_missing_extras_are_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[s3\]' in the checkout"):
        anchors.parse_anchor("s3://b/x").deliver(anchors.CheckpointCopy(1, b"", 0, b""))
    with pytest.raises(ConfigError, match=r"pip install '\.\[timestamps\]' in the checkout"):
        timestamps.request_stamp(b"x", "https://x")
