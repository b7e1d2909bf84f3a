"""Coverage is measured by unit and property tests alone: it costs half as much again, and servers start by the dozen."""

import contextlib
import os

MEASURED = ("unit", "property")


@contextlib.contextmanager
def untraced():
    """Stop measuring coverage in this process, and in those that it starts, inside the block."""
    try:
        from coverage import Coverage
    except ImportError:  # an environment without it
        yield
        return
    running = Coverage.current()
    handed_on = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
    for name in handed_on:
        del os.environ[name]
    if running is not None:
        running.stop()
    try:
        yield
    finally:
        if running is not None:
            running.start()
        os.environ.update(handed_on)
