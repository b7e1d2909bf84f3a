"""Why the register of systems speaks against leaving a control out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.documents.context import IN_USE, SystemEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aims_mlflow.records.documents.third_parties import SupplierDocument

RETIRED = "retirement"
Systems = dict[str, SystemEntry]


def why_not_out(control: str, systems: Mapping[str, SystemEntry], suppliers: Iterable[SupplierDocument]) -> str | None:
    """Return what of the register says that a control applies; None where nothing does."""
    inside = {s: e for s, e in systems.items() if e.in_scope is not False}
    if control in ("A.10.2", "A.10.3"):
        return _component(suppliers, inside)
    for prefixes, applies, what in _APPLIES:
        found = [s for s, e in inside.items() if control.startswith(prefixes) and applies(e)]
        if found:
            # A system that is in use says more than one that is retired.
            return f"{min(found, key=lambda s: (inside[s].stage == RETIRED, s))} {what}"
    return None


def _has_role(*roles: str) -> Callable[[SystemEntry], bool]:
    return lambda entry: any(r.role in roles for r in entry.roles)


def _is_used(*roles: str) -> Callable[[SystemEntry], bool]:
    return lambda entry: entry.stage != RETIRED and _has_role(*roles)(entry)


def _is_given_away(entry: SystemEntry) -> bool:
    """Return whether others use what the organisation makes: it supplies it, or provides it and uses it not itself."""
    roles = {r.role for r in entry.roles}
    return entry.stage != RETIRED and (
        "supplier" in roles or ("provider" in roles and not roles & {"deployer", "user"})
    )


# Beginnings of control ids, the entries for which these controls apply, and what such an entry says.
_APPLIES: tuple[tuple[tuple[str, ...], Callable[[SystemEntry], bool], str], ...] = (
    (("A.2.", "A.3.", "A.4.", "A.5."), lambda _: True, "is in scope"),
    (("A.6.2.5", "A.6.2.6", "A.6.2.8"), lambda e: e.stage in IN_USE, "is deployed or in operation"),
    (("A.6.", "A.7."), _has_role("provider"), "is provided by the organisation"),
    (("A.6.", "A.7."), lambda e: bool(e.models), "has models that are trained or kept here"),
    (("A.8.",), lambda e: e.stage != RETIRED and bool(e.affected_groups or e.users), "has users or affects people"),
    (("A.9.",), _is_used("deployer", "user"), "is used by the organisation"),
    (("A.10.4",), _is_given_away, "is provided or supplied to others"),
)


def _component(suppliers: Iterable[SupplierDocument], inside: Systems) -> str | None:
    """Return a component of a third party that a system uses."""
    declared = ((s, c) for s, e in sorted(inside.items()) for c in e.components)
    recorded = ((str(d.system), c.component) for d in suppliers for c in d.components)
    found = next(declared, None) or next((r for r in recorded if r[0] in inside), None)
    return f"{found[0]} uses {found[1]}" if found else None
