package syncersvc

// Cadence is how long the next poll waits.
var Cadence = cadence
