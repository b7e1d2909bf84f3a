"""Backup and restore: the registry's database first and the ledger's after it, while changes come in between."""

import contextlib
import sqlite3

import pytest

from support import trainings
from support.embedded_registry import restart, says_lost
from support.plain_registry import reconcile, run

DATABASES = {"registry": "mlflow.db", "ledger": "mlflow.db.aims.db"}


def copied(source, target):
    """As the `.backup` and `.restore` of sqlite3's shell do, with databases in use."""
    with contextlib.closing(sqlite3.connect(source)) as read, contextlib.closing(sqlite3.connect(target)) as write:
        read.backup(write)


def back_up(folder, which):
    (folder / "backup").mkdir(exist_ok=True)
    copied(folder / DATABASES[which], folder / "backup" / DATABASES[which])


def restore(folder):
    for name in DATABASES.values():
        copied(folder / "backup" / name, folder / name)
    return restart(folder)


def about(found):
    return sorted((f["about"], f["model_name"], f["version"]) for f in found["findings"])


@pytest.fixture
def changes(registry, client, use):
    """What happens before, between and after the two backups."""
    import mlflow

    def before():
        use(seed=1)
        mlflow.register_model(trainings.train("loans", frame=trainings.table(3000, seed=2))[1], "loans")

    def between():
        use(seed=3)
        client.delete_model_version("loans", "2")
        use(name="newer", seed=4)

    def after():
        mlflow.register_model(trainings.train("loans", frame=trainings.table(3000, seed=5))[1], "loans")

    return before, between, after


def test_what_came_in_between_is_named_as_lost_and_closed(registry, changes):
    before, between, after = changes
    before()
    back_up(registry.folder, "registry")
    between()
    back_up(registry.folder, "ledger")
    after()
    client = restore(registry.folder)
    assert not says_lost(client)
    status, found = reconcile(registry)
    assert status == 1
    assert about(found) == [
        ("lost-version", "loans", "3"),
        ("lost-version", "newer", "1"),
        ("ungated-alias", "loans", "1"),  # the ledger last gave it to version 3
        ("ungated-version", "loans", "2"),  # the ledger saw it deleted
    ]
    status, out = run(registry, "gate", "reconcile", "--restored", "the disk of 2026-03-01 failed")
    assert status == 1
    assert out.count("closed: ") == 2
    client.set_registered_model_alias("loans", "champion", "1")  # as an earlier decision allowed
    client.delete_model_version("loans", "2")
    assert reconcile(registry)[:1] == (0,)
    lost = [x for x in registry.leaves("deleted") if x["version"] in ("1", "3")]
    assert sorted((x["model_name"], x["version"]) for x in lost) == [("loans", "3"), ("newer", "1")]
    assert reconcile(registry)[1]["findings"] == []


def test_the_other_order_looks_as_if_changes_had_come_in_past_the_gate(registry, changes):
    before, between, _ = changes
    before()
    back_up(registry.folder, "ledger")
    between()
    back_up(registry.folder, "registry")
    restore(registry.folder)
    assert about(reconcile(registry)[1]) == [
        ("lost-version", "loans", "2"),
        ("ungated-alias", "loans", "3"),
        ("ungated-alias", "newer", "1"),
        ("ungated-version", "loans", "3"),
        ("ungated-version", "newer", "1"),
    ]
