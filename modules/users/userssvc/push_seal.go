package userssvc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// Messages are encrypted for the browser as RFC 8291 has it: a key that both ends
// derive from an exchange on P-256 and the secret that the browser gave out, and one
// record of aes128gcm (RFC 8188).

const (
	saltBytes = 16
	// recordBytes is what the one record may have, sealed; it is what every push
	// service takes (RFC 8030 §7.2).
	recordBytes = 4096
	// maxPlain leaves room in such a body for its head, the delimiter and the tag.
	maxPlain = recordBytes - (saltBytes + 4 + 1 + 65) - 1 - 16
)

var errTooLong = errors.New("the message is too long to be pushed")

// seal encrypts plain for the holder of to and auth. Once is a key that is used for
// nothing else.
func seal(plain []byte, to *ecdh.PublicKey, auth []byte, once *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, errTooLong
	}
	shared, err := once.ECDH(to)
	if err != nil {
		return nil, err
	}
	from := once.PublicKey().Bytes()
	info := slices.Concat([]byte("WebPush: info\x00"), to.Bytes(), from)
	secret, err1 := hkdf.Key(sha256.New, shared, auth, string(info), 32)
	key, err2 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, err3 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint32(slices.Clone(salt), recordBytes)
	head = append(append(head, byte(len(from))), from...)
	const last = 2 // delimits the last record
	return gcm.Seal(head, nonce, append(slices.Clone(plain), last), nil), nil
}
