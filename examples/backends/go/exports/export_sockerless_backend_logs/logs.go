// Package export_sockerless_backend_logs is what a container wrote.
package export_sockerless_backend_logs

import (
	"fmt"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	logs "example.com/backend/imports/sockerless_backend_logs"
	types "example.com/backend/imports/sockerless_backend_types"
	"example.com/backend/memory"
)

// Read has all there is on one page: the host picks what was asked for, and adds Docker's framing.
func Read(container types.Container, _ logs.Query, _ wit.Option[string]) wit.Result[logs.Page, types.Error] {
	return memory.Result(read(container))
}

func read(container types.Container) (logs.Page, error) {
	state, err := memory.StateOf(container)
	if err != nil {
		return logs.Page{}, err
	}
	milliseconds, err := memory.Lasts(container.Command)
	if err != nil {
		return logs.Page{}, err
	}
	entries := []logs.Entry{
		entry(state.Created, logs.Source_Stdout, "%s from %s, made of %s", memory.Greeting(), container.Name, container.Image),
	}
	if state.Starts > 0 {
		until := "for its time"
		if milliseconds == memory.Forever {
			until = "until it is stopped"
		}
		entries = append(entries,
			entry(state.Started, logs.Source_Stdout, "start %d: %s", state.Starts, strings.Join(container.Command, " ")),
			entry(state.Started, logs.Source_Stderr, "nothing is run: the container counts as running %s", until))
	}
	return logs.Page{Entries: entries, Next: wit.None[string]()}, nil
}

// entry is one line of a log.
func entry(time uint64, source logs.Source, format string, arguments ...any) logs.Entry {
	// A command may hold newlines, and an entry is one line.
	line := strings.ReplaceAll(fmt.Sprintf(format, arguments...), "\n", " ")
	return logs.Entry{Time: memory.Timestamp(time), Source: source, Line: []byte(line)}
}
