"""Whether keys that are made in the home folder last: not where it goes with a CI job, a container or a batch job.

A home is declared to last by `AIMS_HOME`, or by a volume that a container mounts at the home folder or above it.
"""

from __future__ import annotations

import os
from pathlib import Path

from aims_mlflow.settings import HOME, home, value_of

# Machines that are thrown away after their job, with whatever volumes they were lent.
JOBS = ("CI", "DATABRICKS_RUNTIME_VERSION", "AWS_BATCH_JOB_ID", "SLURM_JOB_ID")
CONTAINER_VARIABLES = ("KUBERNETES_SERVICE_HOST",)
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
MOUNTS = "/proc/self/mountinfo"
# File systems that go with the container or its memory.
PASSING_SYSTEMS = {"overlay", "aufs", "tmpfs", "ramfs", "devtmpfs"}
POD_FOLDER = "kubernetes.io~empty-dir"


def why_home_passes() -> str | None:
    """Return why a key that is made here would be lost with the machine; None where the home lasts."""
    if value_of(HOME):
        return None
    job = next((name for name in JOBS if value_of(name)), None)
    if job:
        return f"{job} is set"
    container = _why_container()
    if container and not _is_on_a_volume(home()):
        return container
    account = Path.home()
    return None if os.access(account, os.W_OK) else f"{account} cannot be written"


def _why_container() -> str | None:
    named = next((name for name in CONTAINER_VARIABLES if value_of(name)), None)
    if named:
        return f"{named} is set"
    return "this is a container" if any(Path(mark).exists() for mark in CONTAINER_MARKS) else None


def _is_on_a_volume(folder: Path) -> bool:
    """Tell whether a folder lies on a volume that was mounted below `/`; a pod's own emptyDir is none.

    The fields of the list of mounts are described in proc_pid_mountinfo(5).
    """
    try:
        lines = Path(MOUNTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    place, nearest = folder.resolve(), ("/", "", "")
    for line in lines:
        mount, _, system = line.partition(" - ")
        source, point = (part.replace("\\040", " ") for part in mount.split()[3:5])
        # Of several mounts at one place the last one is seen.
        if place.is_relative_to(point) and len(point) >= len(nearest[0]):
            nearest = (point, source, system.split()[0])
    point, source, system = nearest
    return point != "/" and system not in PASSING_SYSTEMS and POD_FOLDER not in source


def how_to_keep(command: str, *variables: str) -> str:
    """Return what to do where no key is made: `command` makes it here, the settings `variables` name one that lasts."""
    named = " ".join(f"{variable}=file:/path/to/key.pem" for variable in variables)
    lasting = f"`export {HOME}=/path/that/lasts` first, or name your own: `export {named}`"
    folder = home()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK):
        return lasting
    return f"`{command}`, which writes to {folder}; if that is lost with the machine, {lasting}"
