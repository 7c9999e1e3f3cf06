// Package loopbacktest finds addresses for what tests start, kill and start again.
package loopbacktest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Addr is a free address, host:port, that a killed process can come back to.
func Addr(t testing.TB) string {
	t.Helper()
	return addr(Port(t))
}

// Port is the port of such an address. It lies below those that the kernel gives to
// connections (net.ipv4.ip_local_port_range begins at 32768 unless told otherwise: ip(7)),
// of which the tests make thousands.
func Port(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 15_000 + rand.IntN(17_000) //nolint:gosec // not for secrets
		if l, err := net.Listen("tcp", addr(port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("loopbacktest: no port is free")
	return 0
}

func addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
