"""What the demo says of a mitigation's cost names each group that became less accurate."""

from aims_mlflow.demo.telling import cost_lines
from aims_mlflow.records.evidence import Claim
from support.status_cases import good


def performance(total, **groups):
    rows = [({}, total), *(({"sex": group}, value) for group, value in groups.items())]
    claims = [Claim(metric="accuracy", slice=s, value=v, n=900, role="test", passed=True) for s, v in rows]
    subject = good(change=lambda parts: parts["performance"][1].update(claims=claims))
    return next(r for r in subject.sessions[0].records if r.evidence.kind == "performance")


def test_the_cost_is_told_by_group_the_largest_first():
    told = cost_lines(
        performance("0.772", F="0.735", M="0.8", X="0.7"), performance("0.683", F="0.598", M="0.75", X="0.7")
    )
    assert told == [
        "its cost: accuracy 0.772 before, 0.683 after",
        "less accurate by group: sex=F 0.735 -> 0.598; sex=M 0.8 -> 0.75",
    ]
