//go:build !race

package main

// raceEnabled: the race detector changes what is allocated.
const raceEnabled = false
