"""A model of which several sessions speak: each sentence names the session that it quotes, in whatever order they are read."""

import dataclasses
import itertools

import pytest

from aims_mlflow.gates.control_status import CHECKS
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.not_compared import stating_reason
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.pages.views.changes import _fields
from aims_mlflow.signing.keys import ephemeral_key
from support.good_documents import NOW, SYSTEM
from support.signed_sessions import MODEL, checked, session

KEY = ephemeral_key()
EVALUATED = {"session-start", "performance"}


def made(kinds=None, day=1, pack="d" * 64, **start):
    """A verified session of this day of November, in which each record is a second younger than the one before."""
    writer = checked(session(KEY, kinds=kinds, **start), name=f"aims/sessions/{day}-{pack[:1]}.jsonl")
    records = tuple(
        dataclasses.replace(
            r,
            evidence=r.evidence.model_copy(
                update={"time": f"2026-11-{day:02}T10:00:{n:02}.000000Z", "pack_digest": pack}
            ),
        )
        for n, r in enumerate(writer.records)
    )
    return dataclasses.replace(writer, records=records)


def serving(one, cores):
    """The session, as if its section `system` stated this capacity."""
    start, *others = one.records
    details = {**start.evidence.details, "system": {"id": SYSTEM, "serving_capacity": cores}}
    stated = dataclasses.replace(start, evidence=start.evidence.model_copy(update={"details": details}))
    return dataclasses.replace(one, records=(stated, *others))


def in_each_order(*sessions):
    return [StatusSubject(SYSTEM, digest=MODEL, sessions=order) for order in itertools.permutations(sessions)]


def test_the_limits_of_a_training_were_signed_when_that_training_began():
    training, evaluation = made(day=3), made(EVALUATED, day=9, mode="evaluate")
    for subject in in_each_order(training, evaluation):
        found = CHECKS["A.6.2.4/limits"](subject, NOW)
        assert found.outcome == "holds"
        assert "signed 2026-11-03T10:00:00Z before training" in found.sentence
        assert found.evidence == (training.records[0].id,)


def test_results_beside_limits_that_were_signed_after_the_training_warn():
    training, evaluation = made(day=3), made(EVALUATED, day=9, pack="e" * 64, mode="evaluate")
    for subject in in_each_order(training, evaluation):
        found = CHECKS["A.6.2.4/limits"](subject, NOW)
        assert found.outcome == "warned"
        assert "performance of 2026-11-09 was compared with pack eeeeeeeeeeee, signed after it" in found.sentence
        assert "pack dddddddddddd, signed 2026-11-03T10:00:00Z before training" in found.sentence
        assert _fields(subject)["limits of the training (pack)"] == "d" * 12


def test_a_training_whose_own_session_has_no_start_is_not_planned_by_another():
    training, evaluation = made({"training-provenance", "performance"}, day=3), made(EVALUATED, day=2)
    for subject in in_each_order(training, evaluation):
        assert CHECKS["A.6.2.4/limits"](subject, NOW).outcome == "failed"


@pytest.mark.parametrize("first", [0, 1])
def test_a_value_is_cited_from_the_session_that_states_it(first):
    old, new = (serving(made(day=day), cores) for day, cores in ((3, "one core"), (9, "two cores")))
    sessions = (old, new) if first else (new, old)
    found = CHECKS["A.4.5/capacity"](StatusSubject(SYSTEM, digest=MODEL, sessions=sessions), NOW)
    assert "two cores" in found.sentence
    assert found.evidence == (new.records[0].id,)


def test_a_reason_against_comparing_groups_is_cited_from_the_newest_session_that_gives_one():
    given = [
        made(day=day, not_compared=reason)
        for day, reason in ((3, "no group is known"), (5, "nobody is judged"), (9, None))
    ]
    for sessions in itertools.permutations(given):
        starts = count(sessions, MODEL).starts
        assert [r.id for r in stating_reason(starts)] == [given[1].records[0].id]
        assert [s.id for s in starts] == [s.records[0].id for s in given]
