// Package memory is what the exports of the backend have in common.
package memory

import (
	"errors"
	"fmt"

	wit "go.bytecodealliance.org/pkg/wit/types"

	types "example.com/backend/imports/sockerless_backend_types"
)

// Failure is an error of the WIT package, as an error of Go.
type Failure struct {
	Is   types.Error
	text string
}

func (failure Failure) Error() string { return failure.text }

func failure(is func(string) types.Error, format string, arguments []any) error {
	text := fmt.Sprintf(format, arguments...)
	return Failure{is(text), text}
}

// NotFound says that the container, or something it needs, does not exist.
func NotFound(format string, arguments ...any) error {
	return failure(types.MakeErrorNotFound, format, arguments)
}

// Invalid says that the request is wrong: the same call will fail again.
func Invalid(format string, arguments ...any) error {
	return failure(types.MakeErrorInvalid, format, arguments)
}

// Configuration says that a key is missing or malformed.
func Configuration(format string, arguments ...any) error {
	return failure(types.MakeErrorConfiguration, format, arguments)
}

// NotSupported says that this backend cannot do that at all.
func NotSupported(format string, arguments ...any) error {
	return failure(types.MakeErrorNotSupported, format, arguments)
}

// Result makes the result of an export of what functions in Go answer.
func Result[T any](value T, err error) wit.Result[T, types.Error] {
	if err == nil {
		return wit.Ok[T, types.Error](value)
	}
	var failure Failure
	if errors.As(err, &failure) {
		return wit.Err[T](failure.Is)
	}
	return wit.Err[T](types.MakeErrorOther(err.Error()))
}
