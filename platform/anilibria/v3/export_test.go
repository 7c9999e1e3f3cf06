package v3

// NewSocketOver makes a socket over another transport, so that tests can put hosts
// in the process and time under synctest.
var NewSocketOver = newSocket

// DecodeFrame gives the parts of a frame to tests: its type, title and changes.
func DecodeFrame(body []byte) (kind string, id int, changes string, err error) {
	f, err := decodeFrame(body)
	return f.kind, f.id, f.changes.String(), err
}
