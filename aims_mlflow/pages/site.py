"""Site map: the address of each page, the function that makes its view model, and its place in the menu."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aims_mlflow.pages.views.applicability import soa
from aims_mlflow.pages.views.claims import claim
from aims_mlflow.pages.views.controls import control, matrix
from aims_mlflow.pages.views.decisions import decision, decisions
from aims_mlflow.pages.views.documents import document, documents
from aims_mlflow.pages.views.due import due
from aims_mlflow.pages.views.ledger import leaf, ledger, policy
from aims_mlflow.pages.views.models import model, models, version
from aims_mlflow.pages.views.overview import overview
from aims_mlflow.pages.views.records import record, records
from aims_mlflow.pages.views.registers import findings, incidents, monitors, people
from aims_mlflow.pages.views.risks import risks
from aims_mlflow.pages.views.sampling import sample
from aims_mlflow.pages.views.search import search
from aims_mlflow.pages.views.served import served
from aims_mlflow.pages.views.suppliers import suppliers
from aims_mlflow.pages.views.systems import system, systems
from aims_mlflow.pages.views.waivers import waivers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aims_mlflow.documents.page_blocks import PageView
    from aims_mlflow.pages.source import PageSource

    View = Callable[[PageSource, Mapping[str, str], Mapping[str, str]], PageView]

_VARIABLE = re.compile(r"<(path:)?(\w+)>")
FORMATS = ("html", "csv", "json")


@dataclass(frozen=True)
class SitePage:
    """One page of the site. `address` has its variable parts in angle brackets; `menu` is its name in the menu."""

    name: str
    address: str
    view: View
    menu: str = ""


# `path` parts may have slashes: the name of a model is `workspace/name` outside the default workspace.
SITE = (
    SitePage("overview", "", overview, "Overview"),
    SitePage("systems", "systems", systems, "Systems"),
    SitePage("system", "systems/<system>", system),
    SitePage("controls", "controls", matrix, "Controls"),
    SitePage("control", "controls/<control>", control),
    SitePage("models", "models", models, "Models"),
    SitePage("version", "models/<path:model>/<version>", version),
    SitePage("model", "models/<path:model>", model),
    SitePage("served", "served", served, "Served"),
    SitePage("decisions", "decisions", decisions, "Decisions"),
    SitePage("decision", "decisions/<leaf>", decision),
    SitePage("waivers", "waivers", waivers, "Waivers"),
    SitePage("due", "due", due, "Due"),
    SitePage("findings", "findings", findings, "Findings"),
    SitePage("incidents", "incidents", incidents, "Incidents"),
    SitePage("monitors", "monitors", monitors, "Monitors"),
    SitePage("risks", "risks", risks, "Risks"),
    SitePage("suppliers", "suppliers", suppliers, "Suppliers"),
    SitePage("soa", "soa", soa, "Applicability"),
    SitePage("documents", "documents", documents, "Documents"),
    SitePage("document", "documents/<document>", document),
    SitePage("people", "people", people, "People"),
    SitePage("records", "records", records, "Records"),
    SitePage("record", "records/<record>", record),
    SitePage("claim", "claims/<record>/<number>", claim),
    SitePage("sample", "sample", sample, "Sample"),
    SitePage("ledger", "ledger", ledger, "Ledger"),
    SitePage("leaf", "leaves/<leaf>", leaf),
    SitePage("policy", "policies/<digest>", policy),
    SitePage("search", "search", search, "Search"),
)
MENU = tuple((page.menu, page.address) for page in SITE if page.menu)


def found_at(address: str) -> tuple[SitePage, dict[str, str]] | None:
    """Return the page at an address without its query, and the variable parts of the address; None where none is."""
    for page in SITE:
        names = _VARIABLE.findall(page.address)
        pattern = re.escape(page.address)
        for path, name in names:
            part = re.escape(f"<{'path:' if path else ''}{name}>")
            pattern = pattern.replace(part, "(.+)" if path else "([^/]+)")
        found = re.fullmatch(pattern, address)
        if found:
            given = map(unquote, found.groups())
            return page, dict(zip((name for _, name in names), given, strict=True))
    return None


def split_format(last: str) -> tuple[str, str]:
    """Return the last part of an address without its format, and the format: html, csv or json."""
    for ending in FORMATS:
        if last.endswith(f".{ending}"):
            return last.removesuffix(f".{ending}"), ending
    return last, "html"
