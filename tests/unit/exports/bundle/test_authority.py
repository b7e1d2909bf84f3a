"""A bundle holds what says whether the signatures in it counted, and makes its decisions again as the ledger does."""

import time

import pytest

from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.records.base import utc_text
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.authority_world import AuthorityWorld
from support.small_bundle import lost

SYSTEM = "income-screening"


@pytest.fixture
def world(tmp_path):
    log = ephemeral_key()
    made = AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db", Log(log, "ai.example.org/w")), default_policy_text())
    made.change(signed_sessions.entry(log, "registry", ("log",)))
    return made


def problems(ledger, since=None):
    files = create(ledger, SYSTEM, "stage1", lost, since=since)
    return [problem.sentence() for problem in verify_bundle(layout.FilesInMemory(files), "b").problems]


@pytest.mark.parametrize("late", [False, True])
def test_decisions_of_a_model_with_a_past_are_the_same_in_its_bundle(world, late):
    """Deleted and made again, its copy revoked, its trainer gone: each changes what counts."""
    ana, olga = world.person("ana", "trainer"), world.person("olga", "approver")
    files = world.train(ana)
    world.ask("income", files, "registration")
    world.consent(olga, "income")
    assert world.ask("income", files).allowed
    world.delete("income")
    world.ask("income", files, "registration")
    world.ask("copy", files, "registration")
    world.consent(olga, "copy", "revocation")
    world.end(ana, "revoked")
    time.sleep(0.01)
    since = utc_text() if late else None
    refused = world.ask("income", files)
    assert [u.kind for u in refused.unmet] == ["revocation", "approval"]
    world.consent(olga, "income")
    assert world.ask("income", files).allowed
    assert problems(world.ledger, since) == []
