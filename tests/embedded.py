"""A gated registry inside the test's own process: MLflow's SQL stores on SQLite, with our plug-in by its scheme."""

from types import SimpleNamespace

import gated
from gated import Gated


class Embedded(Gated):
    """Like a gated server, without the server: the client talks to the gated store itself."""

    def __init__(self, office, folder):
        super().__init__(office, SimpleNamespace(url=f"sqlite:///{folder}/mlflow.db", folder=folder))
        self.folder = folder

    @property
    def ledger(self):
        from aims_mlflow.ledger.ledger import Ledger

        return Ledger(f"sqlite:///{self.folder}/mlflow.db.aims.db")

    def leaves(self, *types, **where):
        return [leaf.content for leaf in self.ledger.leaves(types=types, **where)]

    def say(self, *args):
        """Run a command as the approver."""
        with self.as_approver():
            return gated.aims(*args)
