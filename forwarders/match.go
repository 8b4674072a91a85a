package forwarders

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Key is something that a platform finds the visitor of an event by.
type Key struct {
	Name string // in the platform's words: em
	Is   string // what it is: e-mail address
	Sent string // in which form it goes out: lower case, SHA-256
	// Paths lead to it in a request's body, data.user_data.em; lists on the way
	// are looked through. There is more than one where a platform has several APIs.
	Paths []string
}

// In reports whether a request's body, which is JSON, has the key. A body that
// is none has no keys.
func (k Key) In(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil {
		return false
	}
	for _, path := range k.Paths {
		if leads(tree, strings.Split(path, ".")) {
			return true
		}
	}
	return false
}

// leads reports whether the steps lead to something in the tree.
func leads(tree any, steps []string) bool {
	switch v := tree.(type) {
	case []any:
		for _, item := range v {
			if leads(item, steps) {
				return true
			}
		}
		return false
	case map[string]any:
		if len(steps) == 0 {
			return len(v) > 0
		}
		return leads(v[steps[0]], steps[1:])
	}
	return len(steps) == 0 && tree != nil && tree != ""
}
