package realtimesvc

import (
	"fmt"
	"time"
)

// Config is modules.realtime. The limits are those of SPEC §5.
type Config struct {
	QueueBytes            int           `yaml:"queue_bytes"`              // waiting for one viewer; over it the conversation ends with 4008
	MaxSubscriptions      int           `yaml:"max_subscriptions"`        // of one conversation
	MaxConnectionsPerUser int           `yaml:"max_connections_per_user"` // signed-in conversations of one user
	Commands              int           `yaml:"commands"`                 // per commands_window; twice as many end the conversation with 4029
	CommandsWindow        time.Duration `yaml:"commands_window"`
	Ping                  time.Duration `yaml:"ping"`          // how often a transport asks whether the viewer is there
	Pong                  time.Duration `yaml:"pong"`          // and how long it waits for the answer
	DrainSeconds          int           `yaml:"drain_seconds"` // at shutdown viewers are told to return spread over this long
	Anonymous             bool          `yaml:"anonymous"`     // false: who does not sign in within 10 s is closed with 4401
}

// DefaultConfig is the configuration of an operator who set nothing.
func DefaultConfig() Config {
	return Config{
		QueueBytes:            256 << 10,
		MaxSubscriptions:      1000,
		MaxConnectionsPerUser: 20,
		Commands:              50,
		CommandsWindow:        10 * time.Second,
		Ping:                  25 * time.Second,
		Pong:                  10 * time.Second,
		DrainSeconds:          10,
		Anonymous:             true,
	}
}

// Validate names the first key whose value is not acceptable.
func (c Config) Validate() error {
	numbers := []struct {
		key           string
		is, low, high int
	}{
		{"queue_bytes", c.QueueBytes, 64 << 10, 64 << 20}, // a page of the largest events fits
		{"max_subscriptions", c.MaxSubscriptions, 1, 100_000},
		{"max_connections_per_user", c.MaxConnectionsPerUser, 1, 100_000},
		{"commands", c.Commands, 1, 1_000_000},
		{"drain_seconds", c.DrainSeconds, 0, 3600},
	}
	for _, n := range numbers {
		if n.is < n.low || n.is > n.high {
			return fmt.Errorf("%s: must be %d to %d, is %d", n.key, n.low, n.high, n.is)
		}
	}
	times := []struct {
		key string
		is  time.Duration
	}{
		{"commands_window", c.CommandsWindow}, {"ping", c.Ping}, {"pong", c.Pong},
	}
	for _, t := range times {
		if t.is < time.Second || t.is > time.Hour {
			return fmt.Errorf("%s: must be 1s to 1h, is %s", t.key, t.is)
		}
	}
	return nil
}
