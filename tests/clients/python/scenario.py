"""What people do with the Docker SDK for Python. Ends with an assertion's error, or prints `ok`."""

import io
import tarfile
import threading

import docker

client = docker.from_env()

# Who is there.
assert client.ping()
assert client.info()["Driver"] == "azure-functions"
assert any(c["Name"] == "backend azf" for c in client.version()["Components"])

# A pull registers the reference.
image = client.images.pull("alpine", tag="latest")
assert "alpine:latest" in image.tags, image.tags

# A command to its end, with its output.
assert client.containers.run("alpine", ["echo", "hello"], remove=True) == b"hello\n"

# One that fails.
try:
    client.containers.run("alpine", ["sh", "-c", "echo oops >&2; exit 3"], remove=True)
    raise AssertionError("a command that fails is no success")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3, error

# One that stays.
seen = []
events = client.events(decode=True, filters={"type": "container"})
listener = threading.Thread(target=lambda: seen.extend(event["Action"] for event in events), daemon=True)
listener.start()
container = client.containers.run(
    "alpine", ["tail", "-f", "/dev/null"], detach=True, name="stays", environment={"A": "b c"}, labels={"x": "y z"}
)
container.reload()
assert container.status == "running"
assert container.labels == {"x": "y z"}
assert [c.id for c in client.containers.list(filters={"label": "x=y z"})] == [container.id]

code, output = container.exec_run(["sh", "-c", "echo $A; exit 4"])
assert (code, output) == (4, b"b c\n"), (code, output)
code, (out, err) = container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
assert (code, out, err) == (0, b"out\n", b"err\n"), (code, out, err)
code, stream = container.exec_run(["sh", "-c", "for n in 1 2 3; do echo $n; done"], stream=True)
assert b"".join(stream) == b"1\n2\n3\n"

# Files, both ways.
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("note.txt")
    entry.size = 5
    tar.addfile(entry, io.BytesIO(b"bytes"))
assert container.put_archive("/tmp", archive.getvalue())
parts, stat = container.get_archive("/tmp/note.txt")
assert (stat["name"], stat["size"]) == ("note.txt", 5), stat
with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as tar:
    assert tar.extractfile("note.txt").read() == b"bytes"

assert any("tail -f /dev/null" in " ".join(row) for row in container.top()["Processes"])
container.kill()
assert container.wait()["StatusCode"] == 137
container.remove()
try:
    client.containers.get("stays")
    raise AssertionError("a container that was removed is there")
except docker.errors.NotFound:
    pass
events.close()
listener.join(30)
wanted = ["create", "start", "kill", "die", "destroy"]
assert [action for action in seen if action in wanted] == wanted, seen

# Networks and volumes are kept, if nothing more.
network = client.networks.create("lane", labels={"a": "b"})
assert [n.name for n in client.networks.list(names=["lane"])] == ["lane"]
network.remove()
volume = client.volumes.create("box")
assert client.volumes.get("box").id == volume.id
volume.remove()

print("ok")
