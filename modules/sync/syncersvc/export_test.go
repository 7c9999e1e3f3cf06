package syncersvc

// Cadence is how long the next poll waits.
var Cadence = cadence

// NewMeter, and what it measures.
var NewMeter = newMeter

// Add takes a reading.
var Add = (*meter).add

// Due tells whether the log is to hear of a reading.
var Due = (*meter).due
