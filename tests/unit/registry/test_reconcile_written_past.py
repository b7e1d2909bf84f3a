"""What is written or lost past the gate is found whatever it is made to look like."""

import contextlib
import sqlite3

from support.gated_registry import refused
from support.plain_registry import adopt, kinds, reconcile, ungated


def test_a_name_that_fits_into_no_filter_hides_neither_itself_nor_others(registry, plain, client):
    """MLflow's filters have no way to write a name with both kinds of quotes."""
    ungated(plain)
    ungated(plain, name="a'b\"c")
    _, found = reconcile(registry)
    assert {f["model_name"] for f in found["findings"]} == {"old", "a'b\"c"}
    assert "both kinds of quotes" in refused(client.create_registered_model, "d'e\"f")


def test_a_row_that_poses_as_a_prompt_and_loads_files_is_a_version(registry, plain, client):
    ungated(plain, alias="champion")
    with contextlib.closing(sqlite3.connect(registry.folder / "mlflow.db")) as database:
        database.execute(
            "UPDATE model_versions SET source = 'dummy-source', run_id = NULL, storage_location = 's3://x/evil'"
        )
        database.commit()
    assert kinds(reconcile(registry)[1]) == ["ungated-alias", "ungated-version", "unreadable-bytes"]
    assert "Deployment refused" in refused(client.set_registered_model_alias, "old", "champion", "1")


def test_an_adopted_model_that_is_deleted_past_the_gate_is_found(registry, plain):
    ungated(plain, alias="champion")
    adopt(registry)
    assert kinds(reconcile(registry)[1]) == ["legacy-over"]  # the policy names no day until which they count
    plain.delete_registered_model("old")
    assert kinds(reconcile(registry)[1]) == ["lost-version"]
