"""Verifying a bundle: offline, without MLflow, from a file that a stranger gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aims_mlflow
from aims_mlflow.audit.contents import ContentCheck
from aims_mlflow.audit.decisions import HOSTILE
from aims_mlflow.audit.keyrings import LOOK_AGAIN, check_signer, history_of
from aims_mlflow.audit.report import Report
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence import checkpoint, merkle
from aims_mlflow.evidence.canonical import canonical, parse_json, sha256_hex
from aims_mlflow.evidence.timestamps import stamped_at
from aims_mlflow.exports import parts
from aims_mlflow.exports.accounted import check_accounted
from aims_mlflow.exports.inert import is_inert
from aims_mlflow.exports.pages import render_how_to, render_index, sessions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from aims_mlflow.audit.held import Held
    from aims_mlflow.evidence.keyring_history import KeyringHistory
    from aims_mlflow.evidence.ledger import Leaf
    from aims_mlflow.evidence.verify import CheckedSession

ASK_AGAIN = "the bundle was changed after it was made: ask for it again"


class BundleCheck:
    """One verification of a bundle's files."""

    def __init__(self, files: parts.Files, target: str) -> None:
        self.report = Report(target)
        self._files, self._view = files, parts.PartLedger(files)
        self._about: dict[str, Any] = {}

    def run(
        self, *, root: Collection[str] | None, held: Sequence[Held] = (), stamp_roots: Sequence[bytes] = ()
    ) -> Report:
        """Verify everything; see `verify_bundle`."""
        self._manifest()
        try:
            history = history_of(self._view, self.report["keyring"], root)
            contents = ContentCheck(self._view, self.report, history)
            contents.page(list(self._view.leaves()))
            contents.finish()
            self._checkpoint(history, held, stamp_roots)
            checked: set[str] = set()
            for leaf in self._view.leaves(types=("decision", "evidence")):
                for session in sessions_of(self._view, leaf, history):
                    self._session(session, checked)
            self._pages()
            check_accounted(self._view, history, checked, self.report)
        except AimsError as exc:
            self.report["completeness"].wrong(exc.where or self.report.target, exc.what, ASK_AGAIN)
        return self.report

    # -- the files --------------------------------------------------------------------------

    def _manifest(self) -> None:
        step, raw = self.report["completeness"], self._files.read(parts.MANIFEST)
        about = parse_json(raw, parts.MANIFEST)
        fields = ("aims_mlflow", "system", "stage", "origin", "root")
        if (
            not isinstance(about, dict)
            or about.get("format") != parts.FORMAT
            or canonical(about) != raw
            or not isinstance(about.get("files"), dict)
            or not isinstance(about.get("missing"), list)
            or not all(isinstance(about.get(name), str) for name in fields)
        ):
            raise EvidenceError("not a bundle of this format", where=parts.MANIFEST, next=ASK_AGAIN)
        self._about = about
        listed = about["files"]
        for name in self._files.names:
            if name == parts.MANIFEST:
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
        """Pages run nothing, and say what the files beside them say."""
        step = self.report["completeness"]
        own = {parts.INDEX: render_index, parts.HOW_TO: render_how_to}
        same_release = self._about["aims_mlflow"] == aims_mlflow.__version__
        about = {k: v for k, v in self._about.items() if k != "files"}
        for name in self._files.names:
            content = self._files.read(name)
            if name in own and same_release:
                if content != self._rendered(own[name], about):
                    step.wrong(name, "it does not show what the files beside it say", ASK_AGAIN)
            elif not is_inert(name, content):
                step.wrong(name, "it holds script, or asks a server for something", "do not open it in a browser")
        for name in own:
            if name not in self._files:
                step.wrong(name, "it is missing", ASK_AGAIN)
        if not same_release:
            step.said.append(f"made by release {self._about['aims_mlflow']}: its pages were not compared")

    def _rendered(self, render: Callable[[parts.PartLedger, dict[str, Any]], bytes], about: dict[str, Any]) -> bytes:
        """Render a page; b"" where what it would show is not of its form."""
        import jinja2

        try:
            return render(self._view, about)
        except (AimsError, jinja2.TemplateError, *HOSTILE):
            return b""

    # -- the log ----------------------------------------------------------------------------

    def _checkpoint(self, history: KeyringHistory, held: Sequence[Held], stamp_roots: Sequence[bytes]) -> None:
        step = self.report["checkpoint"]
        try:
            head = self._view.head()
            self._check_signer(head, parts.CHECKPOINT, history)
        except EvidenceError as exc:
            step.wrong(parts.CHECKPOINT, exc.what, "nothing vouches for the leaves")
            return
        stated = (self._about["origin"], self._about.get("size"), self._about["root"])
        if (head.origin, head.size, head.root.hex()) != stated:
            step.wrong(parts.MANIFEST, "it names another checkpoint than the one that is here", ASK_AGAIN)
        step.said.append(f"over {head.size:,} leaves of {head.origin}")
        count = 0
        for leaf in self._view.leaves():
            count += self._included(leaf, head)
        self.report["inclusion"].said.append(f"{count:,} leaves below the checkpoint")
        for each in held:
            self._continues(each.head, each.where, head, history)
        if not held:
            step.said.append("none from outside was given (--since)")
        self._stamps(head, history, stamp_roots)

    def _check_signer(self, head: checkpoint.Checkpoint, where: str, history: KeyringHistory) -> None:
        below = [leaf for leaf in self._view.leaves() if leaf.sequence < head.size]
        later = check_signer(head, history, below[-1] if below else None)
        if later:
            self.report["checkpoint"].wrong(where, later, LOOK_AGAIN)

    def _included(self, leaf: Leaf, head: checkpoint.Checkpoint) -> bool:
        try:
            path = self._view.path(leaf.sequence)
            why = "" if self._proved(leaf, path, head) else "it does not stand below the checkpoint"
        except EvidenceError as exc:
            why = exc.what
        if why:
            self.report["inclusion"].wrong(f"leaf {leaf.sequence}", why, "it was changed, or was never in the ledger")
        return not why

    def _proved(self, leaf: Leaf, path: list[bytes], head: checkpoint.Checkpoint) -> bool:
        """Check the path, and the sides that it names for readers with a shell."""
        good = merkle.verify_inclusion(merkle.leaf_hash(leaf.data), leaf.sequence, head.size, path, head.root)
        text = parts.path_text(leaf.sequence, head.size, path)
        return good and text == self._files.read(parts.proof_path(leaf.sequence))

    def _continues(
        self, old: checkpoint.Checkpoint, where: str, head: checkpoint.Checkpoint, history: KeyringHistory
    ) -> bool:
        name = f"{parts.held_path(old.size)}.proof"
        try:
            self._check_signer(old, where, history)
            if old.size != head.size and name not in self._files:
                raise EvidenceError(  # noqa: TRY301 - one of several reasons
                    "the bundle holds no proof that its checkpoint continues this one: ask for one made with --held"
                )
            proof = _proof(self._files.read(name), name) if old.size != head.size else []
            good = merkle.verify_consistency(old.size, head.size, old.root, head.root, proof)
            why = "" if good and old.origin == head.origin else "the bundle's checkpoint does not continue it"
        except EvidenceError as exc:
            why = exc.what
        if why:
            self.report["checkpoint"].wrong(where, why, "the ledger may have been rewritten in between")
        else:
            self.report["checkpoint"].said.append(f"continues the {old.size:,} leaves of {where}")
        return not why

    def _stamps(self, head: checkpoint.Checkpoint, history: KeyringHistory, roots: Sequence[bytes]) -> None:
        step = self.report["time stamp"]
        for name in self._files.names:
            if not (name.startswith("ledger/earlier/") and name.endswith(".tsr")):
                continue
            note = f"{name.rpartition('-')[0]}.txt"
            try:
                raw = self._files.read(note)
                if not self._continues(checkpoint.parse(raw, note), note, head, history):
                    continue
                if roots:
                    moment = stamped_at(self._files.read(name), raw, roots, name)
                    step.said.append(f"{note} was there at {moment:%Y-%m-%d %H:%M:%SZ}")
                else:
                    step.wrong(name, "no certificate to check it by was given", "give it with --stamp-root FILE")
            except AimsError as exc:
                step.wrong(name, exc.what, "no third party's word says when the checkpoint was there")

    # -- the evidence -----------------------------------------------------------------------

    def _session(self, session: CheckedSession, checked: set[str]) -> None:
        """Check the files that a session's records name."""
        for record in session.records:
            for artifact in record.evidence.artifacts:
                name = parts.evidence_path(str(record.evidence.mlflow.run_id), artifact.path)
                if name not in checked:
                    checked.add(name)
                    self._artifact(name, artifact.sha256, record.evidence.kind)

    def _artifact(self, name: str, sha256: str, kind: str) -> None:
        there = next((n for n in (name, f"{name}.txt") if n in self._files), None)
        step = self.report["subject bytes"]
        if there is None:
            if self._about["stage"] != "stage1" and name not in self._about["missing"]:
                step.wrong(name, f"the file that a {kind} record names is not here", ASK_AGAIN)
        elif sha256_hex(self._files.read(there)) != sha256:
            step.wrong(there, f"it is not the file that the {kind} record was signed over", ASK_AGAIN)
        elif not step.said:
            step.said.append("files have the digests that signed records name")


def _proof(raw: bytes, where: str) -> list[bytes]:
    try:
        steps = [bytes.fromhex(line) for line in raw.decode("ascii").splitlines()]
    except ValueError:
        raise EvidenceError("not a proof", where=where) from None
    if "".join(f"{step.hex()}\n" for step in steps).encode() != raw:
        raise EvidenceError("not a proof in its one spelling", where=where)
    return steps


def verify_bundle(
    files: parts.Files,
    target: str,
    *,
    root: Collection[str] | None = None,
    held: Sequence[Held] = (),
    stamp_roots: Sequence[bytes] = (),
) -> Report:
    """Verify a bundle: its files, keyrings, envelopes, proofs, checkpoint, and each decision made again.

    Raises:
        EvidenceError: it is no bundle.
    """
    return BundleCheck(files, target).run(root=root, held=held, stamp_roots=stamp_roots)
