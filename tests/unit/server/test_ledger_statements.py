"""How often one change asks the ledger's database: each statement is a round trip on PostgreSQL."""

import contextlib

import mlflow
import sqlalchemy as sa

from support import trainings


@contextlib.contextmanager
def statements():
    """Yield the list of statements on the ledger's tables that this process makes meanwhile."""
    made = []

    def note(_, __, statement, *___):
        forgetting = statement.startswith("DELETE FROM aims_calls")  # from time to time
        if "aims_" in statement and not forgetting:
            made.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def reads(made):
    return sum(statement.startswith("SELECT") for statement in made)


def test_a_creation_and_an_alias_ask_the_ledger_no_oftener_than_before(registry, client, use):
    use()  # a worker that has read policy and keyring, and knows the model
    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=5))
    with statements() as creating:
        version = mlflow.register_model(uri, "loans").version
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    with statements() as aliasing:
        client.set_registered_model_alias("loans", "champion", version)
    third = client.create_model_version("loans", uri, description="another call").version
    with statements() as again:
        client.set_registered_model_alias("loans", "champion", third)
    # Model, rules and identical calls, under the model's lock; the tree's head at each append. The first alias also asks
    # whether it is gated, and reads the approval; a later one takes the lock first.
    # Each asks once which sessions were sealed about the bytes.
    assert reads(creating) <= 4, (reads(creating), creating)
    assert reads(aliasing) <= 6, (reads(aliasing), aliasing)
    assert reads(again) <= 5, (reads(again), again)
    # Leaves, bodies, calls, envelopes, sessions, nodes and checkpoints; PostgreSQL takes each append in one statement.
    assert len(creating) - reads(creating) <= 11, creating
    assert len(aliasing) - reads(aliasing) <= 10, aliasing
