package syncersvc

import (
	"encoding/binary"
	"errors"
	"slices"
)

// idSet is which titles a pass has seen, in ascending order.
type idSet []int

// take adds ids and returns those that were not there yet, in their order, each once.
func (s *idSet) take(ids []int) []int {
	var fresh []int
	for _, id := range ids {
		if _, had := slices.BinarySearch(*s, id); !had && !slices.Contains(fresh, id) {
			fresh = append(fresh, id)
		}
	}
	*s = append(*s, fresh...)
	slices.Sort(*s)
	return fresh
}

func (s idSet) has(id int) bool {
	_, has := slices.BinarySearch(s, id)
	return has
}

// pack is the set as the state of a pass keeps it: the distances from one id to the
// next as varints, which is one or two bytes for each title.
func (s idSet) pack() []byte {
	out, last := make([]byte, 0, 2*len(s)), 0
	for _, id := range s {
		out = binary.AppendUvarint(out, uint64(id-last)) //nolint:gosec // ascends from 0
		last = id
	}
	return out
}

var errPacked = errors.New("the list of seen titles cannot be read")

// unpack reads what pack wrote. errPacked.
func unpack(b []byte) (idSet, error) {
	var s idSet
	last := uint64(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step == 0 || step > maxTitleID || last+step > maxTitleID {
			return nil, errPacked
		}
		last += step
		s, b = append(s, int(last)), b[n:] //nolint:gosec // at most maxTitleID
	}
	return s, nil
}
