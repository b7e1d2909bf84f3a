"""One client of a soak, in a process of its own: creations, aliases, tags and reads until it gets TERM.

Every line that it prints is one answer: what was asked and when, of which model and version, and the HTTP status. Status 0
says that the server was not there; the client then waits until it is, and goes on.
"""

import http.client
import itertools
import json
import random
import signal
import sys
import time
from types import SimpleNamespace

LONGEST = 120.0  # seconds that a client of MLflow waits for an answer
PAUSE = 0.4  # seconds between two calls, at the mean


class Client:
    """Calls one server, and remembers which versions it made of which model."""

    def __init__(self, port, seed, names, sources):
        self.port, self.seed, self.names = port, seed, names
        self.good, self.bad = sources
        self.chance = random.Random(seed)
        self.known = {name: ["1"] for name in names}
        self.connection = self.connect()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)

    def call(self, number):
        """Make one call; returns its answer."""
        what = self.chance.choices(tuple(CALLS), [share for share, _ in CALLS.values()])[0]
        name = self.names[self.seed % len(self.names)] if self.chance.random() < 0.7 else self.chance.choice(self.names)
        version = self.chance.choice(self.known[name][-6:])
        asked = SimpleNamespace(name=name, version=version, key=f"c{self.seed}.{number}", good=self.good, bad=self.bad)
        method, path, body = CALLS[what][1](asked)
        begun = time.time()
        status, said = self.send(method, path, body)
        if what == "create" and status == 200:
            asked.version = said["model_version"]["version"]
            self.known[name].append(asked.version)
        return {
            "what": what, "name": name, "version": asked.version, "key": asked.key, "status": status,
            "said": "" if status == 200 else str(said)[:500], "begun": begun, "seconds": time.time() - begun,
        }  # fmt: skip

    def send(self, method, path, body):
        try:
            headers = {"Content-Type": "application/json"}
            self.connection.request(method, f"/api/2.0/mlflow/{path}", json.dumps(body) if body else None, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            self.connection.close()
            self.connection = self.connect()
            return 0, repr(exc)
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def wait(self):
        """Wait until the server answers again."""
        while not STOPPED and self.healthy() != 200:
            time.sleep(0.5)

    def healthy(self):
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            probe.request("GET", "/health")
            return probe.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            probe.close()


def creation(asked, source):
    tag = {"key": "call", "value": asked.key}
    body = {"name": asked.name, "source": source, "model_id": source.removeprefix("models:/"), "tags": [tag]}
    return "POST", "model-versions/create", body


def alias(asked, which):
    return "POST", "registered-models/alias", {"name": asked.name, "alias": which, "version": asked.version}


def tag(asked):
    body = {"name": asked.name, "version": asked.version, "key": asked.key, "value": "on"}
    return "POST", "model-versions/set-tag", body


def model_tag(asked):
    return "POST", "registered-models/set-tag", {"name": asked.name, "key": asked.key, "value": "on"}


def holder(asked):
    return "GET", f"registered-models/alias?name={asked.name}&alias=champion", None


def one_version(asked):
    return "GET", f"model-versions/get?name={asked.name}&version={asked.version}", None


def some_versions(asked):
    return "GET", f"model-versions/search?filter=name%3D%27{asked.name}%27&max_results=5", None


# What is asked: its share of the calls, and the request.
CALLS = {
    "create": (22, lambda asked: creation(asked, asked.good)),
    "create without evidence": (4, lambda asked: creation(asked, asked.bad)),
    "alias": (24, lambda asked: alias(asked, "champion")),
    "ungated alias": (4, lambda asked: alias(asked, f"trial-{asked.key[1:].partition('.')[0]}")),
    "tag": (14, tag),
    "model tag": (2, model_tag),
    "read holder": (12, holder),
    "read version": (12, one_version),
    "read versions": (6, some_versions),
}
STOPPED = []


def main(port, seed, names, sources):
    signal.signal(signal.SIGTERM, lambda *_: STOPPED.append(True))
    client = Client(port, seed, names, sources)
    for number in itertools.count():
        if STOPPED:
            return
        answer = client.call(number)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if answer["status"] == 0:
            client.wait()
        time.sleep(client.chance.expovariate(1 / PAUSE))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4].split(","))
