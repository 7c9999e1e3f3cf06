//go:build race

package api_test

// raceEnabled: the race detector changes what is allocated.
const raceEnabled = true
