package memory

import (
	"encoding/json"
	"strings"

	backend "example.com/backend/imports/sockerless_backend_backend"
)

// What becomes of each field of a create body. Nothing is ignored in silence: the findings become warnings of "docker create", or its
// error.

const noFiles = "memory runs nothing that could see a file."

// Fields, by their path in the create body, that have not the effect that Docker gives them.
var rows = []backend.Finding{
	{Field: "HostConfig.Privileged", Verdict: backend.Verdict_Refused, Reason: "memory runs nothing, so nothing of it can be privileged."},
	{Field: "HostConfig.Binds", Verdict: backend.Verdict_Ignored, Reason: noFiles},
	{Field: "HostConfig.Mounts", Verdict: backend.Verdict_Ignored, Reason: noFiles},
	{Field: "HostConfig.PortBindings", Verdict: backend.Verdict_Ignored, Reason: "memory runs nothing that could listen on a port."},
	{Field: "Healthcheck", Verdict: backend.Verdict_Ignored, Reason: "memory runs nothing that could be healthy."},
	{Field: "StopSignal", Verdict: backend.Verdict_Changed, Reason: "memory ends a container at once, whatever the signal."},
}

// Findings is what is to be said about this create body.
func Findings(spec string) ([]backend.Finding, error) {
	var body any
	if err := json.Unmarshal([]byte(spec), &body); err != nil {
		return nil, Invalid("the create body is not JSON: %v", err)
	}
	if _, ok := body.(map[string]any); !ok {
		return nil, Invalid("the create body is not a JSON object")
	}
	var findings []backend.Finding
	for _, row := range rows {
		if !isEmpty(member(body, row.Field)) {
			findings = append(findings, row)
		}
	}
	return findings, nil
}

// member is the value at a path such as "HostConfig.Binds".
func member(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// isEmpty knows the values of a field that nobody has set: Docker's clients send every field.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case float64:
		return value == 0
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}
