"""Adopting a registry after a week of observing: nothing stays open, and nothing loses its alias for good."""

import json

import pytest

from support.gated_registry import refused
from support.plain_registry import adopt, kinds, reconcile, ungated


@pytest.fixture
def mode(registry):
    """Sets one mode for all models and stages, with a last day for what is from before the gate."""

    def set_mode(mode):
        rule = {"models": "*", "stage": "*", "mode": mode}
        registry.change_policy(lambda p: p.update(enforcement=[rule], legacy={"until": "2099-12-31"}))

    return set_mode


def adopted(registry):
    status, out = adopt(registry, "--json")
    assert status == 0
    return {(a["name"], a["version"]): a["aliases"] for a in json.loads(out)["adopted"]}


def test_an_alias_that_moved_while_the_gate_observed_leaves_nothing_open(registry, plain, client, mode):
    ungated(plain)
    second, _ = ungated(plain, alias="champion")
    mode("observe")
    client.set_registered_model_alias("old", "champion", "1")
    assert kinds(reconcile(registry)[1]) == ["ungated-version", "ungated-version"]
    assert adopted(registry) == {("old", "1"): ["champion"], ("old", second): []}
    mode("enforce")
    status, found = reconcile(registry)
    assert (status, found["findings"], len(found["closed"])) == (0, [], 2)

    client.set_registered_model_alias("old", "champion", second)
    client.delete_registered_model_alias("old", "champion")
    client.set_registered_model_alias("old", "champion", "1")
    refused(client.set_registered_model_alias, "old", "production", "1")
    assert reconcile(registry)[0] == 0
    assert adopted(registry) == {}


def test_an_alias_that_was_withdrawn_or_left_while_the_gate_observed_may_come_back(registry, plain, client, mode):
    ungated(plain, alias="champion")
    mode("observe")
    client.delete_registered_model_alias("old", "champion")
    assert adopted(registry) == {("old", "1"): []}
    mode("enforce")
    client.set_registered_model_alias("old", "champion", "1")
    assert reconcile(registry)[0] == 0


def test_a_version_that_came_while_the_gate_observed_is_not_adopted(registry, plain, client, mode):
    """It has a decision: what would have been refused gets no authority by being there."""
    _, uri = ungated(plain, alias="champion")
    mode("observe")
    version = str(client.create_model_version("old", uri, model_id=uri.removeprefix("models:/")).version)
    client.set_registered_model_alias("old", "champion", version)
    assert adopted(registry) == {("old", "1"): []}
    mode("enforce")
    client.set_registered_model_alias("old", "champion", "1")
    refused(client.set_registered_model_alias, "old", "champion", version)
