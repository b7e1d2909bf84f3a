"""What the pickle of a model needs: the modules that it names, their distributions, and code of the team's own."""

from __future__ import annotations

import contextlib
import functools
import pickletools
import site
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.adapters.installed import packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BY_VALUE = ("_make_skeleton_class", "_make_function", "_make_skeleton_enum")  # how cloudpickle writes code itself


def requirements_of(model: Any) -> list[str] | None:
    """Return the distributions whose modules a model's pickle names, pinned; None where it cannot be pickled.

    MLflow's own inference loads the model in a new process, which takes seconds.
    """
    import cloudpickle

    try:
        names = modules_in(cloudpickle.dumps(model))
    except Exception:  # noqa: BLE001 - then MLflow infers them
        return None
    by_module = _distributions()
    installed = packages()
    wanted = {d.lower().replace("_", "-") for n in names for d in by_module.get(n, ())} | {"cloudpickle"}
    return sorted(f"{name}=={installed[name]}" for name in wanted - {"mlflow", "aims-mlflow"} if name in installed)


def modules_in(data: bytes) -> set[str]:
    """Return the top-level modules that a pickle refers to: GLOBALs, and the texts before STACK_GLOBALs."""
    tops = {text.split(" ")[0].split(".")[0] for text in _texts_in(data)}
    return {top for top in tops if top.isidentifier() and top in sys.modules}


def _texts_in(data: bytes) -> Iterator[str]:
    for opcode, argument, _ in pickletools.genops(data):
        if isinstance(argument, str) and ("GLOBAL" in opcode.name or "UNICODE" in opcode.name):
            yield argument


def has_own_code(data: bytes) -> bool:
    """Tell whether a pickle carries code, or names modules that no installed distribution has."""
    return any(text in BY_VALUE for text in _texts_in(data)) or bool(_own(modules_in(data)))


def _own(modules: set[str]) -> set[str]:
    """Return the modules that lie outside the folders of Python and of installed libraries."""
    return {name for name in modules - {"__main__", "__mp_main__"} if not _is_installed(name)}


def _is_installed(name: str) -> bool:
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    places = list(getattr(module, "__path__", None) or ()) or [getattr(module, "__file__", None)]
    if places == [None]:  # built in, unless somebody made it up
        return spec is not None
    return any(Path(place).is_relative_to(folder) for place in places if place for folder in _library_folders())


@functools.cache
def _library_folders() -> tuple[Path, ...]:
    known = sysconfig.get_paths()
    found = {known[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(Path(folder) for folder in {*found, *site.getsitepackages(), site.getusersitepackages()})


@contextlib.contextmanager
def own_code_stored(model: Any) -> Iterator[None]:
    """Let pickles that are written inside carry the team's own modules: a server has no copy of their folder."""
    import cloudpickle

    try:
        names = _own(modules_in(cloudpickle.dumps(model)))
    except Exception:  # noqa: BLE001 - what cannot be pickled names no modules
        names = set()
    modules = [sys.modules[name] for name in sorted(names)]
    with contextlib.ExitStack() as stack:
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
            stack.callback(cloudpickle.unregister_pickle_by_value, module)
        yield


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    import importlib.metadata

    return importlib.metadata.packages_distributions()
