"""A value that is made for one object keeps no other object waiting, on Python 3.11 too."""

import threading
from dataclasses import dataclass

from aims_mlflow.cached_values import cached_property


@dataclass(frozen=True)
class Slow:
    made: list
    go: threading.Event

    @cached_property
    def value(self):
        """What takes until `go`."""
        self.made.append(1)
        assert self.go.wait(30)
        return len(self.made)


def test_an_object_does_not_wait_for_the_value_of_another():
    held, free = threading.Event(), threading.Event()
    free.set()
    slow, quick, got = Slow([], held), Slow([], free), []
    thread = threading.Thread(target=lambda: got.append(slow.value))
    thread.start()
    while not slow.made:
        pass
    other = threading.Thread(target=lambda: got.append(quick.value), daemon=True)
    other.start()
    other.join(10)
    try:
        assert got == [1]
    finally:
        held.set()
        thread.join()
    assert got == [1, 1]


def test_a_value_is_made_once_and_the_class_has_the_property():
    free = threading.Event()
    free.set()
    slow = Slow([], free)
    assert (slow.value, slow.value) == (1, 1)
    assert Slow.value.__doc__ == "What takes until `go`."
