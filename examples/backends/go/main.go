// The example backend in Go. The exports are in the three folders export_…, where the bindings look for them; begin with
// export_sockerless_backend_lifecycle.
package main

import "runtime/debug"

// Go calls this when an instance is made, before the call that it is for.
func init() {
	// A call has an instance of its own, and its memory goes with it. While it collects garbage Go asks for the time, and a
	// component that does so while the host fills its memory with arguments traps.
	debug.SetGCPercent(-1)
}
