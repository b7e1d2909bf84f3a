"""The roll-out of docs/gate.md: from versions without a gate over observing to enforcing, and back."""

import json

import mlflow
import pytest

from support.gated_registry import refused
from support.plain_registry import adopt, reconcile, ungated

TO_DO = {"legacy": {"until": "2099-12-31"}}


@pytest.fixture
def enforce(registry):
    """Sets which model patterns are enforced; all others only observe."""

    def set_patterns(*patterns):
        rules = [{"models": "*", "stage": "*", "mode": "observe"}]
        rules += [{"models": pattern, "stage": "*", "mode": "enforce"} for pattern in patterns]
        registry.change_policy(lambda p: p.update(enforcement=rules, **TO_DO))

    return set_patterns


def versions_of(plain, count):
    """Make `count` versions from before the gate, under ten names, with one trained model; the last of each is in use."""
    _, uri = ungated(plain, "old-0")
    per_name = count // 10
    for name in (f"old-{number}" for number in range(10)):
        if name != "old-0":
            plain.create_registered_model(name)
        have = 1 if name == "old-0" else 0
        for _ in range(per_name - have):
            plain.create_model_version(name, uri, model_id=uri.removeprefix("models:/"))
        plain.set_registered_model_alias(name, "champion", str(per_name))
    return uri


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=pytest.mark.full)])
def test_a_week_from_ungated_versions_to_enforced_and_back(registry, plain, client, use, enforce, count):
    uri = versions_of(plain, count)
    last, new = str(count // 10), {"source": uri, "model_id": uri.removeprefix("models:/")}

    enforce()  # day 1: observe, and adopt what was there
    status, out = adopt(registry, "--json")
    adopted = json.loads(out)["adopted"]
    assert (status, len(adopted)) == (0, count)
    assert sum(each["aliases"] == ["champion"] for each in adopted) == 10
    assert reconcile(registry)[1]["findings"] == []

    version = client.create_model_version("old-1", **new)  # day 2: changes pass, and say what would have been refused
    assert client.get_model_version("old-1", version.version).tags["aims.decision"] == "observed"
    assert registry.leaves("decision")[-1]["would_refuse"]

    enforce("old-2")  # day 4: one pattern
    refused(client.create_model_version, "old-2", **new)
    client.create_model_version("old-3", **new)

    enforce("*")  # day 6: all; another call, since an identical one within ten minutes is answered as the first
    refused(client.create_model_version, "old-3", description="day 6", **new)
    refused(client.set_registered_model_alias, "old-1", "champion", version.version)
    client.delete_registered_model_alias("old-4", "champion")
    client.set_registered_model_alias("old-4", "champion", last)  # an adopted version may return until the day
    use("loans")  # and what has evidence passes
    status, found = reconcile(registry)
    assert (status, found["findings"]) == (0, [])

    enforce()  # back to observing
    client.create_model_version("old-3", description="day 7", **new)
    mlflow.set_registry_uri(f"sqlite:///{registry.folder}/mlflow.db")  # and without the gate, all is as it was
    past = mlflow.MlflowClient()
    assert str(past.get_model_version_by_alias("old-4", "champion").version) == last
    assert str(past.get_model_version_by_alias("loans", "champion").version) == "1"
    assert len(past.search_model_versions("name = 'old-5'")) == int(last)
