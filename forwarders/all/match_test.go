package all

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Each key that a platform is said to match by goes out in some golden request,
// and nothing of a platform's rules is empty.
func TestKeysAreSent(t *testing.T) {
	for _, p := range Platforms() {
		t.Run(p.Name, func(t *testing.T) {
			var bodies [][]byte
			for _, pattern := range []string{"*/request.golden", "*/*/request.golden"} {
				paths, err := filepath.Glob(filepath.Join("..", p.Name, "testdata", pattern))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range paths {
					request, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if _, body, ok := bytes.Cut(request, []byte("\n\n")); ok {
						bodies = append(bodies, body)
					}
				}
			}
			if len(bodies) == 0 || len(p.Rules) == 0 {
				t.Fatalf("%d golden requests, %d rules", len(bodies), len(p.Rules))
			}
			for _, key := range p.Keys {
				for _, path := range key.Paths {
					one, found := key, false
					one.Paths = []string{path}
					for _, body := range bodies {
						found = found || one.In(body)
					}
					if !found || key.Is == "" || key.Sent == "" {
						t.Errorf("no golden request has %s at %s, or nothing says what it is (%q, %q)", key.Name, path, key.Is, key.Sent)
					}
				}
			}
		})
	}
}
