package journal

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"subfive"
)

// survives checks that whatever lies in a segment's file and its log, reading it
// ends, and the journal starts and takes new records.
func survives(t *testing.T, file, log []byte) {
	t.Helper()
	dir := t.TempDir()
	id := uuid.NewString()
	path := filepath.Join(dir, "0000000001-"+id+segmentSuffix)
	write(file)(t, path)
	write(log)(t, path+walSuffix)
	read := 0
	err := Read(t.Context(), dir, func(e subfive.Entry) error {
		if e.Segment != id {
			t.Errorf("a record of segment %s", e.Segment)
		}
		read++
		return nil
	})
	j := open(t, dir)
	s := j.Stats()
	if err == nil && int64(read) != s.Unrecorded {
		t.Errorf("Read found %d records, Open %d", read, s.Unrecorded)
	}
	p := mustAppend(t, j, "new")
	for got := (subfive.Position{}); got != p; {
		es, err := j.Next(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		got = es[len(es)-1].Position
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	whole, err := os.ReadFile(filled(f, dir, 40))
	if err != nil {
		f.Fatal(err)
	}
	j := open(f, f.TempDir())
	mustAppend(f, j, "in the log")
	file, err := os.ReadFile(j.active.seg.path)
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(j.active.seg.path + walSuffix)
	if err != nil {
		f.Fatal(err)
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(whole, []byte{})
	f.Add(whole[:len(whole)/2], []byte{})
	f.Add(whole[:100], log)
	f.Add(file, log)
	f.Add(file, log[:len(log)-1])
	f.Add([]byte{}, log)
	f.Add([]byte("no database"), []byte("no log"))
	f.Fuzz(survives)
}

// Chance finds lengths that are too large, rows out of order and pages in a
// circle sooner than the fuzzer does, which is slow with an engine inside.
func TestDamageAnywhere(t *testing.T) {
	whole, err := os.ReadFile(filled(t, t.TempDir(), 400))
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		file := slices.Clone(whole)
		for range 1 + rng.IntN(4) {
			at, n := rng.IntN(len(file)), 1
			switch rng.IntN(3) {
			case 0: // part of a page's header and of its pointers
				at, n = at/pageSize*pageSize+rng.IntN(20), 1+rng.IntN(12)
			case 1: // more than a page
				n = rng.IntN(5000)
			}
			for i := at; i < min(at+n, len(file)); i++ {
				file[i] = byte(rng.Uint32())
			}
		}
		survives(t, file, nil)
	}
}

// A page that holds itself made Next run in a circle.
func TestPageInACircle(t *testing.T) {
	whole, err := os.ReadFile(filled(t, t.TempDir(), 400))
	if err != nil {
		t.Fatal(err)
	}
	root := whole[pageSize : 2*pageSize] // the table's: its children are the leaves
	if root[0] != 5 {
		t.Fatalf("the root is a page of type %d", root[0])
	}
	first := int(root[12])<<8 | int(root[13]) // the first cell: the first child's number
	second := int(root[14])<<8 | int(root[15])
	copy(root[second:second+4], root[first:first+4])
	survives(t, whole, nil)
}
