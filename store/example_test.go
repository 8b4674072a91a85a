package store

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"subfive"
)

// A store in a file, with a source that is configured over the API.
func Example() {
	dir, err := os.MkdirTemp("", "subfive-example-")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	s, err := Open(ctx, filepath.Join(dir, "subfive.db"))
	if err != nil {
		log.Fatal(err)
	}
	source := subfive.Source{ID: "meta-us", Platform: "meta", Currency: "USD"}
	err = s.Apply(ctx, "anna", []ResourceChange{{
		Kind: KindSource, ID: source.ID, Value: source, Origin: OriginAPI,
	}}, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	setup, err := s.Setup(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("version", setup.Version, "source", setup.Sources[0].ID)
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	// Output: version 1 source meta-us
}
