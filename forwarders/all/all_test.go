package all

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/forwarders/forwardertest"
)

// A folder with a sample.yaml is a platform, and every platform is listed.
func TestEveryFolderIsListed(t *testing.T) {
	samples, err := filepath.Glob("../*/sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var folders, names []string
	for _, path := range samples {
		folders = append(folders, filepath.Base(filepath.Dir(path)))
	}
	for _, p := range Platforms() {
		names = append(names, p.Name)
	}
	slices.Sort(folders)
	slices.Sort(names)
	if diff := cmp.Diff(folders, names); diff != "" {
		t.Errorf("platforms (-folders +listed):\n%s", diff)
	}
}

func TestPlatforms(t *testing.T) {
	for _, p := range Platforms() {
		t.Run(p.Name, func(t *testing.T) {
			if len(p.Kinds) == 0 {
				t.Error("it can be told nothing")
			}
			if len(p.Errors) == 0 || p.Check.Event == "" || p.Check.Harmless == "" {
				t.Error("it has no dictionary of its errors, or no check that says what it leaves behind")
			}
			f, err := p.New(forwardertest.Decode([]byte(p.Sample)), http.DefaultClient)
			if err != nil {
				t.Fatalf("its sample is refused: %v", err)
			}
			if account := f.Account(); !strings.HasPrefix(account, p.Name+":") {
				t.Errorf("account %q does not begin with %s:", account, p.Name)
			}
			if _, err := os.Stat(filepath.Join("..", p.Name, "README.md")); err != nil {
				t.Error(err)
			}
			held := 0
			for _, pattern := range []string{"config.yaml", "*/config.yaml"} { // its own, or a dialect's
				paths, err := filepath.Glob(filepath.Join("..", p.Name, "testdata", pattern))
				if err != nil {
					t.Fatal(err)
				}
				held += len(paths)
			}
			if held == 0 {
				t.Error("nothing below testdata holds it to the contract")
			}
		})
	}
}

func TestFind(t *testing.T) {
	for _, p := range Platforms() {
		if got, ok := Find(p.Name); !ok || got.Name != p.Name {
			t.Errorf("Find(%q) = %q, %t", p.Name, got.Name, ok)
		}
	}
	if p, ok := Find("myspace"); ok {
		t.Errorf("found %q", p.Name)
	}
}

func ExampleFind() {
	p, ok := Find("relay")
	fmt.Println(p.Name, p.MaxBatch, ok)
	// Output: relay 1 true
}
