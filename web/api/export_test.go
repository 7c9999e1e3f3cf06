package api

// ListKey is for the test that no part of a query is left out of it.
var ListKey = listKey
