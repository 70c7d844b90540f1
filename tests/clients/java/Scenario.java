import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.WaitContainerResultCallback;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.Event;
import com.github.dockerjava.api.model.Frame;
import com.github.dockerjava.api.model.StreamType;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientImpl;
import com.github.dockerjava.httpclient5.ApacheDockerHttpClient;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What people do with docker-java. Ends with an exception, or prints `ok`. */
public final class Scenario {
  private static final long PATIENCE = 120;

  private Scenario() {}

  /** Both streams of a process. */
  private static final class Said extends ResultCallback.Adapter<Frame> {
    private final StringBuffer out = new StringBuffer();
    private final StringBuffer err = new StringBuffer();

    @Override
    public void onNext(Frame frame) {
      var text = new String(frame.getPayload(), StandardCharsets.UTF_8);
      (frame.getStreamType() == StreamType.STDERR ? err : out).append(text);
    }
  }

  private static void want(String what, Object is, Object should) {
    if (!should.equals(is)) {
      throw new AssertionError(what + ": " + is + " instead of " + should);
    }
  }

  public static void main(String[] arguments) throws Exception {
    var config = DefaultDockerClientConfig.createDefaultConfigBuilder().build();
    var http = new ApacheDockerHttpClient.Builder().dockerHost(config.getDockerHost()).build();
    try (DockerClient docker = DockerClientImpl.getInstance(config, http)) {
      want("driver", docker.infoCmd().exec().getDriver(), "azure-functions");
      docker.pullImageCmd("alpine").withTag("latest").start().awaitCompletion(PATIENCE, TimeUnit.SECONDS);

      BlockingQueue<String> seen = new LinkedBlockingQueue<>();
      var events = docker.eventsCmd().withEventTypeFilter("container").exec(new ResultCallback.Adapter<Event>() {
        @Override
        public void onNext(Event event) {
          seen.add(event.getAction());
        }
      });
      events.awaitStarted();
      reads(docker);
      stays(docker);
      for (var action : List.of("create", "attach", "start", "die", "destroy")) {
        want("event", seen.poll(PATIENCE, TimeUnit.SECONDS), action);
      }
      events.close();

      var network = docker.createNetworkCmd().withName("lane").exec().getId();
      want("network", docker.inspectNetworkCmd().withNetworkId(network).exec().getName(), "lane");
      docker.removeNetworkCmd(network).exec();
      docker.createVolumeCmd().withName("box").exec();
      want("volumes", docker.listVolumesCmd().exec().getVolumes().get(0).getName(), "box");
      docker.removeVolumeCmd("box").exec();
    }
    System.out.println("ok");
  }

  /** A command with its input, attached before it starts. docker-java does not end the input of a connection, so `cat` would go on. */
  private static void reads(DockerClient docker) throws Exception {
    var id = docker.createContainerCmd("alpine").withName("reads").withCmd("sh", "-c", "head -n 1; echo done >&2; exit 3")
        .withStdinOpen(true).withStdInOnce(true).withAttachStdin(true).withAttachStdout(true).withAttachStderr(true)
        .exec().getId();
    var input = new ByteArrayInputStream("typed\n".getBytes(StandardCharsets.UTF_8));
    var said = docker.attachContainerCmd(id).withStdIn(input).withStdOut(true).withStdErr(true).withFollowStream(true)
        .exec(new Said());
    said.awaitStarted();
    docker.startContainerCmd(id).exec();
    said.awaitCompletion(PATIENCE, TimeUnit.SECONDS);
    want("stdout", said.out.toString(), "typed\n");
    want("stderr", said.err.toString(), "done\n");
    var code = docker.waitContainerCmd(id).exec(new WaitContainerResultCallback()).awaitStatusCode();
    want("exit code", code, 3);
    docker.removeContainerCmd(id).exec();
  }

  /** A container that goes on: exec, logs, files, kill. */
  private static void stays(DockerClient docker) throws Exception {
    var id = docker.createContainerCmd("alpine").withName("stays").withEnv("A=b c")
        .withCmd("sh", "-c", "echo begun; tail -f /dev/null").exec().getId();
    docker.startContainerCmd(id).exec();

    var exec = docker.execCreateCmd(id).withCmd("sh", "-c", "echo $A; exit 4").withAttachStdout(true).exec().getId();
    var said = docker.execStartCmd(exec).exec(new Said());
    said.awaitCompletion(PATIENCE, TimeUnit.SECONDS);
    want("exec's output", said.out.toString(), "b c\n");
    want("exec's code", docker.inspectExecCmd(exec).exec().getExitCodeLong(), 4L);

    BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    var log = docker.logContainerCmd(id).withStdOut(true).withFollowStream(true).exec(new ResultCallback.Adapter<Frame>() {
      @Override
      public void onNext(Frame frame) {
        lines.add(new String(frame.getPayload(), StandardCharsets.UTF_8));
      }
    });
    want("log", lines.poll(PATIENCE, TimeUnit.SECONDS), "begun\n");
    log.close();

    var note = Files.createTempDirectory("sockerless").resolve("note.txt");
    Files.writeString(note, "bytes");
    docker.copyArchiveToContainerCmd(id).withHostResource(note.toString()).withRemotePath("/tmp").exec();
    try (var tar = docker.copyArchiveFromContainerCmd(id, "/tmp/note.txt").exec()) {
      want("file", content(tar.readAllBytes()), "bytes");
    }
    remove(note);

    docker.killContainerCmd(id).exec();
    want("exit code", docker.inspectContainerCmd(id).exec().getState().getExitCodeLong(), 137L);
    docker.removeContainerCmd(id).exec();
    try {
      docker.inspectContainerCmd(id).exec();
      throw new AssertionError("a container that was removed is there");
    } catch (NotFoundException expected) {
      // As it should be.
    }
  }

  /** The only file of an archive: a header of 512 bytes, then the bytes. */
  private static String content(byte[] tar) {
    var size = Integer.parseInt(new String(tar, 124, 11, StandardCharsets.US_ASCII).trim(), 8);
    return new String(tar, 512, size, StandardCharsets.UTF_8);
  }

  private static void remove(Path file) throws IOException {
    Files.delete(file);
    Files.delete(file.getParent());
  }
}
