"""Laws of authority over time: sequence decides whether a signature counts, never the clock of its signer."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aims_mlflow.gates.authority import Moment, why_not_now, why_not_sealed
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
START = datetime(2026, 1, 1, tzinfo=UTC)
LAW = settings(max_examples=200, deadline=None)
# Of ten pairs of keyrings one lets a signature count: the others are drawn again.
OFTEN = settings(LAW, suppress_health_check=[HealthCheck.filter_too_much])
hours = st.integers(0, 100)
times = hours.map(lambda hour: utc_text(START + timedelta(hours=hour)))
maybe = st.none() | times


@st.composite
def keyrings(draw):
    """A keyring that has the key in some state, or does not have it."""
    if draw(st.integers(0, 9)) == 0:
        return Keyring(version=1)
    roles = draw(st.sampled_from([("approver",), ("trainer",), ("approver", "trainer")]))
    entry = signed_sessions.entry(
        KEY, "olga", roles, valid_from=draw(maybe), valid_until=draw(maybe), revoked=draw(maybe)
    )
    return Keyring(version=1, keys=(entry,))


def counts(then, now, sealed):
    role = ("approver",)
    return not (why_not_sealed(then, KEY.key_id, role, sealed) or why_not_now(now, KEY.key_id, role, sealed))


@OFTEN
@given(keyrings(), keyrings(), times)
def test_what_counts_was_allowed_when_it_was_sealed_and_is_not_taken_back(then, now, time):
    assume(counts(then, now, Moment(5, time)))
    (was,), (is_now,) = then.keys, now.keys
    assert "approver" in was.roles
    assert "approver" in is_now.roles
    assert was.revoked is None, "a keyring that revokes a key lets it sign nothing more, whatever time it names"
    assert was.valid_until is None or was.valid_until >= time
    assert is_now.revoked is None or is_now.revoked > time


@LAW
@given(keyrings(), keyrings(), times, times)
def test_a_revocation_never_helps(then, now, time, revoked):
    def revoke(keyring):
        keys = tuple(k.model_copy(update={"revoked": min(k.revoked or revoked, revoked)}) for k in keyring.keys)
        return keyring.model_copy(update={"keys": keys})

    sealed = Moment(5, time)
    for after in ((revoke(then), now), (then, revoke(now)), (revoke(then), revoke(now))):
        assert counts(then, now, sealed) or not counts(*after, sealed)


@LAW
@given(keyrings(), keyrings(), times)
def test_a_key_that_one_of_the_keyrings_does_not_know_counts_for_nothing(then, now, time):
    assert not counts(Keyring(version=1), now, Moment(5, time))
    assert not counts(then, Keyring(version=1), Moment(5, time))
    assert not counts(None, now, Moment(5, time))
