// Package export_sockerless_backend_lifecycle is the life of a container.
//
// The backend remembers containers and runs nothing. It is complete and small, to be read from top to bottom and to be copied. Here are
// the exports of one interface, in the order in which the host calls them; what the backend remembers (handle.go), what it says of a
// create body (plan.go) and how it understands a command (command.go) is in the package memory. What each export is for, and what the host
// does with each error, is written in the WIT package.
package export_sockerless_backend_lifecycle

import (
	"fmt"
	"strconv"

	wit "go.bytecodealliance.org/pkg/wit/types"

	agents "example.com/backend/imports/sockerless_backend_agents"
	lifecycle "example.com/backend/imports/sockerless_backend_lifecycle"
	log "example.com/backend/imports/sockerless_backend_log"
	types "example.com/backend/imports/sockerless_backend_types"
	"example.com/backend/memory"
)

// Create remembers a container.
//
// A backend of a cloud would make the container there, under a name that derives from its id, so that a repeated call finds what the first
// one made. The key is for clouds that recognise repetitions by one.
func Create(container types.Container, _ string) wit.Result[types.Handle, types.Error] {
	// What cannot be started is refused now.
	if _, err := memory.Lasts(container.Command); err != nil {
		return memory.Result(types.Handle{}, err)
	}
	return memory.Result(memory.State{Created: memory.Now()}.ToHandle())
}

// Start counts a start. Nothing is run and no agent reports, so the host is told how long to count the container as running.
func Start(container types.Container, _ string, _ string) wit.Result[lifecycle.Started, types.Error] {
	return memory.Result(start(container))
}

func start(container types.Container) (lifecycle.Started, error) {
	state, err := memory.StateOf(container)
	if err != nil {
		return lifecycle.Started{}, err
	}
	milliseconds, err := memory.Lasts(container.Command)
	if err != nil {
		return lifecycle.Started{}, err
	}
	state.Starts++
	state.Started = memory.Now()
	handle, err := state.ToHandle()
	// Goes to the daemon's log, with the backend's name and the container added.
	log.Write(log.Level_Info, "a container runs in memory only", []wit.Tuple2[string, string]{
		{F0: "starts", F1: strconv.FormatUint(state.Starts, 10)},
		{F0: "milliseconds", F1: strconv.FormatUint(uint64(milliseconds), 10)},
	})
	return lifecycle.Started{Handle: wit.Some(handle), End: lifecycle.MakeRunEndAfter(milliseconds)}, err
}

// Finished is for those that start a command by an HTTP request.
func Finished(types.Container, string, lifecycle.Outcome) wit.Result[lifecycle.RunVerdict, types.Error] {
	return memory.Result(lifecycle.RunVerdict{}, memory.NotSupported("memory sends no request, so none of them can have an outcome"))
}

// Stop ends the run.
func Stop(container types.Container, _ wit.Option[int32], _ string) wit.Result[lifecycle.Disposition, types.Error] {
	return memory.Result(lifecycle.Disposition_Done, endRun(container))
}

// Kill ends the run if the signal is one that ends a process.
func Kill(container types.Container, signal string, _ string) wit.Result[lifecycle.Disposition, types.Error] {
	switch signal {
	case "SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP":
		return memory.Result(lifecycle.Disposition_Done, endRun(container))
	}
	return memory.Result(lifecycle.Disposition_Done, memory.NotSupported("memory runs no process that could take %s", signal))
}

// Restart ends the run, if there is one, and leaves it to the host to start the container again.
func Restart(container types.Container, _ wit.Option[int32], _ string) wit.Result[lifecycle.Disposition, types.Error] {
	return memory.Result(lifecycle.Disposition_HostDefault, endRun(container))
}

// Remove has nothing to delete but the handle, and that the host does. Deleting what is not there is success.
func Remove(types.Container, bool, string) wit.Result[wit.Unit, types.Error] {
	return memory.Result(wit.Unit{}, nil)
}

// Recover is asked when the daemon starts, and before this version takes over from another one. What it cannot read it must not take over:
// the error keeps the version that can.
func Recover(container types.Container) wit.Result[lifecycle.Recovered, types.Error] {
	if container.Handle.IsNone() {
		return memory.Result(lifecycle.MakeRecoveredAbsent(), nil)
	}
	_, err := memory.StateOf(container)
	return memory.Result(lifecycle.MakeRecoveredPresent(wit.None[types.Handle]()), err)
}

// endRun has the host end the run that is under way, if there is one. Docker shows 137 then.
func endRun(container types.Container) error {
	result := agents.Disconnect(container.Id)
	if result.IsOk() {
		return nil
	}
	return fmt.Errorf("the run of container %s could not be ended: %v", container.Name, result.Err())
}
