package api

import "fmt"

// ListKey is for the test that no part of a query is left out of it.
var ListKey = listKey

// Device is for the test of what a user agent is taken for.
var Device = device

// Packet is a packet of Socket.IO taken to pieces: type, namespace, id, data; "" when it is none.
func Packet(b []byte) string {
	p, ok := parsePacket(b)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%c %s %s %s", p.kind, p.namespace, p.id, p.data)
}

// PacketFrame is a packet of Socket.IO as a frame; "" when it is no event.
func PacketFrame(b []byte) string {
	p, ok := parsePacket(b)
	if !ok || p.kind != sioEvent {
		return ""
	}
	frame, _ := p.frame()
	return string(frame)
}
