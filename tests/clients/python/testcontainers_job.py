"""A job as testcontainers runs one: several steps by exec in one container, files copied in and out."""

from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

with DockerContainer("alpine").with_command("sh -c 'echo ready; tail -f /dev/null'").with_env("A", "one") as container:
    wait_for_logs(container, "ready", timeout=60)
    code, output = container.exec(["sh", "-c", "echo first $A > /tmp/note"])
    assert code == 0, output
    code, output = container.exec(["cat", "/tmp/note"])
    assert (code, output) == (0, b"first one\n"), (code, output)
    wrapped = container.get_wrapped_container()
    parts, stat = wrapped.get_archive("/tmp/note")
    assert stat["size"] == 10, stat
    assert wrapped.put_archive("/var", b"".join(parts))
    code, output = container.exec(["cat", "/var/note"])
    assert (code, output) == (0, b"first one\n"), (code, output)
    code, output = container.exec(["sh", "-c", "exit 9"])
    assert code == 9

print("ok")
