"""What every document that people write has, and how its fields say what they are needed for.

One file is one document. Few fields are needed to publish it; those that control status needs besides are marked with
`needed`, so that lint, status and drafts name what is missing in the words in which an auditor would ask for it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.system import SystemId
from aims_mlflow.strict_yaml import WrittenNumber

MARK = "needed_for"
Shape = Literal["register entry", "text", "log"]
About = Literal["system", "organisation", "either"]


def _plain_text(value: object) -> object:
    """YAML reads `version: 2` and `limit: 0.8` as numbers; in a document they are text, as it is written."""
    if isinstance(value, bool):
        raise ValueError("put yes, no, true and false in quotes: YAML reads them as truth values")  # noqa: TRY004
    if isinstance(value, WrittenNumber):
        return value.text
    return str(value) if isinstance(value, int | float) else value


def _several(value: object) -> object:
    return (value,) if isinstance(value, str | int | float) else value


Text = Annotated[str, BeforeValidator(_plain_text), StringConstraints(min_length=1, max_length=20_000)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_several)]
Person = Text
Count = Annotated[int, Field(ge=0)]
# A number of days that can be added to a date: a century at most.
Days = Annotated[int, Field(ge=0, le=36_500)]
Percent = Annotated[int, Field(ge=1, le=100)]
DocumentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://\S+$", max_length=2000)]


def needed(question: str, default: Any = None) -> Any:
    """Return a field that publication does not need and *met* does; `question` is what an auditor asks there."""
    return Field(default, description=question, json_schema_extra={MARK: "met"})


def entries(question: str) -> Any:
    """Return a field that lists entries, of which *met* needs at least one."""
    return needed(question, ())


def optional(question: str, default: Any = None) -> Any:
    """Return a field that nothing needs; it is said where it is known."""
    return Field(default, description=question)


class DocumentSource(Record):
    """Where the text is kept, if not in the file itself: a path in the repository, or an address, with its digest."""

    path: Text | None = optional("path of the file, relative to the document")
    uri: Address | None = optional("address of the text")
    version: Text | None = optional("version of the text there")
    sha256: Sha256 = Field(description="sha256 of its bytes")

    @model_validator(mode="after")
    def _one_place(self) -> DocumentSource:
        if (self.path is None) == (self.uri is None):
            raise ValueError("a source has either a path or a uri")
        return self


class WrittenDocument(Record):
    """The fields of every document; `text` is the Markdown under the front matter.

    `ABOUT` says whether it is about one system, about the whole organisation, or about either; `SHAPE` which of the
    three forms it has; `TEXT` whether *met* needs words besides the fields.
    """

    ABOUT: ClassVar[About] = "organisation"
    SHAPE: ClassVar[Shape] = "log"
    TEXT: ClassVar[bool] = False

    id: DocumentId = Field(description="id, unique among all documents of the folder")
    kind: Text = Field(description="kind of document: `aims document list --kinds` has them")
    title: Text = Field(description="title")
    owner: Person = Field(description="person who answers for the document")
    author: Person = Field(description="person who wrote it, as their signing key's owner is named")
    version: Text = optional("version of this document", "1")
    supersedes: Text | None = optional("version that this one takes the place of")
    reason_for_change: Text | None = optional("why it was changed")
    system: SystemId | None = optional("id of the system that it is about")
    organisation: Text | None = optional("the organisation, or the unit of it, that it is about")
    model_digests: tuple[Sha256, ...] = optional(
        "models that it is about, each by the fingerprint of its files (dirHash1)", ()
    )
    approver: Person | None = needed(
        "who approves it: not its author, and somebody whose signing key is in the keyring"
    )
    effective_from: Day | None = optional("day from which on it applies")
    review_by: Day | None = needed("on which day is it to be reviewed, within three years")
    valid_until: Day | None = optional("last day on which it applies")
    retention_until: Day | None = optional("day until which it is kept")
    source: DocumentSource | None = optional("where the text is kept, if elsewhere")
    language: Text = optional("language of the text", "en")
    sources_checked_on: Day | None = optional("day on which laws that it names were looked up")
    text: str = optional("the Markdown text under the front matter", "")

    @property
    def called(self) -> str:
        """The document as a sentence names it: kind and id, or one of them where they are the same."""
        return self.kind if self.id == self.kind else f"{self.kind} {self.id}"

    @model_validator(mode="after")
    def _about_something(self) -> WrittenDocument:
        if self.ABOUT == "system" and self.system is None:
            raise ValueError("system is missing: this kind is about one system")
        if self.supersedes is not None and not self.reason_for_change:
            raise ValueError("reason_for_change is missing: a version that takes another's place says why")
        return self


class RegisterEntry(WrittenDocument):
    """One thing of a register: a system, a scan of sources, the people."""

    SHAPE = "register entry"


class TextDocument(WrittenDocument):
    """A document whose words carry it: a policy, a process, an assessment."""

    SHAPE = "text"
    TEXT = True


class LogDocument(WrittenDocument):
    """A document that lists things that happened, are planned or are required."""

    review_by: Day | None = needed(
        "by which day does somebody look at it again, such as in the next internal audit; within three years"
    )


HEADER = frozenset(WrittenDocument.model_fields)
