"""Laws of the gate's decision, over sessions made at random."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.signed_consent import SignedConsent
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
NEEDED = ("session-start", "data-quality", "training-provenance", "performance", "fairness", "model-card")
POLICY = parse_policy(default_policy_text())
LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ask(sessions, consents=(), *, stage="registration", alias=None, policy=POLICY, now=None, name="income"):
    rules = policy.rules(name, stage, alias)
    now = now or datetime.now(UTC)
    return decide(
        rules, sessions, list(consents), DecisionRequest(signed_sessions.MODEL, run_id="r", model_id="m-1"), now
    )


def good(ratio="0.95", kinds=NEEDED):
    return signed_sessions.checked(signed_sessions.session(KEY, ratio=ratio, kinds=kinds), KEY)


def consent(
    action="waiver", owner="olga", control="A.6.2.4", days=10, stage="registration", alias=None, policy=POLICY, **more
):
    rules = policy.rules("income", stage, alias)
    expires = utc_text(datetime.now(UTC) + timedelta(days=days))
    made = Consent(
        action=action,
        model_name="income",
        stage=stage,
        alias=alias,
        stage_digest=rules.stage_digest,
        comment="pilot",
        control=control if action == "waiver" else None,
        expires=expires if action == "waiver" else None,
    )
    return SignedConsent("0" * 8, owner, more.get("digest", signed_sessions.MODEL), made, utc_text())


def test_the_whole_of_it_is_allowed_and_less_is_not():
    assert ask([good()]).allowed
    assert not ask([]).allowed
    assert not ask([good("0.31")]).allowed


@LAW
@given(st.sets(st.sampled_from(NEEDED), min_size=1, max_size=len(NEEDED) - 1))
def test_taking_evidence_away_never_helps(left_out):
    assert not ask([good(kinds=tuple(k for k in NEEDED if k not in left_out))]).allowed


@LAW
@given(st.sampled_from(["0.1", "0.5", "0.7999999"]), st.booleans(), st.booleans())
def test_a_failing_value_is_never_helped_by_what_the_client_says(value, passed, own_limit):
    writer = signed_sessions.session(KEY, ratio="0.95", kinds=NEEDED, close=False)
    claim = Claim(
        metric="selection_rate_ratio",
        slice={"sex": "Other"},
        value=value,
        n=50,
        passed=passed,
        **({"comparator": ">=", "limit": "0.01"} if own_limit else {}),
    )
    writer.add(
        "fairness", [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})], claims=(claim,), result="passed"
    )
    writer.close()
    decision = ask([signed_sessions.checked(writer, KEY)])
    assert not decision.allowed
    assert any(u.slice == {"sex": "Other"} for u in decision.unmet)


@LAW
@given(st.permutations([0, 1, 2]))
def test_the_order_of_sessions_does_not_matter(order):
    sessions = [good("0.95"), good("0.31"), good("0.9")]
    one = ask(sessions, now=datetime(2030, 1, 1, tzinfo=UTC))
    other = ask([sessions[i] for i in order], now=datetime(2030, 1, 1, tzinfo=UTC))
    assert (one.allowed, one.evidence, {u.text for u in one.unmet}) == (
        other.allowed,
        other.evidence,
        {u.text for u in other.unmet},
    )
    assert not one.allowed, "every listed record counts: a worse session isn't outdone by a better one"


def test_a_failure_is_undone_only_by_a_record_that_supersedes_it_with_a_reason():
    from aims_mlflow.records.evidence import Supersedes

    bad = good("0.31")
    failed = next(r for r in bad.records if r.evidence.kind == "fairness")
    writer = signed_sessions.session(KEY, ratio="0.95", kinds=NEEDED, close=False)
    again = next(r for r in writer.records if r.evidence.kind == "fairness")
    writer.add(
        "fairness",
        list(again.subjects),
        claims=again.evidence.claims,
        result="passed",
        supersedes=Supersedes(id=failed.id, reason="the test table had a wrong column"),
    )
    writer.close()
    assert ask([bad, signed_sessions.checked(writer, KEY)]).allowed


@LAW
@given(st.sampled_from(["0.95", "0.31"]), st.sampled_from([NEEDED, NEEDED[:3], ()]))
def test_observing_never_blocks_and_says_what_it_would_do(ratio, kinds):
    text = default_policy_text().replace('stage: "*", mode: enforce', 'stage: "*", mode: observe')
    policy = parse_policy(text)
    sessions = [good(ratio, kinds)] if kinds else []
    decision = ask(sessions, policy=policy)
    assert decision.allowed
    assert decision.would_refuse == (not ask(sessions).allowed)


@pytest.mark.parametrize(
    ("made", "allowed"),
    [
        (dict(), True),
        (dict(control="A.7.4"), False),
        (dict(days=-1), False),
        (dict(days=91), False),
        (dict(owner="ana"), False),
        (dict(digest="9" * 64), False),
        (dict(stage="deployment", alias="champion"), False),
        (dict(action="approval"), False),
    ],
)
def test_a_waiver_covers_one_control_of_one_model_by_somebody_else_until_it_ends(made, allowed):
    decision = ask([good("0.31")], [consent(**made)])
    assert decision.allowed is allowed
    if allowed:
        assert {w.unmet.control for w in decision.waived} == {"A.6.2.4"}


def test_a_waiver_never_covers_unverifiable_evidence():
    whole = signed_sessions.session(KEY, ratio="0.95", kinds=NEEDED)
    data = whole.jsonl().splitlines(keepends=True)
    from aims_mlflow.evidence.verify import check_session

    broken = check_session(b"".join(data[:1] + data[2:]), "s", signed_sessions.lookup(signed_sessions.entry(KEY)))
    waivers = [consent(control=c) for c in ("A.6.2.3", "A.6.2.4", "A.7.4", "A.6.2.7", "A.6.1.3")]
    decision = ask([broken], waivers)
    assert not decision.allowed
    assert "unverifiable" in decision.unmet[0].text


def test_deployment_wants_fresh_evidence_and_somebody_elses_approval():
    approval = consent("approval", stage="deployment", alias="champion")
    options = dict(stage="deployment", alias="champion")
    assert not ask([good()], **options).allowed
    assert not ask([good()], [consent("approval", owner="ana", **options)], **options).allowed
    assert ask([good()], [approval], **options).allowed
    later = ask([good()], [approval], now=datetime.now(UTC) + timedelta(days=91), **options)
    assert not later.allowed
    assert "days old, the policy takes 90" in later.unmet[0].text
    early = ask([good()], now=datetime.now(UTC) - timedelta(days=1))
    assert "dated in the future" in early.unmet[0].text


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("kind: robustness, metric: noise", "noise was not measured on held-out data"),
        ("kind: performance, slice: {}, metric: recall", "recall was not measured on held-out data"),
        (
            'kind: fairness, slice: {sex: "*", race: "*"}, metric: selection_rate_ratio',
            "for sex=* for race=* was not measured",
        ),
        ("kind: performance, slice: {}, metric: accuracy", "accuracy is 0.87"),
    ],
)
def test_what_was_not_measured_is_never_within_a_limit(limit, text):
    rule = f"      - {{{limit}, comparator: '>=', limit: 0.99, control: A.6.2.4, why: test}}\n      - kind: fairness"
    policy = parse_policy(default_policy_text().replace("      - kind: fairness", rule, 1))
    decision = ask([good()], policy=policy)
    assert not decision.allowed
    assert text in decision.unmet[0].text


def test_a_trial_is_told_how_to_become_a_choice():
    writer = SessionWriter(KEY, "ana", mlflow=MlflowIds(run_id="f" * 32))
    writer.add("trial", [Subject(name="train", digest={"arrowIpcSha256": signed_sessions.TRAIN})])
    writer.close()
    assert f'aims.select("{"f" * 32}")' in ask([signed_sessions.checked(writer, KEY)]).unmet[0].next


def test_a_policy_that_knows_no_such_name_refuses():
    policy = parse_policy(default_policy_text().replace("default:\n  min_held_out_rows: 100", "default: null"))
    decision = ask([good()], policy=policy)
    assert not decision.allowed
    assert "knows no system for the model name 'income'" in decision.unmet[0].text


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "require: [session,",
            "require: [sesion,",
            r"policy\.yaml:\d+: unknown evidence kind 'sesion', did you mean 'session'",
        ),
        (
            "control: A.6.2.4",
            "control: A.6.2.9",
            r"policy\.yaml:\d+: unknown control 'A\.6\.2\.9', did you mean 'A\.6\.2\.8'",
        ),
        ("waivers:", "waiver:", r"policy\.yaml:\d+: unknown key 'waiver', did you mean 'waivers'"),
        ("mode: enforce", "mode: enforced", r"policy\.yaml:\d+: 'mode of enforcement 1 \(enforcement\[0\]\.mode\)'"),
        ("schema_version: 1", "schema_version: &x 1", "")
        if False
        else ("systems: {}", "systems: {a: {sensitive: [s], sensitve: 1}}", "did you mean 'sensitive'"),
    ],
)
def test_an_invalid_policy_names_file_line_and_the_nearest_word(old, new, text):
    from aims_mlflow.errors import ConfigError

    with pytest.raises(ConfigError, match=text):
        parse_policy(default_policy_text().replace(old, new, 1))
