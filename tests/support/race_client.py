"""One client of a race, in a process of its own: sets one alias and registers versions until its time is over.

Every line that it prints is one answer: what was asked, the HTTP status, the version, and what the server said.
"""

import http.client
import itertools
import json
import random
import sys
import time

LEAST = 6  # calls of one client, on a machine that is too slow for more


def main(port, name, source, seconds, seed):
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    known = ["1", "2"]
    ends = time.monotonic() + seconds
    for number in itertools.count():
        if number >= LEAST and time.monotonic() > ends:
            return
        if number % 2:
            tag = {"key": "call", "value": f"{seed}-{number}"}
            body = {"name": name, "source": source, "model_id": source.removeprefix("models:/"), "tags": [tag]}
            status, said = post(connection, "model-versions/create", body)
            version = said["model_version"]["version"] if status == 200 else None
            known += [version] if version else []
            tell("create", status, version, said)
        else:
            version = chance.choice(known[-6:])
            body = {"name": name, "alias": "champion", "version": version}
            status, said = post(connection, "registered-models/alias", body)
            tell("alias", status, version, said)


def post(connection, method, body):
    connection.request("POST", f"/api/2.0/mlflow/{method}", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def tell(what, status, version, said):
    text = "" if status == 200 else str(said.get("message"))
    sys.stdout.write(json.dumps({"what": what, "status": status, "version": version, "said": text}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
