package memory

import (
	"encoding/json"
	"errors"
	"time"

	clock "example.com/backend/imports/sockerless_backend_clock"
	types "example.com/backend/imports/sockerless_backend_types"
)

// What the backend remembers of a container.
//
// Every call runs in a fresh instance, so nothing can be kept in a variable. The host stores the handle and gives it back with every call,
// also to the version of this backend that replaces this one, so its form is a promise: a new form gets a new number.

// The version of the form below.
const version = 1

// State is what is remembered, as JSON. Times are milliseconds since 1970.
type State struct {
	// When the container was created.
	Created uint64 `json:"created"`
	// How often it was started.
	Starts uint64 `json:"starts"`
	// When it was started last; 0 before the first time.
	Started uint64 `json:"started"`
}

// StateOf is what the host has kept of this container. An error if that is nothing, or nothing that this version can read.
func StateOf(container types.Container) (State, error) {
	if container.Handle.IsNone() {
		return State{}, NotFound("memory knows nothing of container %s", container.Name)
	}
	handle := container.Handle.Some()
	if handle.Version != version {
		return State{}, Invalid("the handle of container %s has version %d, and this backend reads version %d",
			container.Name, handle.Version, version)
	}
	// Pointers tell a number that is not there from 0.
	var found struct{ Created, Starts, Started *uint64 }
	err := json.Unmarshal(handle.Data, &found)
	if err == nil && (found.Created == nil || found.Starts == nil || found.Started == nil) {
		err = errors.New("a number is missing")
	}
	if err != nil {
		return State{}, Invalid("the handle of container %s cannot be read: %v", container.Name, err)
	}
	return State{*found.Created, *found.Starts, *found.Started}, nil
}

// ToHandle is what the host is to keep.
func (state State) ToHandle() (types.Handle, error) {
	data, err := json.Marshal(state)
	return types.Handle{Version: version, Data: data}, err
}

// Now is the time, as a State remembers it.
func Now() uint64 {
	now := clock.Now()
	return uint64(time.Unix(now.Seconds, int64(now.Nanoseconds)).UnixMilli())
}

// Timestamp is a time that a State remembers.
func Timestamp(milliseconds uint64) types.Timestamp {
	return types.Timestamp{
		Seconds:     int64(milliseconds / 1000),
		Nanoseconds: uint32(milliseconds%1000) * 1_000_000,
	}
}
