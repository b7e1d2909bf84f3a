"""What the gate answers over the registry: its status, and what it would decide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag, RegisteredModel, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from aims_mlflow.registry.names import RESERVED
from aims_mlflow.server.announced_change import closed
from aims_mlflow.server.gate import RegistryChange
from aims_mlflow.server.gated_store import GatedMethods

STATUS = "aims.status"
EXPLAIN = re.compile(r"^aims\.explain\.(registration|deployment)(?:\.(.+))?\.v(\d+)$")


class Channel(GatedMethods):
    """Reserved names that are answered, not stored."""

    def get_registered_model(self, name: str) -> Any:
        """Return a registered model; `aims.status` answers for the gate."""
        if name != STATUS:
            return super().get_registered_model(name)  # type: ignore[misc]
        with closed("The status"):
            tags = [RegisteredModelTag(k, v) for k, v in self.gate.status().items()]
        return RegisteredModel(name=STATUS, creation_timestamp=0, last_updated_timestamp=0, description="", tags=tags)

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias; `aims.explain.<stage>[.<alias>].v<N>` answers the decision."""
        asked = EXPLAIN.match(alias)
        if not asked:
            if alias.startswith(RESERVED):
                raise MlflowException(f"Registered model alias {alias} not found.", RESOURCE_DOES_NOT_EXIST)
            return super().get_model_version_by_alias(name, alias)  # type: ignore[misc]
        change = RegistryChange(asked[1], name, self.workspace, asked[2], asked[3])  # type: ignore[arg-type]
        if change.version == "0":  # no version has this number: the question is about the rules alone
            with closed("The explanation"):
                tags = {"aims.stage_digest": self.gate.rules(change).stage_digest}
                tags |= {"aims.workspace": change.workspace} if change.workspace else {}
            return ModelVersion(name, change.version, 0, tags=[ModelVersionTag(k, v) for k, v in tags.items()])
        with closed("The explanation"):
            found = self.plain.get_model_version(name, change.version)
            change = replace(change, version=str(found.version))
            decision = self.gate.decide(change, lambda: self._owner_of(found)).decision
            text = json.dumps(decision.model_dump(mode="json", exclude_none=True))
        return ModelVersion(name, change.version, 0, tags=[ModelVersionTag("aims.decision", text)], source=found.source)
