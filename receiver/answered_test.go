package receiver_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/receiver"
)

// Whoever watches the answers hears of each postback's, panics included, and of
// nothing else.
func TestAnswered(t *testing.T) {
	tests := map[string]struct {
		method, target string
		change         func(c *receiver.Config, j *journal)
		want           []string
	}{
		"accepted":            {"GET", "/conversion?click_id=" + clickID, nil, []string{"default 200"}},
		"at a named endpoint": {"GET", "/conversion/meta?click_id=" + clickID, nil, []string{"meta 200"}},
		"an image":            {"GET", "/pixel?click_id=" + clickID, nil, nil}, // no network switches a pixel off
		"nothing durable": {
			"GET", "/conversion/meta?cid=1", func(_ *receiver.Config, j *journal) { j.err = errors.New("disk full") },
			[]string{"meta 503"},
		},
		"panic": {"GET", "/conversion?cid=1", func(c *receiver.Config, _ *journal) { c.Hinter = panicking{} }, []string{"default 503"}},
		"probe": {"HEAD", "/conversion?cid=1", nil, nil},
		"click": {"GET", "/c/spring", nil, nil},
		"none":  {"GET", "/nowhere", nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			j := &journal{}
			cfg := config(j)
			cfg.Answered = func(endpoint string, status int) { got = append(got, fmt.Sprint(endpoint, " ", status)) }
			if tt.change != nil {
				tt.change(&cfg, j)
			}
			do(serve(cfg), httptest.NewRequest(tt.method, tt.target, nil))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
