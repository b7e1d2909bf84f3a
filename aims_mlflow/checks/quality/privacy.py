"""Privacy check: undeclared columns that look like people's identifiers, or whose name says a characteristic of people.

Only counts and names of columns leave this module. A column is known of when it is sensitive, an identifier, declared
in the pack, or named in the data sheet (`personal_data` of a source in aims.yaml); where that says only that there are
personal data, they are stated, and what was found is told. What is known is told too, special categories by name.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import claim, held, reason_of
from aims_mlflow.checks.column_names import spaced, special_category, suggest_sensitive
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.statistics.columns import every
from aims_mlflow.records.details.checks import DataQualityDetails
from aims_mlflow.records.evidence import result_of
from aims_mlflow.records.pack import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack, Privacy

KIND = "data-quality"
METRIC = "undeclared_personal_columns"
DENIED = "the source is said to hold no personal data (personal_data in aims.yaml or @aims.acquires)"
STATED = "the source is said to hold personal data (personal_data in aims.yaml or @aims.acquires)"
SAMPLE = 500
MOSTLY = 0.5  # share of a column's values that has to look so
NAMES = re.compile(
    r"(^|[_\W])((first|last|full|middle|sur|given|family|maiden|user)_?name|e?mail(_?address)?|phone|mobile|fax|address|"
    r"street|zip(_?code)?|post_?code|birth(day|date|_date)?|dob|date_of_birth|ssn|iban|passport|licen[cs]e_?plate|"
    r"social_security\w*|national_id|tax_?id|ip_?address|latitude|longitude)([_\W]|$)",
    re.IGNORECASE,
)
NAMED = 10
NOTHING = "no column is declared personal"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(\+|00)\d[\d ()/.-]{6,18}\d")
SOCIAL = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")  # US social security, as written


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Look at every column that is not declared, and name those that are."""
    settings, stated = pack.privacy, data.personal
    declared = _declared(data, settings)
    known = {*(name for names in declared.values() for name in names), data.task.target}
    found = {n: looks_personal(data, str(n)) or _about_people(str(n)) for n in data.columns if n not in known}
    personal = {name: why for name, why in found.items() if why}
    special = {str(name): what for name in data.columns if (what := special_category(str(name)))}
    severity, why = settings.severity, settings.why
    limit = Limit(metric=METRIC, comparator="==", limit="0", severity=severity, why=why, **settings.author)
    note = "; ".join([*_told(personal, declared, special, stated)] or [NOTHING]) + f"; {LOOKED_FOR}"
    undeclared = 0 if stated is True else len(personal)
    claims = [held(claim(METRIC, undeclared, role=data.role, n=len(data.columns), note=note), limit)]
    listed = f": {', '.join(list(personal)[:NAMED])}" if personal else ""
    listed += f"; {DENIED}" if personal and stated is False else ""
    reason = reason_of(claims)
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=f"{reason}{listed}" if reason else None,
        claims=tuple(claims),
        controls=settings.controls,
        details=DataQualityDetails(
            columns={str(k): v for k, v in personal.items()},
            declared=sorted(str(k) for k in known if k),
            special_categories=special,
        ),
        reports={"privacy.html": claims_page("Personal data among the columns", claims, notes=[NOT_FOUND])},
        tools=versions("pandas"),
    )


def _declared(data: Dataset, settings: Privacy) -> dict[str, list[str]]:
    """Return the columns that are declared and in the table, by how."""
    sheet = data.personal if isinstance(data.personal, tuple) else ()
    how = {
        "sensitive columns": data.sensitive_names,
        "identifiers": data.identifiers,
        "declared personal": (*settings.declared, *sheet),
        "predicted": [t for t in (data.task.target,) if t is not None and special_category(str(t))],
    }
    there = set(map(str, data.columns)) | set(data.sensitive_names)  # sensitive columns may stand beside the table
    return {what: [str(n) for n in dict.fromkeys(names) if str(n) in there] for what, names in how.items()}


def _told(
    personal: Mapping[str, str], declared: Mapping[str, Sequence[str]], special: Mapping[str, str], stated: object
) -> Iterator[str]:
    """Yield what a claim's note says: what was found and is not declared, then what is declared."""
    if personal and isinstance(stated, bool):
        yield STATED if stated else DENIED
    yield from (f"{name}: {why}" for name, why in list(personal.items())[:NAMED])
    if len(personal) > NAMED:
        yield f"and {len(personal) - NAMED} more"
    for what, names in declared.items():
        if names:
            marked = [f"{name} ({special[name]}: a special category)" if name in special else name for name in names]
            yield f"{what}: {', '.join(marked)}"


def looks_personal(data: Dataset, name: str) -> str | None:
    """Return why a column looks like people's identifiers, or None."""
    values = _texts(data, name)
    for what, looks in LOOKS.items():
        if values and sum(looks(value) for value in values) >= MOSTLY * len(values):
            return f"its values look like {what}"
    return "its name says so" if NAMES.search(spaced(name)) else None


def _about_people(name: str) -> str | None:
    """Return which characteristic of people a column's name says, or None: personal data that identify nobody alone."""
    special = special_category(name)
    if special is not None:
        return f"its name says {special}, a special category (GDPR art. 9 and 10)"
    return "its name says a characteristic of people" if suggest_sensitive([name]) else None


def _texts(data: Dataset, name: str) -> list[str]:
    import pandas as pd

    column, _ = data.column(name)
    kinds = pd.api.types
    if kinds.is_bool_dtype(column) or kinds.is_float_dtype(column) or kinds.is_datetime64_any_dtype(column):
        return []
    return [str(value).strip() for value in every(column.dropna(), SAMPLE)]


def _iban(text: str) -> bool:
    """ISO 13616: the country and check digits moved to the end, letters as numbers, remainder 1 by 97."""
    plain = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _card(text: str) -> bool:
    """ISO/IEC 7812: 13 to 19 digits whose Luhn sum is a multiple of ten."""
    plain = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[3-6]\d{12,18}", plain):
        return False
    doubled = [int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(plain))]
    return sum(doubled) % 10 == 0


def _ip(text: str) -> bool:
    if not re.search(r"[.:].*[.:]", text):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


LOOKS: dict[str, Callable[[str], bool]] = {
    "e-mail addresses": _matches(EMAIL),
    "bank accounts (IBAN)": _iban,
    "payment cards": _card,
    "social security numbers": _matches(SOCIAL),
    "IP addresses": _ip,
    "telephone numbers": _matches(PHONE),
}
LOOKED_FOR = (
    "looked for: names of columns that speak of identity, contact, birth or characteristics of people, and among up to "
    f"{SAMPLE} values of each column {', '.join(LOOKS)}"
)
NOT_FOUND = "A column that looks like nothing of this can hold personal data all the same, such as free text."
