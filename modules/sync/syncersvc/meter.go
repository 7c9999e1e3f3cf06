package syncersvc

import "time"

// recentPages is over how many pages the rate is measured: long enough to be calm,
// short enough to follow an upstream that slows down.
const recentPages = 16

// The least distance of two lines in the log about one pass: both must be reached.
const (
	logEvery = 10 * time.Second
	logShare = 10 // a tenth of the whole
)

// reading is how many titles were done at a moment.
type reading struct {
	at   time.Time
	done int
}

// meter measures how fast a run gets on. What a former runner did is not its merit:
// it begins with what it found done.
type meter struct {
	readings []reading // oldest first
	logged   reading
}

func newMeter(at time.Time, done int) *meter {
	first := reading{at, done}
	return &meter{readings: []reading{first}, logged: first}
}

// add takes a reading. Rate is in titles per second, 0 = unknown, as that of one title
// alone; eta is when the rest will be done at that rate, zero = unknown or nothing is
// left.
func (m *meter) add(at time.Time, done, total int) (rate float64, eta time.Time) {
	m.readings = append(m.readings, reading{at, done})
	if len(m.readings) > recentPages+1 {
		m.readings = m.readings[1:]
	}
	first := m.readings[0]
	took := at.Sub(first.at).Seconds()
	if took <= 0 || done <= first.done || total == 1 {
		return 0, time.Time{}
	}
	rate = float64(done-first.done) / took
	if done >= total {
		return rate, time.Time{}
	}
	left := time.Duration(float64(total-done) / rate * float64(time.Second))
	return rate, at.Add(left).UTC().Truncate(time.Millisecond)
}

// due tells whether the log is to hear of this reading.
func (m *meter) due(at time.Time, done, total int) bool {
	if at.Sub(m.logged.at) < logEvery || (done-m.logged.done)*logShare < total {
		return false
	}
	m.logged = reading{at, done}
	return true
}
