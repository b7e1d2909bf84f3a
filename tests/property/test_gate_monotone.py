"""The gate's decision is monotonic: less evidence or a worse value never turns a refusal into an allowance."""

import base64
import json
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.signed_consent import SignedConsent
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Consent
from support import signed_sessions
from support.session_strategies import KEY, KEYS, LAW, MODEL, NEEDED, claims, sessions

POLICY = parse_policy(default_policy_text())
# Two people, one of them with another role, and emergencies.
STRICT = parse_policy(
    default_policy_text().replace(
        "approvals: {count: 1}", "approvals: {count: 2, roles: {approver: 1, risk-officer: 1}}"
    )
)
ROLES = {"ana": ("approver",), "ben": ("approver",), "olga": ("approver", "risk-officer"), "per": ("risk-officer",)}
SOON = utc_text(datetime.now(UTC) + timedelta(hours=20))
WAIVERS = [{"control": "A.6.2.4"}, {"control": "A.7.4"}, {"break_glass": True}]


def payload(line):
    return base64.b64decode(json.loads(line)["payload"])


def ask(files, consents=(), stage="registration", alias=None, now=None, policy=POLICY):
    read = [check_session(b"".join(lines), f"{n}.jsonl", KEYS) for n, lines in enumerate(files)]
    rules = policy.rules("income", stage, alias)
    return decide(rules, read, consents, DecisionRequest(signed_sessions.MODEL), now or datetime.now(UTC))


def consent(owner, action="approval", roles=("approver",), policy=POLICY, **fields):
    rules = policy.rules("income", "deployment", "champion")
    made = Consent(action=action, model_name="income", stage="deployment", stage_digest=rules.stage_digest, **fields)
    return SignedConsent(f"{owner}-{action}", owner, signed_sessions.MODEL, made, utc_text(), roles)


@LAW
@given(sessions(), st.data())
def test_removing_any_record_or_manifest_never_helps(files, data):
    assume(not ask(files).allowed)
    which = data.draw(st.integers(0, len(files) - 1))
    line = data.draw(st.integers(0, len(files[which]) - 1))
    less = [lines[:line] + lines[line + 1 :] if n == which else lines for n, lines in enumerate(files)]
    assert not ask(less).allowed


@LAW
@given(sessions(), st.data())
def test_removing_records_from_under_a_manifest_never_helps(files, data):
    which = data.draw(
        st.sampled_from([n for n, lines in enumerate(files) if b'"kind":"session"' in payload(lines[-1])])
    )
    gone = data.draw(st.sets(st.integers(0, len(files[which]) - 2), min_size=1))
    less = [[x for i, x in enumerate(f) if i not in gone] if n == which else f for n, f in enumerate(files)]
    assert not ask(less).allowed


@LAW
@given(sessions(), claims.filter(lambda c: c.passed is False))
def test_adding_a_failing_claim_never_helps(files, claim):
    writer = SessionWriter(KEY, "ana")
    writer.add("fairness", MODEL, claims=(claim,), result="passed")
    writer.close()
    assert not ask([*files, writer.jsonl().splitlines(keepends=True)]).allowed


@LAW
@given(sessions(), st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(files, random):
    now = datetime.now(UTC)
    one = ask(files, now=now)
    shuffled = list(files)
    random.shuffle(shuffled)
    other = ask(shuffled, now=now)
    assert (one.allowed, one.evidence) == (other.allowed, other.evidence)


@LAW
@given(sessions(), st.sets(st.sampled_from(["ana", "ben", "olga"])), st.sampled_from(["ana", "ben", "olga"]))
def test_removing_an_approval_never_helps(files, owners, gone):
    champion = {"stage": "deployment", "alias": "champion"}
    assume(not ask(files, [consent(o) for o in sorted(owners)], **champion).allowed)
    assert not ask(files, [consent(o) for o in sorted(owners - {gone})], **champion).allowed


@LAW
@given(sessions(), st.sampled_from(["A.6.2.4", "A.7.4", "A.6.2.3"]), st.integers(-3, 120))
def test_a_waiver_touches_nothing_but_its_control_and_ends(files, control, days):
    expires = utc_text(datetime.now(UTC) + timedelta(days=days))
    waiver = consent("olga", "waiver", control=control, comment="pilot", expires=expires)
    champion = {"stage": "deployment", "alias": "champion", "now": datetime.now(UTC)}
    plain, waived = ask(files, **champion), ask(files, [waiver], **champion)
    gone = [u for u in plain.unmet if u not in waived.unmet]
    assert [w.unmet for w in waived.waived] == gone
    assert all(u.control == control and u.waivable for u in gone)
    if not 0 < days <= 90:
        assert gone == []


@LAW
@given(sessions(), st.lists(st.sampled_from(["ana", "ben", "olga", "per"]), unique=True, max_size=4), st.data())
def test_removing_an_approval_or_a_waiver_never_helps_where_roles_and_numbers_are_asked(files, owners, data):
    said = [consent(o, roles=ROLES[o], policy=STRICT) for o in owners]
    said += [
        consent(o, "waiver", policy=STRICT, comment="c", expires=SOON, **data.draw(st.sampled_from(WAIVERS)))
        for o in owners
    ]
    champion = {"stage": "deployment", "alias": "champion", "policy": STRICT}
    assume(not ask(files, said, **champion).allowed)
    less = data.draw(st.lists(st.sampled_from(said), unique_by=id)) if said else []
    assert not ask(files, less, **champion).allowed


def test_the_laws_are_not_empty():
    """The sessions made above reach both answers."""
    good = signed_sessions.session(KEY, ratio="0.95", kinds=NEEDED).jsonl().splitlines(keepends=True)
    bad = signed_sessions.session(KEY, ratio="0.31", kinds=NEEDED).jsonl().splitlines(keepends=True)
    assert ask([good]).allowed
    assert not ask([bad]).allowed
