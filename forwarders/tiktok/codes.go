package tiktok

import (
	"net/http"

	"subfive"
)

// The codes that have a name here.
const (
	codeOK       = 0
	codePartial  = 20001 // some were taken, and it does not say which
	codeThrottle = 40100
)

// class says what a code means. README.md has the sources. TikTok's HTTP status
// can be relied on in neither direction: it decides only about codes that the
// documentation has no range for.
func class(code, status int) subfive.Class {
	switch code {
	case codeOK:
		return subfive.Accepted
	case codePartial:
		return subfive.Transient
	case 40001: // no permission for this pixel, or the token lacks the scope
		return subfive.Misconfigured
	case codeThrottle, 51021:
		return subfive.Throttled
	case 40200, 40201, 40202, 40700: // conflicts with something that runs
		return subfive.Transient
	}
	switch {
	case code > codeThrottle && code < 40200: // token and app
		return subfive.Unauthorized
	case code >= 40000 && code < 50000: // 40002 and its like: the request is wrong
		return subfive.Rejected
	case code >= 50000 && code < 60000: // of TikTok's system and services
		return subfive.Transient
	}
	return byStatus(status)
}

// byStatus is the last resort, when no number of TikTok's says more.
func byStatus(status int) subfive.Class {
	switch status {
	case http.StatusUnauthorized:
		return subfive.Unauthorized
	case http.StatusTooManyRequests:
		return subfive.Throttled
	case http.StatusRequestEntityTooLarge:
		return subfive.Rejected
	}
	return subfive.Transient
}
