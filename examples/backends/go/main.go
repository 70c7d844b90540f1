// The example backend in Go. The exports are in exports, in a folder for each interface, where the bindings look for them; begin with
// exports/export_sockerless_backend_lifecycle.
package main

import (
	"runtime/debug"

	// Calls the exports.
	_ "example.com/backend/exports/wit_exports"
)

// Go calls this when an instance is made, before the call that it is for.
func init() {
	// A call has an instance of its own, and its memory goes with it. While it collects garbage Go asks for the time, and a
	// component that does so while the host fills its memory with arguments traps.
	debug.SetGCPercent(-1)
}

// Go wants one in every program. It is not called.
func main() {}
