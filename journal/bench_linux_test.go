package journal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"subfive"
)

// benchCallers are how many requests wait for their commit at once.
var benchCallers = []int{1, 64, 256}

const benchRecord = 400 // bytes, about a click

// BenchmarkAppend compares the journal with what it is made of: the same engine
// with a transaction a record, and a preallocated file with an fdatasync for
// each batch of as many records as there are callers, which no log can beat.
//
//	go test ./journal -run '^$' -bench Append -benchtime 2s
func BenchmarkAppend(b *testing.B) {
	data := bytes.Repeat([]byte("x"), benchRecord)
	for _, callers := range benchCallers {
		b.Run(fmt.Sprintf("journal/callers=%d", callers), func(b *testing.B) {
			j, err := Open(b.TempDir(), time.Now)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := j.Close(); err != nil {
					b.Error(err)
				}
			}()
			inParallel(b, callers, func() error {
				_, err := j.Append(b.Context(), subfive.RecordPostback, data)
				return err
			})
		})
	}
	for _, callers := range benchCallers {
		b.Run(fmt.Sprintf("transaction-a-record/callers=%d", callers), func(b *testing.B) {
			a, err := create(b.Context(), newSegment(b.TempDir(), 1))
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := a.abandon(); err != nil {
					b.Error(err)
				}
			}()
			var mu sync.Mutex
			var last int64
			inParallel(b, callers, func() error {
				mu.Lock()
				defer mu.Unlock()
				if err := a.insert(context.WithoutCancel(b.Context()), &group{data: data, ends: []int{len(data)}}, last, 1); err != nil {
					return err
				}
				last++
				return a.commit()
			})
		})
	}
	for _, callers := range benchCallers {
		b.Run(fmt.Sprintf("raw-file/batch=%d", callers), func(b *testing.B) { benchRaw(b, data, callers) })
	}
}

// inParallel spreads b.N calls of do over callers.
func inParallel(b *testing.B, callers int, do func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// benchRaw writes batches to a preallocated file, round and round.
func benchRaw(b *testing.B, data []byte, batch int) {
	const size = 64 << 20
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	}()
	for range size >> 20 { // written, not only reserved: no metadata changes later
		if _, err := f.Write(make([]byte, 1<<20)); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	block := bytes.Repeat(data, batch)
	var at int64
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		if at+int64(len(block)) > size {
			at = 0
		}
		if _, err := f.WriteAt(block, at); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		at += int64(len(block))
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
