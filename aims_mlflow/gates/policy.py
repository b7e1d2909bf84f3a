"""Reading policy.yaml, and resolving it to the rules of one model, stage and alias."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import require_control, require_kind, require_objective
from aims_mlflow.checks import metrics
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.evidence.canonical import digest_of
from aims_mlflow.records.policy import Approvals, Mode, Policy, PolicyLimit, PolicySystem, Stage
from aims_mlflow.strict_yaml import Document, parse, read

if TYPE_CHECKING:
    from pathlib import Path

FILE = "policy.yaml"
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
    require: tuple[str, ...]
    limits: tuple[PolicyLimit, ...]
    lines: tuple[str, ...]
    max_age_days: int | None
    approvals: Approvals
    waiver_days: int
    policy_digest: str

    @property
    def stage_digest(self) -> str:
        """The digest that approvals and waivers are bound to: the rules, without file positions."""
        return digest_of(
            {
                "system": self.system.model_dump(mode="json", exclude_none=True) if self.system else None,
                "stage": self.stage,
                "require": list(self.require),
                "limits": [entry.model_dump(mode="json", exclude_none=True) for entry in self.limits],
                "max_age_days": self.max_age_days,
                "approvals": self.approvals.count,
            }
        )


class LoadedPolicy:
    """A policy that passed validation, with its digest."""

    def __init__(self, policy: Policy, document: Document) -> None:
        self.policy = policy
        self.document = document
        self.digest = digest_of(policy.model_dump(mode="json", exclude_none=True))

    def gates(self, stage: Stage) -> bool:
        """Tell whether the policy says anything about a stage; what it does not name passes."""
        return stage in self.policy.stages

    def gated_alias(self, alias: str) -> bool:
        """Tell whether setting `alias` is a deployment; names count whatever their case."""
        rules = self.policy.stages.get("deployment")
        return rules is not None and alias.lower() in {a.lower() for a in rules.aliases}

    def gated_move(self, mlflow_stage: str) -> bool:
        """Tell whether moving a version to one of MLflow's stages is a deployment: `Production` always is."""
        return self.gated_alias(mlflow_stage) or (self.gates("deployment") and mlflow_stage.lower() == "production")

    def rules(self, model_name: str, stage: Stage, alias: str | None = None) -> Rules:
        """Return what applies to a change."""
        stage_rules = self.policy.stages.get(stage)
        name = self.document.name.rsplit("/", 1)[-1]
        here = Document(None, self.document.lines, name)
        limits = stage_rules.limits if stage_rules else ()
        return Rules(
            model_name,
            stage,
            alias,
            self._mode(model_name, stage),
            self._system(model_name),
            stage_rules.require if stage_rules else (),
            limits,
            tuple(here.where("stages", stage, "limits", i) for i in range(len(limits))),
            stage_rules.max_age_days if stage_rules else None,
            stage_rules.approvals if stage_rules else Approvals(),
            self.policy.waivers.max_days,
            self.digest,
        )

    def _system(self, model_name: str) -> PolicySystem | None:
        """Return the first system whose pattern matches: exact names before patterns."""
        if model_name in self.policy.systems:
            return self.policy.systems[model_name]
        for pattern, system in self.policy.systems.items():
            if fnmatchcase(model_name, pattern):
                return system
        return self.policy.default

    def _mode(self, model_name: str, stage: Stage) -> Mode:
        """Return the last enforcement entry that matches; without any, enforce."""
        mode: Mode = "enforce"
        for entry in self.policy.enforcement:
            if fnmatchcase(model_name, entry.models) and entry.stage in ("*", stage):
                mode = entry.mode
        return mode


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
    for stage, rules in policy.stages.items():
        for index, kind in enumerate(rules.require):
            require_kind(kind, where=document.where("stages", stage, "require", index))
        for index, limit in enumerate(rules.limits):
            require_kind(limit.kind, where=document.where("stages", stage, "limits", index, "kind"))
            require_control(limit.control, where=document.where("stages", stage, "limits", index, "control"))
            _require_metric(limit, document.where("stages", stage, "limits", index, "metric"))
    named: list[tuple[tuple[str, ...], PolicySystem]] = [(("systems", name), s) for name, s in policy.systems.items()]
    if policy.default:
        named.append((("default",), policy.default))
    for path, system in named:
        for objective in system.objectives:
            require_objective(objective, where=document.where(*path, "objectives", objective))
    return LoadedPolicy(policy, document)


def _require_metric(limit: PolicyLimit, where: str) -> None:
    known = METRICS.get(limit.kind)
    if known is not None and limit.metric not in known:
        hint = did_you_mean(limit.metric, known) or f"{limit.kind} has {', '.join(known)}"
        raise ConfigError(f"unknown metric {limit.metric!r} of {limit.kind}, {hint}", where=where)
