"""Reading policy.yaml, and resolving it to the rules of one model, stage and alias."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from aims_mlflow.cached_values import cached_property
from aims_mlflow.canonical import digest_of
from aims_mlflow.catalog.loader import require_control, require_kind, require_objective
from aims_mlflow.checks import metrics
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.documents import KINDS as DOCUMENTS
from aims_mlflow.records.policy import (
    Approvals,
    BreakGlass,
    Mode,
    Policy,
    PolicyLimit,
    PolicySystem,
    Requirement,
    Stage,
    StageRules,
)
from aims_mlflow.signing.owners import look_alikes
from aims_mlflow.strict_yaml import Document, parse, read

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.records.keyring import Role

FILE = "policy.yaml"
MAX_KNOWN = 1000
Place = tuple[str | int, ...]
# The kinds whose metrics are known by name; limits on other kinds take any metric.
METRICS = {
    "fairness": metrics.FAIRNESS,
    "performance": metrics.PERFORMANCE,
    "lineage": metrics.LEAKAGE,
    "drift": metrics.DRIFT,
}


@dataclass(frozen=True)
class Rules:
    """The policy resolved for one model name, stage and alias. `lines` gives each limit's file and line."""

    model_name: str
    stage: Stage
    alias: str | None
    mode: Mode
    system: PolicySystem | None
    require: tuple[Requirement, ...]
    limits: tuple[PolicyLimit, ...]
    lines: tuple[str, ...]
    max_age_days: int | None
    approvals: Approvals
    signers: tuple[str, ...]
    reevaluation: Role | None
    waiver_days: int
    break_glass: BreakGlass
    policy_digest: str
    workspace: str | None = None
    waiver_signers: Literal["another"] | None = None
    require_controls: tuple[str, ...] = ()

    @cached_property
    def written(self) -> tuple[str, ...]:
        """The kinds that the stage asks for and that people write: published documents answer them."""
        return tuple(dict.fromkeys(e.kind for e in self.require if e.kind in DOCUMENTS))

    @cached_property
    def reads_documents(self) -> bool:
        """Whether a decision by these rules needs the published documents."""
        return bool(self.written or self.require_controls)

    @cached_property
    def stage_digest(self) -> str:
        """The digest that binds approvals and waivers to these rules; file positions are left out."""
        return digest_of(
            {
                "system": self.system.model_dump(mode="json", exclude_none=True) if self.system else None,
                "stage": self.stage,
                "require": [entry.model_dump(mode="json", exclude_none=True) for entry in self.require],
                "limits": [entry.model_dump(mode="json", exclude_none=True) for entry in self.limits],
                "max_age_days": self.max_age_days,
                "approvals": self.approvals.model_dump(mode="json"),
                "signers": list(self.signers),
                "reevaluation": self.reevaluation,
                # Left out where none is named: the digest is then that of releases before these were known.
                **({"require_controls": list(self.require_controls)} if self.require_controls else {}),
            }
        )


class LoadedPolicy:
    """A policy that passed validation, with its digest."""

    def __init__(self, policy: Policy, document: Document) -> None:
        self.policy = policy
        self.document = document
        self.digest = digest_of(policy.model_dump(mode="json", exclude_none=True))
        # A name's rules, and the digest that they compute once, serve all its decisions under this policy.
        self._known = lru_cache(maxsize=MAX_KNOWN)(self._rules)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the policy requires for approvals and re-evaluations."""
        rules = self.policy.stages.values()
        named = [role for r in rules for role in (*r.approvals.roles, r.require_reevaluation) if role]
        return tuple(dict.fromkeys(named))

    def gates(self, stage: Stage) -> bool:
        """Return whether the policy has rules for a stage; other stages pass."""
        return stage in self.policy.stages

    def gated_alias(self, alias: str) -> bool:
        """Return whether setting `alias` is a deployment; names count whatever their case."""
        rules = self.policy.stages.get("deployment")
        return rules is not None and alias.lower() in {a.lower() for a in rules.aliases}

    def taken_for(self, alias: str) -> str | None:
        """Return the gated alias that an ungated one reads like: by accents, look-alike or invisible letters."""
        rules = self.policy.stages.get("deployment")
        same = look_alikes(alias, rules.aliases) if rules and not self.gated_alias(alias) else []
        return same[0] if same else None

    def gated_move(self, mlflow_stage: str) -> bool:
        """Return whether moving a version to one of MLflow's stages is a deployment: `Production` always is."""
        return self.gated_alias(mlflow_stage) or (self.gates("deployment") and mlflow_stage.lower() == "production")

    def rules(self, model_name: str, stage: Stage, alias: str | None = None, workspace: str | None = None) -> Rules:
        """Return the rules that apply to a change; a pattern with a slash matches `workspace/name`."""
        return self._known(model_name, stage, alias, workspace)

    def _rules(self, model_name: str, stage: Stage, alias: str | None, workspace: str | None) -> Rules:
        stage_rules = self.policy.stages.get(stage) or StageRules()
        name = self.document.name.rsplit("/", 1)[-1]
        here = Document(None, self.document.lines, name)
        path, system = self._system(model_name, workspace)
        limits = _placed(("stages", stage), stage_rules.limits) + _placed(path, system.limits if system else ())
        return Rules(
            model_name,
            stage,
            alias,
            self._mode(model_name, workspace, stage),
            system,
            stage_rules.require,
            tuple(limit for _, limit in limits),
            tuple(here.where(*place) for place, _ in limits),
            stage_rules.max_age_days,
            stage_rules.approvals,
            stage_rules.signers,
            stage_rules.require_reevaluation,
            self.policy.waivers.max_days,
            self.policy.break_glass,
            self.digest,
            workspace,
            self.policy.waivers.signers,
            stage_rules.require_controls or (),
        )

    def _system(self, name: str, workspace: str | None) -> tuple[tuple[str, ...], PolicySystem | None]:
        """Return (position in the file, first system whose pattern matches); exact names precede patterns."""
        systems = self.policy.systems
        exact = [p for p in (f"{workspace}/{name}", name) if p in systems]
        for pattern in [*exact, *(p for p in systems if _matches(name, workspace, p))]:
            return ("systems", pattern), systems[pattern]
        return ("default",), self.policy.default

    def _mode(self, name: str, workspace: str | None, stage: Stage) -> Mode:
        """Return the mode of the last matching enforcement entry, `enforce` by default."""
        mode: Mode = "enforce"
        for entry in self.policy.enforcement:
            if _matches(name, workspace, entry.models) and entry.stage in ("*", stage):
                mode = entry.mode
        return mode


def _matches(name: str, workspace: str | None, pattern: str) -> bool:
    return fnmatchcase(f"{workspace or 'default'}/{name}" if "/" in pattern else name, pattern)


def load_policy(folder: Path) -> LoadedPolicy:
    """Read and validate the policy of a folder.

    Raises:
        Unreachable: policy.yaml cannot be read.
        ConfigError: it is not valid; the text names file, line and the nearest known word.
    """
    return _validated(read(folder / FILE))


def parse_policy(text: str, name: str = FILE) -> LoadedPolicy:
    """Validate a policy given as text.

    Raises:
        ConfigError: it is not valid.
    """
    return _validated(parse(text, name))


def default_policy_text() -> str:
    """Return the policy that ships."""
    return resources.files("aims_mlflow.gates").joinpath("default_policy", FILE).read_text(encoding="utf-8")


def _validated(document: Document) -> LoadedPolicy:
    if not isinstance(document.data, dict):
        raise ConfigError("the policy is empty", where=document.name, next="`aims gate init FOLDER` writes one")
    policy = document.validate(Policy)
    named: list[tuple[tuple[str, ...], PolicySystem]] = [(("systems", name), s) for name, s in policy.systems.items()]
    if policy.default:
        named.append((("default",), policy.default))
    for stage, rules in policy.stages.items():
        for index, entry in enumerate(rules.require):
            _require_kind(entry, document.where("stages", stage, "require", index))
        for index, control in enumerate(rules.require_controls or ()):
            require_control(control, where=document.where("stages", stage, "require_controls", index))
        _check_limits(document, ("stages", stage), rules.limits)
        if rules.require_reevaluation:
            _check_held_out(document, stage, named)
    for path, system in named:
        for objective in system.objectives:
            require_objective(objective, where=document.where(*path, "objectives", objective))
        _check_limits(document, path, system.limits)
    return LoadedPolicy(policy, document)


def _require_kind(entry: Requirement, where: str) -> None:
    require_kind(entry.kind, where=where)
    if entry.written and entry.kind not in DOCUMENTS:
        raise ConfigError(
            f"{entry.kind} is no document that people write", where=where, next=f"ask for it as evidence: {entry.kind}"
        )


def _placed(path: Place, limits: tuple[PolicyLimit, ...]) -> list[tuple[Place, PolicyLimit]]:
    return [((*path, "limits", index), limit) for index, limit in enumerate(limits)]


def _check_limits(document: Document, path: tuple[str, ...], limits: tuple[PolicyLimit, ...]) -> None:
    for index, limit in enumerate(limits):
        place: Place = (*path, "limits", index)
        require_kind(limit.kind, where=document.where(*place, "kind"))
        require_control(limit.control, where=document.where(*place, "control"))
        _require_metric(limit, document.where(*place, "metric"))
        for objective in limit.objectives:
            require_objective(objective, where=document.where(*place, "objectives"))


def _check_held_out(document: Document, stage: str, named: list[tuple[tuple[str, ...], PolicySystem]]) -> None:
    for path, system in named:
        if not system.held_out_digests:
            raise ConfigError(
                f"{stage} asks for a re-evaluation, but {'.'.join(path)} names no data for it",
                where=document.where(*path),
                next="add held_out_digests: [sha256 of the agreed held-out data]",
            )


def _require_metric(limit: PolicyLimit, where: str) -> None:
    known = METRICS.get(limit.kind)
    if known is not None and limit.metric not in known:
        hint = did_you_mean(limit.metric, known) or f"{limit.kind} has {', '.join(known)}"
        raise ConfigError(f"unknown metric {limit.metric!r} of {limit.kind}, {hint}", where=where)
