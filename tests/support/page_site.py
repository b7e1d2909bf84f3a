"""The auditor's pages over a ledger, asked without a web server."""

import csv
import io
import json
import re
from dataclasses import dataclass, field

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.pages.index import PageIndex
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.serving import PageRequest, answer
from aims_mlflow.pages.site import SITE
from aims_mlflow.pages.source import SharedSource

PAGES = {page.name: page for page in SITE}


def variables(page):
    """The names of the variable parts of a page's address."""
    return re.findall(r"<(?:path:)?(\w+)>", page.address)


@dataclass
class PageSite:
    """The pages of one ledger; `args` are variable parts that are used where a test gives none."""

    shared: SharedSource
    args: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger, path):
        made = cls(SharedSource(LedgerView(ledger), PageIndex(path), ledger.proofs))
        made.shared.index.refresh(made.shared.view)
        return made

    def answer(self, name, query=None, kind="html", scope=EVERYTHING, **args):
        page = PAGES[name]
        given = {each: {**self.args, **args}[each] for each in variables(page)}
        return answer(self.shared, scope, PageRequest(page, given, query or {}, kind, "/aims/"))

    def html(self, name, query=None, **more):
        made = self.answer(name, query, **more)
        assert made.status == 200, made.body
        return made.body.decode()

    def json(self, name, query=None, **more):
        return json.loads(self.answer(name, query, "json", **more).body)

    def rows(self, name, title, query=None, **more):
        """The rows of the table with this title."""
        blocks = self.json(name, query, **more)["blocks"]
        return next(block["rows"] for block in blocks if block["title"] == title)

    def csv(self, name, query=None, **more):
        return list(csv.reader(io.StringIO(self.answer(name, query, "csv", **more).body.decode())))

    def first(self, sql):
        return self.shared.index.connection.execute(sql).fetchone()[0]
