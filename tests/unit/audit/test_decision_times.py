"""A server's clock that is set back makes ended waivers count again: a verification of the ledger tells it."""

from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.gates.waivers import waived_claim
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.records.base import utc_text
from support.authority_world import AuthorityWorld


def now(**later):
    """Return the time, read where it is asked: evidence that is newer than a decision's clock does not count."""
    return datetime.now(UTC) + timedelta(**later)


@pytest.fixture
def world(tmp_path):
    return AuthorityWorld(Ledger(f"sqlite:///{tmp_path}/l.db"), default_policy_text())


def waived(world):
    """Let an unfair model in by a waiver of nine days; returns the files of its run."""
    ana, rosa = world.person("ana", "trainer"), world.person("rosa", "approver")
    files = world.train(ana, ratio="0.31")
    refused = world.ask("income", files, "registration")
    for control in sorted({u.control for u in refused.unmet}):
        claims = tuple(waived_claim(u) for u in refused.unmet if u.control == control)
        until = utc_text(now(days=9))
        world.consent(rosa, "income", "waiver", stage="registration", control=control, claims=claims, expires=until)
    assert world.ask("income", files, "registration").allowed
    return files


def told(world):
    return [p.sentence() for p in verify_ledger(world.ledger, "ledger", processes=0)["completeness"].problems]


def test_a_waiver_that_counts_again_by_a_clock_set_back_is_told(world):
    files, later = waived(world), now(days=20)
    assert not world.ask("income", files, "registration", now=later).allowed
    assert told(world) == []
    assert world.ask("income", files, "registration", now=now(days=1)).allowed
    (sentence,) = told(world)
    assert f"decision {world.last}: its clock said" in sentence
    assert f"and a decision before it {later:%Y-%m-%d}" in sentence
    assert "would have been refused: " in sentence
    assert "a clock was set back" in sentence


def test_a_clock_that_is_off_without_any_effect_is_no_problem(world):
    files = world.train(world.person("ana", "trainer"))
    for clock in (now(days=20), now(), now(days=20, minutes=1)):
        assert world.ask("income", files, "registration", now=clock).allowed
    assert told(world) == []
