// Package e2e has the tests that use the program as people do: the built binary,
// its own output, and a browser. It has no code of its own.
package e2e
