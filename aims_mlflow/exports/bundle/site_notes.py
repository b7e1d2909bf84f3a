"""What the pages of a bundle say besides those of the server: what it is, what it cannot show, and its raw files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, Prose, code_cell
from aims_mlflow.exports.bundle import layout
from aims_mlflow.pages.views.models import HISTORY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aims_mlflow.documents.page_blocks import PageView, Text
    from aims_mlflow.exports.bundle.ledger import PartLedger

STAGE_WORDS = {
    "stage1": "stage 1 audit (documents)",
    "stage2": "stage 2 audit",
    "surveillance": "surveillance audit",
    "recertification": "recertification audit",
}
MOST = 200
MOST_HISTORIES = 20  # versions, those in use first: each state is judged again after each leaf
NO_HISTORY = f"{HISTORY}: not in this bundle, which has it for {MOST_HISTORIES} versions, those in use first"


def start_page(view: PageView, about: Mapping[str, Any], pages: int, left_out: int) -> PageView:
    """Return the overview as the first page of a bundle: what the bundle is, and what it cannot show, stand first."""
    whose = about["system"] or "the whole organisation"
    facts = Facts(
        "This bundle",
        [
            ("About", str(whose)),
            ("Made for", f"a {STAGE_WORDS.get(str(about['stage']), about['stage'])} under ISO/IEC 42001"),
            ("Since", str(about["since"])[:10] if about["since"] else "the beginning"),
            ("Ledger", code_cell(str(about["origin"]))),
            ("Checkpoint", f"over {about['size']:,} leaves"),
            ("Root", code_cell(str(about["root"]))),
            ("Pages", f"{pages:,}"),
            ("Made by", f"aims_mlflow {about['aims_mlflow']}"),
            ("Check it", PageCell("without us, with openssl and a shell", f"{layout.FILE}{layout.HOW_TO}")),
            ("Check it with our software", code_cell("aims bundle verify FILE")),
        ],
    )
    blocks = [facts, _cannot_show(about, left_out), *_missing(about), *view.blocks]
    return replace(view, title=f"Evidence of {whose}", blocks=blocks)


def _cannot_show(about: Mapping[str, Any], left_out: int) -> Prose:
    said = [
        (
            "What happened after the checkpoint, and whether the ledger has further leaves about this: "
            "`aims ledger verify` on the ledger itself tells."
        ),
        "Records that were never sealed: evidence of runs that met no gate and that nobody handed to the ledger.",
        "Controls that are not assessed here: below, under what is not covered, they are named.",
        (
            "Documents that were not published and sealed. The pages show the fields of those that were; their text "
            "lies in their files, below evidence/RUN/aims/documents/, but for files that are named below as unreadable."
        ),
        (
            "The files of models: records and leaves name their digests, and `aims verify models:/NAME/VERSION` "
            "compares them where they are stored."
        ),
        (
            "Whose the root key is: a bundle can be true to itself under anybody's. Compare its id with one that you "
            "were told in another way: `aims bundle verify FILE --root ID`."
        ),
        "That a training job told the truth about its own numbers: only an independent evaluation does.",
        (
            "Asking `what if` of a decision: it is an answer of the server's pages. A sample can be drawn here; how "
            f"states came about is here for {MOST_HISTORIES} versions at most, those in use first."
        ),
        (
            "That this page is right: it is a view. `aims bundle verify` makes all pages again and names one that was "
            "edited; with plain tools read the leaves and records instead."
        ),
    ]
    if about["system"]:
        said.insert(0, "Other systems of the organisation, and leaves about them.")
    if about["since"]:
        said.insert(0, f"Evidence before {str(about['since'])[:10]}, where nothing in use rests on it.")
    if about["stage"] == "stage1":
        said.insert(0, "Reports of checks: a bundle for stage 1 holds documents alone.")
    if left_out:
        said.append(f"{left_out:,} further pages, of claims or rows far down, or more clicks away: their records "
                    "are in the bundle, and names without a link lead there.")  # fmt: skip
    return Prose("What this bundle cannot show", said, loud=True)


def _missing(about: Mapping[str, Any]) -> list[PageTable]:
    lost = [(code_cell(str(name)),) for name in about["missing"]]
    title = "Files that could not be read when the bundle was made"
    return [PageTable(title, ("File",), lost[:MOST], total=len(lost))] if lost else []


def without_history(view: PageView, made: Collection[str]) -> PageView:
    """Return the page of a version; where the history of its states is not in the bundle, it says so."""

    def told(sentence: Text) -> Text:
        lost = isinstance(sentence, PageCell) and sentence.text == HISTORY and sentence.href not in made
        return NO_HISTORY if lost else sentence

    blocks = [replace(b, sentences=list(map(told, b.sentences))) if isinstance(b, Prose) else b for b in view.blocks]
    return replace(view, blocks=blocks)


def with_files(view: PageView, kind: str, args: Mapping[str, str], files: PartLedger) -> PageView:
    """Return a page with links to the files of the bundle that it shows."""
    found: list[tuple[str, str]] = []
    if kind in {"leaf", "decision"}:
        number = int(args["leaf"])
        found = [
            ("the leaf as it is sealed", layout.leaf_path(number)),
            ("its path to the checkpoint", layout.proof_path(number)),
            ("its body, which can be erased", layout.body_path(number)),
        ]
    elif kind == "policy":
        found = [("its text", layout.stored_path(args["digest"]))]
    elif kind == "record":
        sha256 = next((c.text for c in _cells(view) if layout.envelope_path(c.text) in files.files), "")
        found = [("the signed envelope", layout.envelope_path(sha256))]
        found += _run_files(view, files)
    rows = [(PageCell(name, f"{layout.FILE}{path}"), code_cell(path)) for name, path in found if path in files.files]
    table = PageTable("Files of this bundle", ("What", "File"), rows)
    return replace(view, blocks=(*view.blocks, table)) if rows else view


def _cells(view: PageView) -> list[PageCell]:
    facts = [values for block in view.blocks if isinstance(block, Facts) for _, values in block.rows]
    return [c for c in facts if isinstance(c, PageCell) and len(c.text) == 64]


def _run_files(view: PageView, files: PartLedger) -> list[tuple[str, str]]:
    """Return the files that a record names and the page of its run, where the bundle has them."""
    facts = dict(row for block in view.blocks if isinstance(block, Facts) for row in block.rows)
    run = facts.get("MLflow run")
    run_id = run.text if isinstance(run, PageCell) else ""
    tables = [b for b in view.blocks if isinstance(b, PageTable) and b.title == "Files that it names"]
    named = [(str(row[0]), str(row[0])) for table in tables for row in table.rows]
    out = []
    for title, path in [*named, ("the run's page, as its trainer made it", "aims/index.html")]:
        name = layout.evidence_path(run_id, path)
        kept = next((n for n in (name, f"{name}.txt") if n in files.files), None)
        out += [(title, kept)] if kept else []
    return out
