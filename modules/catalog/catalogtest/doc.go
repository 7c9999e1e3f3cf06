// Package catalogtest is the inspector of the catalogue: the contract that every
// implementation of its door must pass, an upstream in memory to drive it with,
// and a fake of the door for the tests of those who call it.
package catalogtest

import "anihub/modules/catalog"

// Upstream is the truth that the catalogue under test copies.
type Upstream interface {
	// Set makes the upstream know a title, in place of what it knew of that id.
	Set(titles ...catalog.Title)
	// Remove makes it forget a title.
	Remove(id int)
	// Air sets the schedule.
	Air(lines ...Line)
	// Recommend sets what it recommends with a title.
	Recommend(id int, ids ...int)
	// Down makes it answer nothing, or answer again.
	Down(down bool)
}

// Line is a title of the schedule.
type Line struct {
	TitleID, Weekday, NextEpisode int
	Published                     float64
}
