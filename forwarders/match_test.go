package forwarders_test

import (
	"testing"

	"subfive/forwarders"
)

func TestKeyIn(t *testing.T) {
	email := forwarders.Key{Paths: []string{"data.user.em", "events.email"}}
	tests := map[string]struct {
		body string
		want bool
	}{
		"there":            {`{"data":[{"user":{"em":["aa"]}}]}`, true},
		"by its other way": {`{"events":{"email":"aa"}}`, true},
		"in the second":    {`{"data":[{"user":{}},{"user":{"em":"aa"}}]}`, true},
		"an empty list":    {`{"data":[{"user":{"em":[]}}]}`, false},
		"an empty text":    {`{"data":[{"user":{"em":""}}]}`, false},
		"nothing":          {`{"data":[{"user":{"em":null}}]}`, false},
		"deeper than it":   {`{"data":[{"user":"em"}]}`, false},
		"a number is one":  {`{"events":{"email":0}}`, true},
		"no JSON":          {`em=aa`, false},
		"no body":          {``, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := email.In([]byte(test.body)); got != test.want {
				t.Errorf("In(%s) = %t", test.body, got)
			}
		})
	}
}
