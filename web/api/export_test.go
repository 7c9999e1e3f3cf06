package api

// ListKey is for the test that no part of a query is left out of it.
var ListKey = listKey

// Device is for the test of what a user agent is taken for.
var Device = device
