package memory

import config "example.com/backend/imports/sockerless_backend_config"

// GreetingKey is a key of the configuration: an environment variable of the daemon, or a setting in its file.
const GreetingKey = "SOCKERLESS_MEMORY_GREETING"

// DefaultGreeting is the value of the key that nobody has set.
const DefaultGreeting = "hello"

// Greeting is the value of the key.
func Greeting() string {
	return config.Get(GreetingKey).SomeOr(DefaultGreeting)
}
