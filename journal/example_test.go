package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"subfive"
	"subfive/journal"
)

// The receiver appends and answers, attribution follows and says what the
// database has recorded.
func Example() {
	dir, err := os.MkdirTemp("", "journal-")
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(dir, time.Now, journal.AllowTmpfs())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := j.Resume(nil); err != nil { // the database has recorded nothing yet
		log.Fatal(err)
	}

	at, err := j.Append(ctx, subfive.RecordPostback, []byte(`{"id":"pb_1"}`))
	if err != nil {
		log.Fatal(err)
	}

	entries, err := j.Next(ctx, 500)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Printf("%d: %s, the one appended: %t\n", e.Pos, e.Data, e.Position == at)
	}
	j.Committed([]subfive.Position{entries[len(entries)-1].Position})
	fmt.Println("unrecorded:", j.Stats().Unrecorded)
	if err := errors.Join(j.Close(), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1: {"id":"pb_1"}, the one appended: true
	// unrecorded: 0
}
