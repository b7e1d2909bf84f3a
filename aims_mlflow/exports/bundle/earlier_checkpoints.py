"""Earlier checkpoints: checks that the bundle's own extends each of them, and checks their time stamps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.audit.continuation import note_signer, why_not_continued
from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.exports.bundle import layout
from aims_mlflow.ledger import checkpoint
from aims_mlflow.ledger.timestamps import stamped_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.audit.report import Report
    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.signing.keyring_history import KeyringHistory

_NAME = re.compile(r"ledger/earlier/(\d{12})(?:\.txt|\.proof|-\d\d\.tsr)", re.ASCII)


def earlier_files(files: layout.BundleFiles) -> Iterator[str]:
    """Yield the files of each earlier checkpoint in the bundle."""
    for name in files.names:
        found = _NAME.fullmatch(name)
        if found and f"{layout.earlier_path(int(found[1]))}.txt" in files:
            yield name


class EarlierCheck:
    """Compares the bundle's checkpoint with the auditor's and with the earlier ones in the bundle."""

    def __init__(self, view: PartLedger, report: Report, history: KeyringHistory) -> None:
        self._view, self._files, self._report, self._history = view, view.files, report, history

    def run(self, head: Checkpoint, outside: Sequence[OutsideCheckpoint], stamp_roots: Sequence[bytes]) -> None:
        """Check them all; `head` is the bundle's checkpoint."""
        step = self._report["checkpoint"]
        for each in outside:
            if self._continues(each.head, each.where, head):
                step.said.append(f"continues the {each.head.size:,} leaves of {each.where}")
        if not outside:
            step.said.append("none from outside was given (--since)")
        good = {note for note in earlier_files(self._files) if note.endswith(".txt") and self._note(note, head)}
        if good:
            step.said.append(f"continues {len(good):,} earlier that {'is' if len(good) == 1 else 'are'} here")
        for name in earlier_files(self._files):
            note = f"{name.rpartition('-')[0]}.txt"
            if name.endswith(".tsr") and note in good:
                self._stamp(name, note, stamp_roots)

    def check_signer(self, head: Checkpoint, where: str) -> None:
        """Note later findings about the key that signed a checkpoint.

        Raises:
            EvidenceError: no log's key signed it, or none that was to sign any more.
        """
        below = [leaf for leaf in self._view.leaves() if leaf.sequence < head.size]
        last = below[-1] if below else None
        note_signer(head, where, self._history, last, self._report["checkpoint"])

    def _note(self, name: str, head: Checkpoint) -> bool:
        """Return whether a checkpoint in the bundle matches its name and is of this log."""
        try:
            old = checkpoint.parse(self._files.read(name), name)
            if f"{layout.earlier_path(old.size)}.txt" != name:
                raise EvidenceError(f"it is over {old.size} leaves")  # noqa: TRY301 - one of several reasons
        except EvidenceError as exc:
            self._report["checkpoint"].wrong(name, exc.what, "it is not the checkpoint that it is kept as")
            return False
        return self._continues(old, name, head)

    def _continues(self, old: Checkpoint, where: str, head: Checkpoint) -> bool:
        try:
            self.check_signer(old, where)
            why = why_not_continued(old, head, self._proof)
        except EvidenceError as exc:
            why = exc.what
        if why:
            what = f"the bundle's checkpoint does not continue it: {why}"
            self._report["checkpoint"].wrong(where, what, "the ledger may have been rewritten in between")
        return not why

    def _proof(self, old: int, new: int) -> list[bytes]:
        name = f"{layout.earlier_path(old)}.proof"
        if name not in self._files:
            if old == new:
                return []
            raise EvidenceError(
                "the bundle holds no proof that its checkpoint continues this one: ask for one made with --held"
            )
        raw = self._files.read(name)
        try:
            steps = [bytes.fromhex(line) for line in raw.decode("ascii").splitlines()]
        except ValueError:
            raise EvidenceError("not a proof", where=name) from None
        if "".join(f"{step.hex()}\n" for step in steps).encode() != raw:
            raise EvidenceError("not a proof in its one spelling", where=name)
        return steps

    def _stamp(self, name: str, note: str, roots: Sequence[bytes]) -> None:
        step = self._report["time stamp"]
        if not roots:
            step.wrong(name, "no certificate to check it by was given", "give it with --stamp-root FILE")
            return
        try:
            moment = stamped_at(self._files.read(name), self._files.read(note), roots, name)
            step.said.append(f"{note} was there at {moment:%Y-%m-%d %H:%M:%SZ}")
        except AimsError as exc:
            step.wrong(name, exc.what, "no third party's word says when the checkpoint was there")
