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
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.profiling.profile import suggest_sensitive
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
NOTHING = "no column is declared personal, and none looks so by its name or its values"
# Special categories of personal data by what names of columns say: GDPR art. 9(1), and 10 for convictions.
SPECIAL = {
    what: re.compile(rf"(^|[_\W])({words})([_\W]|$)", re.IGNORECASE)
    for what, words in {
        "racial or ethnic origin": r"race|racial\w*|ethnic\w*|skin_?colou?r",
        "political opinions": r"politic\w*|party_?member\w*",
        "religious or philosophical beliefs": r"religio\w*|faith|beliefs?|denomination",
        "trade union membership": r"trade_?union\w*|union_?member\w*",
        "genetic or biometric data": r"genetic\w*|genom\w*|dna|biometric\w*|fingerprints?",
        "health": r"health\w*|diagnos\w*|disab\w*|diseases?|medica\w*|icd_?\d*|pregnan\w*|hiv",
        "sex life or sexual orientation": r"sexual\w*|sex_?life",
        "criminal convictions and offences": r"crimin\w*|convict\w*|offen[cs]es?|arrests?|felon\w*",
    }.items()
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(\+|00)\d[\d ()/.-]{6,18}\d")
SOCIAL = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")  # US social security, as written


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Look at every column that is not declared, and name those that are."""
    settings, stated = pack.privacy, data.personal
    declared = _declared(data, settings)
    known = {*(name for names in declared.values() for name in names), data.task.target}
    personal = {name: why for name in data.columns if name not in known and (why := looks_personal(data, str(name)))}
    special = {str(name): what for name in data.columns if (what := special_category(str(name)))}
    severity, why = settings.severity, settings.why
    limit = Limit(metric=METRIC, comparator="==", limit="0", severity=severity, why=why, **settings.author)
    note = "; ".join(_told(personal, declared, special, stated)) or NOTHING
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
        reports={"privacy.html": claims_page("Personal data among the columns", claims)},
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


def special_category(name: str) -> str | None:
    """Return the special category of personal data (GDPR art. 9(1) and 10) that a column's name says, or None."""
    return next((what for what, pattern in SPECIAL.items() if pattern.search(_spaced(name))), None)


def looks_personal(data: Dataset, name: str) -> str | None:
    """Return why a column looks personal, or None."""
    values = _texts(data, name)
    for what, looks in LOOKS.items():
        if values and sum(looks(value) for value in values) >= MOSTLY * len(values):
            return f"its values look like {what}"
    special = special_category(name)
    if special is not None:
        return f"its name says {special}, a special category (GDPR art. 9 and 10)"
    if NAMES.search(_spaced(name)):
        return "its name says so"
    return "its name says a characteristic of people" if suggest_sensitive([_spaced(name)]) else None


def _spaced(name: str) -> str:
    """Return a name with its words apart: lastName as last_Name."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


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
