// Package export_sockerless_backend_backend says who the backend is, and what it makes of a create body.
package export_sockerless_backend_backend

import (
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	backend "example.com/backend/imports/sockerless_backend_backend"
	types "example.com/backend/imports/sockerless_backend_types"
	"example.com/backend/memory"
)

// Describe is called first, and before there is a configuration.
func Describe() backend.Descriptor {
	return backend.Descriptor{
		Name:            "memory",
		Version:         "0.1.0-go",
		Driver:          "memory",
		OperatingSystem: "memory, written in Go",
		Cpus:            1,
		Memory:          1 << 30,
		Config: []backend.ConfigKey{{
			Name:         memory.GreetingKey,
			DefaultValue: wit.Some(memory.DefaultGreeting),
			Help:         "The first words of every container's log, on one line.",
		}},
		// It contacts nothing. A backend of a cloud names the cloud's hosts here, and the scopes of its tokens.
		Hosts:  nil,
		Scopes: nil,
	}
}

// Check refuses the component by an error, so that a wrong setting shows at load and not at the first container.
func Check() wit.Result[wit.Unit, types.Error] {
	var err error
	if greeting := memory.Greeting(); greeting == "" || strings.ContainsAny(greeting, "\r\n") {
		err = memory.Configuration("%s, the first words of every log, must be one line that is not empty", memory.GreetingKey)
	}
	return memory.Result(wit.Unit{}, err)
}

// Plan says what becomes of each field of a create body.
func Plan(spec string) wit.Result[[]backend.Finding, types.Error] {
	return memory.Result(memory.Findings(spec))
}
