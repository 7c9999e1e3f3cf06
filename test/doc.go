// Package test holds the system ring: the real binary as child processes, with a
// real redis-server and a MongoDB-wire server that get killed, behind a real nginx
// with the file of deploy/, and a real browser that clicks. Everything is on loopback.
package test
