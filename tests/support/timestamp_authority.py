"""A real time-stamping authority for tests: openssl's, behind an HTTP server on this machine."""

import http.server
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""
EXTENSIONS = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"


class Authority:
    """Answers RFC 3161 queries; `root` is the certificate to trust, `broken` makes it refuse connections' content."""

    def __init__(self, folder):
        self.folder, self.broken, self.asked = folder, False, 0
        self._make()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                if outer.broken:
                    self.send_error(503)
                    return
                answer = outer.reply(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/tsr"

    def _openssl(self, *arguments):
        command = ["openssl", *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def _make(self):
        f = self.folder
        (f / "serial").write_text("01\n")
        (f / "tsa.cnf").write_text(CONFIG.format(folder=f))
        (f / "ext.cnf").write_text(EXTENSIONS)
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem",
                      "-days", "3650", "-subj", "/CN=Test TSA Root")  # fmt: skip
        self._openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA"
        )
        self._openssl("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                      "-days", "3650", "-extfile", "ext.cnf", "-out", "tsa.pem")  # fmt: skip

    @property
    def root(self):
        return (self.folder / "root.pem").read_bytes()

    def reply(self, query):
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            asked, answer = Path(place) / "q.tsq", Path(place) / "a.tsr"
            asked.write_bytes(query)
            self._openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", asked, "-out", answer)
            return answer.read_bytes()

    def close(self):
        self._server.shutdown()


def keep_receipt(ledger, size, place, receipt):
    """Let a ledger have a time stamp on its checkpoint over `size` leaves."""
    import sqlalchemy as sa

    with sa.create_engine(ledger.uri).begin() as connection:
        connection.execute(
            sa.text("INSERT INTO aims_deliveries VALUES (:s, :p, '2026', '2026', 1, '2026', NULL, :r)"),
            {"s": size, "p": place, "r": receipt},
        )


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    pytest.importorskip("rfc3161_client", reason="rfc3161-client is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = Authority(tmp_path_factory.mktemp("tsa"))
    yield made
    made.close()
