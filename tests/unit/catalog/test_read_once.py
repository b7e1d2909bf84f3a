"""A catalog is read once, however many threads want it first."""

import threading
import time

from aims_mlflow.catalog import loader


def test_threads_that_want_a_catalog_at_the_same_time_read_it_once():
    reads, got = [], []

    def read():
        reads.append(1)
        time.sleep(0.05)
        return {"A.2.2": "policy"}

    known = loader.read_once(read)
    threads = [threading.Thread(target=lambda: got.append(known())) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert reads == [1]
    assert len(got) == 8
    assert all(each is got[0] for each in got)
