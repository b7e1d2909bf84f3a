"""Sessions made up by Hypothesis."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.evidence import Claim, Supersedes
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

OTHERS = ("fairness", "performance", "drift", "data-quality", "lineage", "representativeness")


KEY, OTHER = ephemeral_key(), ephemeral_key()


KEYS = signed_sessions.lookup(signed_sessions.entry(KEY), signed_sessions.entry(OTHER, owner="ben"))


MODEL = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]


DATA = [Subject(name="train", digest={"arrowIpcSha256": signed_sessions.TRAIN})]


NEEDED = ("session-start", "data-quality", "training-provenance", "performance", "fairness", "model-card")


LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


claims = st.builds(
    lambda metric, group, value, passed: Claim(metric=metric, slice=group, value=value, n=30, passed=passed),
    st.sampled_from(["selection_rate_ratio", "balanced_accuracy", "accuracy"]),
    st.sampled_from([{}, {"sex": "Female"}, {"race": "Other"}]),
    st.sampled_from(["0.1", "0.79", "0.95", None]),
    st.sampled_from([True, False, None]),
)


@st.composite
def sessions(draw):
    """A whole training session, and up to two others that add, fail or undo things, or never came to their end."""
    first = signed_sessions.session(KEY, ratio=draw(st.sampled_from(["0.95", "0.31"])), kinds=NEEDED)
    made = [first]
    for _ in range(draw(st.integers(0, 2))):
        writer = SessionWriter(draw(st.sampled_from([KEY, OTHER])), "x", system="income-screening")
        for _ in range(draw(st.integers(1, 3))):
            earlier = draw(st.sampled_from([r for w in made for r in w.records[:-1]]))
            undoes = Supersedes(id=earlier.id, reason="a wrong column") if draw(st.booleans()) else None
            kind = earlier.evidence.kind if undoes else draw(st.sampled_from(OTHERS))
            writer.add(
                kind,
                draw(st.sampled_from([MODEL, DATA])),
                claims=tuple(draw(st.lists(claims, max_size=2))),
                result=draw(st.sampled_from(["passed", "failed", "not_evaluated"])),
                supersedes=undoes,
            )
        if draw(st.booleans()):
            writer.close()
        made.append(writer)
    return [w.jsonl().splitlines(keepends=True) for w in made]
