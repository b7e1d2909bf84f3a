"""Verification of a bundle from an untrusted file, offline and without MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aims_mlflow
from aims_mlflow.audit.contents import ContentCheck
from aims_mlflow.audit.decisions import HOSTILE
from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import Report
from aims_mlflow.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.browser_safe import is_inert
from aims_mlflow.exports.bundle.collect import DOCUMENTS
from aims_mlflow.exports.bundle.create import made_pages
from aims_mlflow.exports.bundle.earlier_checkpoints import EarlierCheck
from aims_mlflow.exports.bundle.inventory import check_accounted
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.systems import check_system
from aims_mlflow.ledger import merkle
from aims_mlflow.pages.judging import sessions_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.signing.keyring_history import KeyringHistory

ASK_AGAIN = "the bundle was changed after it was made: ask for it again"


class BundleCheck:
    """One verification of a bundle's files."""

    def __init__(self, files: layout.BundleFiles, target: str, root: Collection[str] | None) -> None:
        self.report, self._root = Report(target, root), root
        self._files, self._view = files, PartLedger(files)
        self._about: dict[str, Any] = {}
        # A file of a run -> (kind, sha256) of every record that names it.
        self._artifacts: dict[str, set[tuple[str, str]]] = {}

    def run(
        self,
        *,
        outside: Sequence[OutsideCheckpoint] = (),
        stamp_roots: Sequence[bytes] = (),
    ) -> Report:
        """Verify everything; see `verify_bundle`."""
        self._manifest()
        try:
            history = history_of(self._view, self.report["keyring"], self._root)
            contents = ContentCheck(self._view, self.report, history, whole=self._is_whole)
            contents.page(list(self._view.leaves()))
            contents.finish()
            self._checkpoint(history, outside, stamp_roots)
            for leaf in self._view.leaves(types=("decision", "evidence")):
                for session in sessions_of(self._view, leaf, history):
                    self._session(session)
            evidence = {kept for kept in map(self._artifact, self._artifacts) if kept}
            self._compared(len(evidence))
            if self._about["system"] is not None:
                check_system(self._view, self._about["system"], self.report)
            check_accounted(self._view, history, evidence, self.report)
            self._pages()
        except AimsError as exc:
            self.report["completeness"].wrong(exc.where or self.report.target, exc.what, ASK_AGAIN)
        return self.report

    @property
    def _is_whole(self) -> bool:
        """Whether the bundle is one of the whole organisation from its first day on."""
        return self._about["system"] is None and self._about.get("since") is None

    # -- the files --------------------------------------------------------------------------

    def _manifest(self) -> None:
        step, raw = self.report["completeness"], self._files.read(layout.MANIFEST)
        about = parse_json(raw, layout.MANIFEST)
        fields = ("aims_mlflow", "stage", "origin", "root")
        if (
            not isinstance(about, dict)
            or about.get("format") != layout.FORMAT
            or canonical(about) != raw
            or not isinstance(about.get("files"), dict)
            or not isinstance(about.get("missing"), list)
            or not all(isinstance(about.get(name), str) for name in fields)
            or not isinstance(about.get("system", 0), str | None)
        ):
            raise EvidenceError("not a bundle of this format", where=layout.MANIFEST, next=ASK_AGAIN)
        self._about = about
        listed = about["files"]
        for name in self._files.names:
            if name == layout.MANIFEST:
                continue
            if name not in listed:
                step.wrong(name, "the manifest does not list it", ASK_AGAIN)
            elif sha256_hex(self._files.read(name)) != listed[name]:
                step.wrong(name, "its content is not what the manifest lists", ASK_AGAIN)
        for name in sorted(set(listed) - set(self._files.names)):
            step.wrong(name, "the manifest lists it, and it is not there", ASK_AGAIN)
        for name in about["missing"]:
            step.wrong(str(name), "it could not be read when the bundle was made", "a file that a record names is lost")
        step.said.append(f"{len(listed):,} files as the manifest lists them")

    def _pages(self) -> None:
        """Check that no file runs code in a browser, and that the bundle's own pages show what the other files say."""
        step = self.report["completeness"]
        sound, same_release = self.report.verified, self._about["aims_mlflow"] == aims_mlflow.__version__
        for name in self._files.names:
            compared = sound and same_release and layout.is_page(name)
            if not compared and not is_inert(name, self._files.read(name)):
                step.wrong(name, "it may run script or ask a server for something", "do not open it in a browser")
        if not same_release:
            step.said.append(f"made by release {self._about['aims_mlflow']}: its pages were not compared")
            return
        if not sound:
            step.said.append("its pages were not made again, since what they show does not verify")
            return
        self._compare_pages()

    def _compare_pages(self) -> None:
        step, made = self.report["completeness"], self._made_again()
        for name in sorted({layout.INDEX, layout.HOW_TO, *made, *filter(layout.is_page, self._files.names)}):
            if name not in self._files:
                step.wrong(name, "it is missing", ASK_AGAIN)
            elif self._files.read(name) != made.get(name, b""):
                step.wrong(name, "it does not show what the files beside it say", ASK_AGAIN)
        step.said.append(f"{len(made):,} files of pages made again, each the same")

    def _made_again(self) -> dict[str, bytes]:
        """Make the bundle's pages; {} if its data are malformed."""
        import jinja2

        about = {k: v for k, v in self._about.items() if k != "files"}
        try:
            return made_pages(self._view, about)
        except (AimsError, jinja2.TemplateError, *HOSTILE):
            return {}

    # -- the log ----------------------------------------------------------------------------

    def _checkpoint(
        self, history: KeyringHistory, outside: Sequence[OutsideCheckpoint], stamp_roots: Sequence[bytes]
    ) -> None:
        step, earlier = self.report["checkpoint"], EarlierCheck(self._view, self.report, history)
        try:
            head = self._view.head()
            earlier.check_signer(head, layout.CHECKPOINT)
        except EvidenceError as exc:
            step.wrong(layout.CHECKPOINT, exc.what, "nothing vouches for the leaves")
            return
        stated = (self._about["origin"], self._about.get("size"), self._about["root"])
        if (head.origin, head.size, head.root.hex()) != stated:
            step.wrong(layout.MANIFEST, "it names another checkpoint than the one that is here", ASK_AGAIN)
        step.said.append(f"over {head.size:,} leaves of {head.origin}")
        count = 0
        for leaf in self._view.leaves():
            count += self._included(leaf, head)
        self.report["inclusion"].said.append(f"{count:,} leaves below the checkpoint")
        if self._is_whole:
            self._none_missing(head)
        earlier.run(head, outside, stamp_roots)

    def _none_missing(self, head: Checkpoint) -> None:
        """Check that a bundle of the whole organisation has every leaf: of one system, none shows what is left out."""
        expected = 0
        for leaf in self._view.leaves():
            if leaf.sequence != expected:
                break
            expected += 1
        if expected < head.size:
            what = f"leaf {expected} is missing, and the checkpoint is over {head.size:,}"
            self.report["completeness"].wrong("the ledger's leaves", what, ASK_AGAIN)
        else:
            self.report["completeness"].said.append(f"all {head.size:,} leaves of the ledger")

    def _included(self, leaf: Leaf, head: Checkpoint) -> bool:
        try:
            path = self._view.path(leaf.sequence)
            why = "" if self._proved(leaf, path, head) else "it does not stand below the checkpoint"
        except EvidenceError as exc:
            why = exc.what
        if why:
            self.report["inclusion"].wrong(f"leaf {leaf.sequence}", why, "it was changed, or was never in the ledger")
        return not why

    def _proved(self, leaf: Leaf, path: list[bytes], head: Checkpoint) -> bool:
        """Check the audit path, and the sides of its hashes for verification by shell."""
        good = merkle.verify_inclusion(merkle.leaf_hash(leaf.data), leaf.sequence, head.size, path, head.root)
        text = layout.path_text(leaf.sequence, head.size, path)
        return good and text == self._files.read(layout.proof_path(leaf.sequence))

    # -- the evidence -----------------------------------------------------------------------

    def _session(self, session: CheckedSession) -> None:
        """Note the files that a session's records name."""
        for record in session.records:
            for artifact in record.evidence.artifacts:
                name = layout.evidence_path(record.evidence.mlflow.run_id, artifact.path)
                self._artifacts.setdefault(name, set()).add((record.evidence.kind, artifact.sha256))

    def _compared(self, files: int) -> None:
        step = self.report["subject bytes"]
        if files:
            step.said.append(f"{files:,} files were compared with the digests that signed records name")
        step.skipped.append("no model's bytes were compared: a bundle has none")

    def _artifact(self, name: str) -> str | None:
        """Check a file that records name; return its name in the bundle, or None if it is missing."""
        step, named = self.report["subject bytes"], sorted(self._artifacts[name])
        kept = next((n for n in (name, f"{name}.txt") if n in self._files), None)
        wanted = self._about["stage"] != "stage1" or any(kind in DOCUMENTS for kind, _ in named)
        if kept is None:
            if wanted and name not in self._about["missing"]:
                step.wrong(name, f"the file that a {named[0][0]} record names is not here", ASK_AGAIN)
            return None
        if not wanted:
            step.wrong(
                kept, "a bundle for stage 1 holds no reports", "it was made for another audit, and changed since"
            )
        found = sha256_hex(self._files.read(kept))
        for kind, sha256 in named:
            if found != sha256:
                step.wrong(kept, f"it is not the file that the {kind} record was signed over", ASK_AGAIN)
        return kept


def verify_bundle(
    files: layout.BundleFiles,
    target: str,
    *,
    root: Collection[str] | None = None,
    outside: Sequence[OutsideCheckpoint] = (),
    stamp_roots: Sequence[bytes] = (),
) -> Report:
    """Verify a bundle: its files, keyrings, envelopes, proofs, checkpoint, and each decision made again.

    Raises:
        EvidenceError: the file is not a bundle.
    """
    return BundleCheck(files, target, root).run(outside=outside, stamp_roots=stamp_roots)
