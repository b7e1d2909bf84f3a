"""Tooling and computing resources of a run (A.4.4, A.4.5), from the standard library alone."""

from __future__ import annotations

import os
import platform
import sys

from aims_mlflow.adapters.installed import packages
from aims_mlflow.canonical import digest_of
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.details.training import ComputeDetails, ToolingDetails

PACKAGES = "packages.txt"
# Distribution -> the module that it brings.
SHOWN = {
    "aims-mlflow": "aims_mlflow", "mlflow": "mlflow", "mlflow-skinny": "mlflow", "numpy": "numpy",
    "pandas": "pandas", "scikit-learn": "sklearn",
    "lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost", "statsmodels": "statsmodels",
    "torch": "torch", "tensorflow": "tensorflow", "keras": "keras", "transformers": "transformers",
    "great-expectations": "great_expectations", "fairlearn": "fairlearn", "evidently": "evidently", "scipy": "scipy",
    "pyarrow": "pyarrow", "polars": "polars",
}  # fmt: skip


def tool_versions() -> dict[str, str]:
    """Return the versions of the tools that matter to a model and that this process has loaded, Python's among them."""
    installed = packages()
    loaded = {name: installed[name] for name, module in SHOWN.items() if name in installed and module in sys.modules}
    return {"python": platform.python_version(), **loaded}


def package_list() -> bytes:
    """Return every installed distribution with its version, one on each line."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(packages().items())).encode()


def tooling() -> ToolingDetails:
    """Return the details of a tooling-record."""
    return ToolingDetails(
        python=sys.version.split()[0],
        implementation=platform.python_implementation(),
        platform=platform.platform(),
        packages=len(packages()),
        packages_digest=digest_of(packages()),
    )


def computing(fit_seconds: float) -> ComputeDetails:
    """Return processors, memory in bytes and accelerators, as far as this machine reports them."""
    memory = _memory()
    return ComputeDetails(
        machine=platform.machine(),
        cpu_count=_cpus(),
        accelerators=_accelerators(),
        memory_bytes=memory,
        memory_unknown="this platform does not tell" if memory is None else None,
        peak_memory_bytes=_peak_memory(),
        fit_seconds=decimal_text(round(fit_seconds, 3)),
    )


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _peak_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def _accelerators() -> list[str]:
    """Ask a deep-learning library only where the training has already loaded it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    try:
        return [str(torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())]
    except (RuntimeError, AttributeError):
        return []
