//go:build race

package userssvc_test

// crowd is fewer under the race detector, which makes every write ten times slower.
const crowd = 2_000
