//go:build !race

package userssvc_test

const crowd = 100_000
