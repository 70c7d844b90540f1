// What people do with dockerode. Ends with an assertion's error, or prints `ok`.
"use strict";

const assert = require("node:assert/strict");
const { PassThrough } = require("node:stream");
const Docker = require("dockerode");

const docker = new Docker({ socketPath: process.env.DOCKER_SOCKET });

/** Everything that a stream says until it ends. */
async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The two streams that are mixed in one. */
async function apart(stream) {
  const out = new PassThrough();
  const err = new PassThrough();
  docker.modem.demuxStream(stream, out, err);
  stream.on("end", () => (out.end(), err.end()));
  return Promise.all([all(out), all(err)]);
}

async function main() {
  assert.equal((await docker.info()).Driver, "azure-functions");

  const pull = await docker.pull("alpine:latest");
  await new Promise((resolve, reject) => docker.modem.followProgress(pull, (error) => (error ? reject(error) : resolve())));

  // A command to its end, with its input.
  const cat = await docker.createContainer({
    Image: "alpine", Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true,
  });
  const attached = await cat.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const output = apart(attached);
  await cat.start();
  attached.end("through and through\n");
  assert.deepEqual(await output, ["through and through\n", ""]);
  assert.equal((await cat.wait()).StatusCode, 0);
  await cat.remove();

  // One that stays.
  const container = await docker.createContainer({ name: "stays", Image: "alpine", Cmd: ["tail", "-f", "/dev/null"], Env: ["A=b c"] });
  await container.start();
  assert.equal((await container.inspect()).State.Running, true);
  assert.deepEqual((await docker.listContainers()).map((c) => c.Names), [["/stays"]]);

  const exec = await container.exec({ Cmd: ["sh", "-c", "echo $A; echo err >&2; exit 5"], AttachStdout: true, AttachStderr: true });
  assert.deepEqual(await apart(await exec.start({})), ["b c\n", "err\n"]);
  assert.equal((await exec.inspect()).ExitCode, 5);

  const shell = await container.exec({ Cmd: ["sh"], AttachStdin: true, AttachStdout: true, AttachStderr: true });
  const session = await shell.start({ hijack: true, stdin: true });
  const said = apart(session);
  session.end("echo typed\n");
  assert.deepEqual(await said, ["typed\n", ""]);

  const waiting = container.wait({ condition: "next-exit" });
  await container.kill();
  assert.equal((await waiting).StatusCode, 137);
  await container.remove();
  await assert.rejects(container.inspect(), (error) => error.statusCode === 404);

  // Networks and volumes are kept, if nothing more.
  const network = await docker.createNetwork({ Name: "lane" });
  assert.equal((await network.inspect()).Name, "lane");
  await network.remove();
  await docker.createVolume({ Name: "box" });
  assert.deepEqual((await docker.listVolumes()).Volumes.map((volume) => volume.Name), ["box"]);
  await docker.getVolume("box").remove();

  console.log("ok");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
