// Package archive writes the collections of a document store into one stream and back,
// for whoever operates AniHub: a backup, or the way from one kind of store to another.
//
// The stream is gzip (RFC 1952). Unpacked it begins with the line "AniHub backup", and
// then consists of frames: a letter, the length of what follows as a uint32, and that.
// All numbers are little-endian, all structures BSON.
//
//	h  header      {format, anihub, created_at}
//	c  collection  {name}: its documents follow, in the order of their ids
//	d  document    version int64, length of the id uint16, id, the document
//	e  its end     {name, count, bytes, sha256}: of what follows the version in its d frames
//	t  trailer     {collections, documents, bytes, sha256}: of all unpacked bytes before it
//
// Nothing of a stream is believed before the trailer was read: Check reads all of it, and
// Restore does so before it writes.
package archive

import (
	"errors"
	"time"

	"anihub/platform/documents"
)

// Format is the form that Write writes, and the newest that can be read.
const Format = 1

// What can be wrong with a stream or a store. The errors that wrap them say where.
var (
	ErrNotBackup  = errors.New("this is not a backup of AniHub")
	ErrTruncated  = errors.New("the backup is truncated: its end is missing")
	ErrDamaged    = errors.New("the backup is damaged")
	ErrNewer      = errors.New("the backup was made by a newer AniHub")
	ErrNotEmpty   = errors.New("the store is not empty")
	ErrUnfinished = errors.New("the restore is not complete")
	ErrMoved      = errors.New("the store changed while it was read")
)

// Header is how a backup begins.
type Header struct {
	Format  int       `bson:"format"`
	AniHub  string    `bson:"anihub"` // the version that made it
	Created time.Time `bson:"created_at"`
}

// Part is what a backup holds of one collection. Bytes and SHA256 are those of ids and
// documents, in the order of the ids; of versions they know nothing, so a collection that
// was restored has the same.
type Part struct {
	Name   string `bson:"name"`
	Count  int64  `bson:"count"`
	Bytes  int64  `bson:"bytes"`
	SHA256 []byte `bson:"sha256"`
}

// Summary is what is in a backup.
type Summary struct {
	Header
	Parts     []Part
	Documents int64
	Bytes     int64  // unpacked
	SHA256    []byte // of the unpacked bytes before the trailer
}

func (s Summary) counts() map[string]int64 {
	of := make(map[string]int64, len(s.Parts))
	for _, p := range s.Parts {
		of[p.Name] = p.Count
	}
	return of
}

// Place is a collection in a store.
type Place struct {
	Spec  documents.Spec
	Store documents.Store
}

func (p Place) open() documents.Collection { return p.Store.Collection(p.Spec) }

// Step is how far the work on one collection is.
type Step struct {
	Doing      string // "backed up", "checked", "removed", "restored", "compared"
	Collection string
	Done, Of   int64 // documents; Of is 0 when nobody knows
}

// Progress hears of every document, by one goroutine at a time.
type Progress func(Step)

// trailer is the last frame.
type trailer struct {
	Collections int64  `bson:"collections"`
	Documents   int64  `bson:"documents"`
	Bytes       int64  `bson:"bytes"`
	SHA256      []byte `bson:"sha256"`
}

const magic = "AniHub backup\n"

// The kinds of frames.
const (
	kindHeader     = 'h'
	kindCollection = 'c'
	kindDocument   = 'd'
	kindEnd        = 'e'
	kindTrailer    = 't'
)

const (
	frameHead = 5 // kind and length
	docHead   = 8 // the version
	idHead    = 2 // the length of the id
	maxID     = 512

	maxDocument = docHead + idHead + maxID + documents.MaxBytes
	maxSmall    = 64 << 10 // of every other frame
	maxParts    = 1000
)
