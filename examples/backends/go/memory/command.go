package memory

import (
	"math"
	"strconv"
)

// Forever is a run without an end: the longest that run-end.after can say, some 49 days.
const Forever = math.MaxUint32

// Lasts says how many milliseconds a container with this command runs.
//
// "sleep SECONDS" says so itself, "sleep infinity" and "tail -f …" run until they are stopped, and whatever else is over at once.
func Lasts(command []string) (uint32, error) {
	switch {
	case len(command) >= 2 && command[0] == "tail" && command[1] == "-f":
		return Forever, nil
	case len(command) != 2 || command[0] != "sleep":
		return 0, nil
	case command[1] == "infinity":
		return Forever, nil
	}
	if milliseconds, ok := parseSeconds(command[1]); ok {
		return milliseconds, nil
	}
	// The text goes to Docker's client as it is: what is wrong, and what to do about it.
	return 0, Invalid("memory cannot sleep for \"%s\": write whole seconds, 4294967 at most, or infinity", command[1])
}

func parseSeconds(text string) (uint32, bool) {
	// ParseUint takes digits only, without a sign.
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(text) > 7 || seconds*1000 > Forever {
		return 0, false
	}
	return uint32(seconds * 1000), true
}
