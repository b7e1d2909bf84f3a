"""Verification of sessions and single records: pure, on bytes, against a keyring.

Order: envelope, key, signature, chain, manifest. Every problem names the record, what is wrong
and what it means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.session import MANIFEST_KIND
from aims_mlflow.evidence.statement import SealedRecord, read
from aims_mlflow.evidence.unsigned_lines import UnsignedLines, unsigned_lines
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ManifestDetails
from aims_mlflow.records.keyring import KeyEntry, Role
from aims_mlflow.signing.keys import PublicKey

KeyLookup = Callable[[str], KeyEntry | None]
TRAINER = ("trainer",)
MAX_RECORDS = 10_000
UNKNOWN_KEY = "signed by a key that the keyring does not know"


@dataclass(frozen=True)
class Problem:
    """One failure of verification."""

    record: str
    what: str
    meaning: str

    def sentence(self) -> str:
        """Return the problem as one line."""
        return f"{self.record}: {self.what}. It means: {self.meaning}."


def told_once(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield the problems as sentences; a key that is not known stands once, with the number of its records."""
    by_key: dict[str, list[Problem]] = {}
    for problem in problems:
        unknown = problem.what.startswith(UNKNOWN_KEY)
        by_key.setdefault(problem.what if unknown else f"{len(by_key)} {problem.record}", []).append(problem)
    for found in by_key.values():
        others = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        yield replace(found[0], record=f"{found[0].record}{others}").sentence()


@dataclass(frozen=True)
class CheckedSession:
    """A session file after its check; it verifies if `problems` is empty."""

    name: str
    id: str | None
    records: tuple[SealedRecord, ...]
    manifest: SealedRecord | None
    signers: dict[str, KeyEntry] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its records."""
        return frozenset(r.evidence.kind for r in self.records)

    @property
    def owners(self) -> dict[str, str]:
        """The owner of the signing key by record id."""
        return {record: entry.owner for record, entry in self.signers.items()}

    @property
    def sound(self) -> bool:
        """True when every record verifies and the manifest covers all of them."""
        return not self.problems and self.manifest is not None

    def counting(self, why_not: Callable[[SealedRecord], str | None], advice: str) -> CheckedSession:
        """Return the session without the signers of records that do not count, with a problem for each of them."""
        problems, signers = list(self.problems), dict(self.signers)
        for record in self.records:
            why = why_not(record) if record.id in signers else None
            if why:
                signers.pop(record.id)
                problems.append(Problem(f"{self.name}, {record.evidence.kind} {record.id}", why, advice))
        changed = len(signers) != len(self.signers)
        return replace(self, signers=signers, problems=tuple(problems)) if changed else self


def how_to_trust(role: Role) -> str:
    """Return the two commands by which a key comes into the keyring."""
    return f"its owner runs `aims keys export`, then the platform team `aims keys add FILE --owner NAME --role {role}`"


def _unknown(roles: Sequence[Role]) -> str:
    return f"nobody here says whose key that is; to trust it, {how_to_trust(roles[0])}"


def check_signature(
    record: SealedRecord, lookup: KeyLookup, roles: Sequence[Role] = TRAINER, *, timeless: bool = False
) -> KeyEntry:
    """Return the keyring entry that signed a record in one of `roles`, at the record's own time.

    That time is its signer's word, and all that there is without a ledger. `timeless` leaves it to the caller whether
    the key could sign then.

    Raises:
        EvidenceError: the key is unknown or may act in none of these roles then, or the signature does not fit.
    """
    entry = lookup(record.envelope.key_id)
    if entry is None:
        raise EvidenceError(
            f"{UNKNOWN_KEY} ({record.envelope.key_id})",
            next=how_to_trust(roles[0]),
        )
    record.envelope.verify(PublicKey.from_pem(entry.pem))
    why = entry.why_not_role(roles) if timeless else entry.why_not(roles, record.evidence.time)
    if why:
        raise EvidenceError(why, next="sign with a key that has this role, or ask for the role")
    return entry


def check_session(
    data: bytes,
    name: str,
    lookup: KeyLookup,
    roles: Sequence[Role] = TRAINER,
    most: int = MAX_RECORDS,
    *,
    timeless: bool = False,
) -> CheckedSession:
    """Read and check one session file; no content of the file raises an error. `timeless`: as `check_signature`."""
    problems: list[Problem] = []
    records: list[SealedRecord] = []
    signers: dict[str, KeyEntry] = {}
    lines = data.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    elif lines:
        problems.append(Problem(name, "the last line is cut off", "the file was not written to its end or was changed"))
    if len(lines) > most:
        problems.append(Problem(name, f"more than {most:,} records", "the file is not read further"))
        lines = lines[:most]
    for number, line in enumerate(lines, 1):
        where = f"{name} line {number}"
        if taken_out := unsigned_lines(line):
            problems += _taken_out(where, taken_out, roles)
            continue
        try:
            record = read(line, where).whole()
        except EvidenceError as exc:
            problems.append(Problem(where, exc.what, "the record was changed after signing, or is not ours"))
            continue
        records.append(record)
        try:
            signers[record.id] = check_signature(record, lookup, roles, timeless=timeless)
        except EvidenceError as exc:
            meaning = exc.next or "the record was changed after signing, or signed by another key"
            meaning = _unknown(roles) if exc.what.startswith(UNKNOWN_KEY) else meaning
            problems.append(Problem(f"{where}, {record.evidence.kind} {record.id}", exc.what, meaning))
    problems += order_problems(name, records)
    session_id = records[0].evidence.session if records else None
    return CheckedSession(name, session_id, tuple(records), _manifest(records), signers, tuple(problems))


def _taken_out(where: str, found: UnsignedLines, roles: Sequence[Role]) -> list[Problem]:
    """Return the problems of lines that no known key signed: one for each key, or one for all."""
    what = f"{found.lines:,} lines ({found.size:,} bytes) that no known key signed"
    if not found.keys:
        return [Problem(where, what, "they count for nothing, and only their digest is kept")]
    return [Problem(where, f"{UNKNOWN_KEY} ({key})", _unknown(roles)) for key in found.keys]


def order_problems(name: str, records: Sequence[SealedRecord]) -> list[Problem]:
    """Return the problems of a session's records as a whole: their order, and their match with the manifest."""
    return _chain_problems(name, records) + _manifest_problems(name, records, _manifest(records))


def _manifest(records: Sequence[SealedRecord]) -> SealedRecord | None:
    return records[-1] if records and records[-1].evidence.kind == MANIFEST_KIND else None


def _chain_problems(name: str, records: Sequence[SealedRecord]) -> list[Problem]:
    out = []
    previous: str | None = None
    session, ids = records[0].evidence.session if records else None, Counter(record.id for record in records)
    for number, record in enumerate(records):
        body, who = record.evidence, f"{name}, {record.evidence.kind} {record.id}"
        if body.session is None or body.session != session:
            out.append(Problem(who, "it belongs to another session", "a record was moved in from elsewhere"))
        if body.sequence != number:
            out.append(
                Problem(
                    who, f"its number is {body.sequence}, its place {number}", "a record was taken out, added or moved"
                )
            )
        elif body.previous != previous:
            out.append(Problem(who, "it does not follow the record before it", "the record before it was exchanged"))
        if ids[record.id] > 1:
            out.append(Problem(who, "another record has the same id", "nothing shows which of them is meant elsewhere"))
        previous = record.sha256
    return out


def _manifest_problems(name: str, records: Sequence[SealedRecord], manifest: SealedRecord | None) -> list[Problem]:
    if manifest is None:
        return [
            Problem(
                name,
                "there is no session manifest at its end",
                "the session was not completed, or was cut: a model of a new run is free of it",
            )
        ]
    listed = [s.digest.get("sha256") for s in manifest.subjects]
    present = [r.sha256 for r in records[:-1]]
    if listed == present and read_details(manifest.evidence, ManifestDetails).count == len(present):
        return []
    missing = [s.name for s in manifest.subjects if s.digest.get("sha256") not in present]
    extra = [r.id for r in records[:-1] if r.sha256 not in listed]
    what = "; ".join(
        text
        for text in (
            f"record {', '.join(missing)} is listed but missing or changed" if missing else "",
            f"record {', '.join(extra)} is present but not listed" if extra else "",
        )
        if text
    )
    return [Problem(f"{name}, manifest", what or "order or count differ", "the session is not the one that was signed")]
