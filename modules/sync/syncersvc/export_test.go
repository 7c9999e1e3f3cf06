package syncersvc

// Cadence is how long the next poll waits.
var Cadence = cadence

// Packed lets pages be seen and returns what is kept of them, packed and read again.
func Packed(pages [][]int) (ids []int, packed []byte, err error) {
	var seen idSet
	for _, page := range pages {
		seen.take(page)
	}
	packed = seen.pack()
	ids, err = unpack(packed)
	return ids, packed, err
}

// Unpack reads packed ids.
func Unpack(b []byte) ([]int, error) { return unpack(b) }

// NewMeter, and what it measures.
var NewMeter = newMeter

// Add takes a reading.
var Add = (*meter).add

// Due tells whether the log is to hear of a reading.
var Due = (*meter).due
