package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/web/envelope"
)

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

// SetWriteTimeout is for tests of viewers who do not read.
func SetWriteTimeout(a *API, d time.Duration) { a.events.cfg.WriteTimeout = d }

// StreamFrames are the frames that a request for a stream becomes.
func StreamFrames(r *http.Request) (frames [][]byte, err error) {
	c := echo.New().NewContext(r, nil)
	commands, _, err := streamCommands(envelope.ReadQueryUpTo(c, maxStreamList, "titles", "types", "since"), r)
	for _, cmd := range commands {
		frames = append(frames, cmd.frame)
	}
	return frames, err
}
