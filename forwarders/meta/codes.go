package meta

import "subfive"

// codeBlocked is a temporary block for breaking a policy.
const codeBlocked = 368

// class says what an error means, by its numbers. README.md has their sources.
//
// is_transient overrides blame: whatever Meta calls passing is tried again. A
// rate limit stays one, for Meta marks many of those as transient too, and one
// that is not waited for does not pass.
func class(code, subcode int, isTransient bool, status int) subfive.Class {
	c := byCode(code, subcode)
	switch {
	case c == subfive.Throttled:
		return c
	case isTransient:
		return subfive.Transient
	case c == "":
		return byStatus(status)
	}
	return c
}

// byCode returns "" for a code that it does not know.
func byCode(code, subcode int) subfive.Class {
	switch code {
	case 1: // unknown error, possibly downtime
		if subcode == 99 { // but this one is a bad parameter
			return subfive.Rejected
		}
		return subfive.Transient
	case 2, 5000, 21009: // down; internal; dataset not ready for uploads
		return subfive.Transient
	case 4, 17, 32, 341, 613: // limits of app, user, page, app, call rate
		return subfive.Throttled
	case 3, 10, codeBlocked, 2635: // no capability; no permission; blocked; version retired
		return subfive.Misconfigured
	case 102, 104, 190: // session; appsecret_proof; token
		return subfive.Unauthorized
	case 100: // invalid parameter
		if subcode == 33 || subcode == 34 { // no such dataset, or not for this token
			return subfive.Misconfigured
		}
		return subfive.Rejected
	case 105: // too many parameters
		return subfive.Rejected
	}
	switch {
	case code < 0: // internal
		return subfive.Transient
	case code >= 200 && code <= 299: // permissions
		return subfive.Misconfigured
	case code >= 80000 && code <= 80014: // limits of a business use case
		return subfive.Throttled
	}
	return ""
}
