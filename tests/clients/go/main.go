// What people do with the Docker SDK for Go. Ends with an error, or prints `ok`.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := scenario(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

// want is an error unless the two are the same.
func want[T comparable](what string, is, should T) error {
	if is != should {
		return fmt.Errorf("%s: %v instead of %v", what, is, should)
	}
	return nil
}

func scenario(ctx context.Context) error {
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer docker.Close()
	info, err := docker.Info(ctx)
	if err != nil {
		return err
	}
	if err := want("driver", info.Driver, "azure-functions"); err != nil {
		return err
	}

	progress, err := docker.ImagePull(ctx, "alpine", image.PullOptions{})
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, progress); err != nil {
		return err
	}
	progress.Close()

	seen, failed := docker.Events(ctx, events.ListOptions{Filters: filters.NewArgs(filters.Arg("type", "container"))})

	// A command with its input, attached before it starts.
	config := &container.Config{
		Image: "alpine", Cmd: []string{"sh", "-c", "cat; echo done >&2; exit 3"},
		OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	}
	created, err := docker.ContainerCreate(ctx, config, nil, nil, nil, "reads")
	if err != nil {
		return err
	}
	attached, err := docker.ContainerAttach(ctx, created.ID, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return err
	}
	exited, waiting := docker.ContainerWait(ctx, created.ID, container.WaitConditionNextExit)
	if err := docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return err
	}
	if _, err := attached.Conn.Write([]byte("typed\n")); err != nil {
		return err
	}
	if err := attached.CloseWrite(); err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, attached.Reader); err != nil {
		return err
	}
	attached.Close()
	if err := errors.Join(want("stdout", stdout.String(), "typed\n"), want("stderr", stderr.String(), "done\n")); err != nil {
		return err
	}
	select {
	case exit := <-exited:
		if err := want("exit code", exit.StatusCode, 3); err != nil {
			return err
		}
	case err := <-waiting:
		return err
	}
	if err := docker.ContainerRemove(ctx, created.ID, container.RemoveOptions{}); err != nil {
		return err
	}

	if err := stays(ctx, docker); err != nil {
		return err
	}
	if err := kept(ctx, docker); err != nil {
		return err
	}

	order := []events.Action{"create", "attach", "start", "die", "destroy"}
	for _, action := range order {
		select {
		case event := <-seen:
			if err := want("event", event.Action, action); err != nil {
				return err
			}
		case err := <-failed:
			return err
		}
	}
	return nil
}

// stays is about a container that goes on: exec, logs, files, kill.
func stays(ctx context.Context, docker *client.Client) error {
	config := &container.Config{Image: "alpine", Cmd: []string{"sh", "-c", "echo begun; tail -f /dev/null"}, Env: []string{"A=b c"}}
	created, err := docker.ContainerCreate(ctx, config, nil, nil, nil, "stays")
	if err != nil {
		return err
	}
	if err := docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return err
	}
	exec, err := docker.ContainerExecCreate(ctx, created.ID, container.ExecOptions{
		Cmd: []string{"sh", "-c", "echo $A; exit 4"}, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return err
	}
	session, err := docker.ContainerExecAttach(ctx, exec.ID, container.ExecAttachOptions{})
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, session.Reader); err != nil {
		return err
	}
	session.Close()
	inspected, err := docker.ContainerExecInspect(ctx, exec.ID)
	if err != nil {
		return err
	}
	if err := errors.Join(want("exec's output", stdout.String(), "b c\n"), want("exec's code", inspected.ExitCode, 4)); err != nil {
		return err
	}

	logs, err := docker.ContainerLogs(ctx, created.ID, container.LogsOptions{ShowStdout: true, Follow: true})
	if err != nil {
		return err
	}
	line := make([]byte, 8+6)
	if _, err := io.ReadFull(logs, line); err != nil {
		return err
	}
	logs.Close()
	if err := want("log", string(line[8:]), "begun\n"); err != nil {
		return err
	}

	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.WriteHeader(&tar.Header{Name: "note.txt", Mode: 0o640, Size: 5}); err != nil {
		return err
	}
	if _, err := writer.Write([]byte("bytes")); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := docker.CopyToContainer(ctx, created.ID, "/tmp", &archive, container.CopyToContainerOptions{}); err != nil {
		return err
	}
	back, stat, err := docker.CopyFromContainer(ctx, created.ID, "/tmp/note.txt")
	if err != nil {
		return err
	}
	reader := tar.NewReader(back)
	if _, err := reader.Next(); err != nil {
		return err
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	back.Close()
	if err := errors.Join(want("file", string(content), "bytes"), want("mode", stat.Mode.Perm(), 0o640)); err != nil {
		return err
	}

	if err := docker.ContainerKill(ctx, created.ID, "KILL"); err != nil {
		return err
	}
	dead, err := docker.ContainerInspect(ctx, created.ID)
	if err != nil {
		return err
	}
	if err := want("exit code", dead.State.ExitCode, 137); err != nil {
		return err
	}
	return docker.ContainerRemove(ctx, created.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
}

// kept is about networks and volumes, which are kept if nothing more.
func kept(ctx context.Context, docker *client.Client) error {
	lane, err := docker.NetworkCreate(ctx, "lane", network.CreateOptions{Labels: map[string]string{"a": "b"}})
	if err != nil {
		return err
	}
	networks, err := docker.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "a=b"))})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(networks, func(n network.Summary) bool { return n.ID == lane.ID }) {
		return errors.New("the network is not in the list")
	}
	if err := docker.NetworkRemove(ctx, lane.ID); err != nil {
		return err
	}
	if _, err := docker.VolumeCreate(ctx, volume.CreateOptions{Name: "box"}); err != nil {
		return err
	}
	return docker.VolumeRemove(ctx, "box", false)
}
