package auth

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltBytes = 16
	keyBytes  = 32
)

// cost is what argon2id is asked to spend.
type cost struct {
	memory      uint32 // KiB
	iterations  uint32
	parallelism uint8
}

// phc writes a hash as $argon2id$v=19$m=…,t=…,p=…$salt$key (the PHC string format).
func (c cost) phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		c.memory, c.iterations, c.parallelism, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// The most that a stored hash may ask for: a damaged one must not eat the machine.
const (
	maxMemory     = 1 << 20 // KiB
	maxIterations = 64
)

// parsePHC reads what phc wrote, byte for byte.
func parsePHC(stored string) (cost, []byte, []byte, error) {
	var c cost
	fields := strings.Split(stored, "$")
	if len(fields) != 6 || len(stored) > 256 {
		return c, nil, nil, errPHC
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &c.memory, &c.iterations, &c.parallelism); err != nil {
		return c, nil, nil, errPHC
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	if err != nil || len(salt) < 8 {
		return c, nil, nil, errPHC
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if err != nil || len(key) < 16 || len(key) > 64 || !c.bearable() {
		return c, nil, nil, errPHC
	}
	if c.phc(salt, key) != stored {
		return c, nil, nil, errPHC
	}
	return c, salt, key, nil
}

func (c cost) bearable() bool {
	return c.memory >= 8 && c.memory <= maxMemory &&
		c.iterations >= 1 && c.iterations <= maxIterations && c.parallelism >= 1
}
