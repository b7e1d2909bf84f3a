"""The server of the demo ends with the demo, whichever way that ends."""

import os
import signal
import sys
import threading

import pytest

from aims_mlflow.demo.server import GatedServer


class Sleeper(GatedServer):
    """A process in the server's place, which waits for a signal."""

    def command(self):
        return [sys.executable, "-c", "import time; time.sleep(600)"]

    def _wait(self):
        pass


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("plain_signals")
def test_a_signal_that_ends_the_demo_stops_its_server(sent, tmp_path):
    server = Sleeper(tmp_path, {})
    timer = threading.Timer(1.0, os.kill, [os.getpid(), sent])
    timer.start()
    with pytest.raises(SystemExit) as ended, server:
        server.serve()
    assert ended.value.code == 128 + sent
    assert server._process.poll() is not None
    assert signal.getsignal(sent) is signal.SIG_DFL


def test_a_handler_of_somebody_else_stays(tmp_path):
    def own(*_):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, own)
    try:
        with Sleeper(tmp_path, {}):
            assert signal.getsignal(signal.SIGTERM) is own
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
