package journal

import (
	"context"
	"fmt"
	"runtime"

	"subfive"
)

const (
	// recordOverhead is what a record takes on disk beyond its bytes.
	recordOverhead = 24
	// maxGroup bounds the bytes of one commit, maxQueued those that wait for
	// theirs while the disk hangs, maxRecent those kept in memory for Next.
	maxGroup  = 4 << 20
	maxQueued = 64 << 20
	maxRecent = 8 << 20
)

// group is records that share one commit, hence one answer.
type group struct {
	data []byte // one record after the other
	ends []int  // where each ends
	done chan struct{}

	// Known when done is closed: where the records are, or why they are not.
	seg   *segment
	first int64
	err   error
}

func (g *group) len() int { return len(g.ends) }

// record returns the i-th record's bytes, never nil.
func (g *group) record(i int) []byte {
	start := 0
	if i > 0 {
		start = g.ends[i-1]
	}
	return g.data[start:g.ends[i]:g.ends[i]]
}

// weight is what the group is expected to take on disk.
func (g *group) weight() int64 { return weight(g.len(), len(g.data)) }

func weight(records, bytes int) int64 { return int64(records)*recordOverhead + int64(bytes) }

// last is the position of the group's last record, once it is written.
func (g *group) last() int64 { return g.first + int64(g.len()) - 1 }

// Append writes a record and returns its position once it is durable. It copies
// data. ErrFull and ErrClosed say that the record was not taken; any other error
// that it may or may not be on disk. When ctx ends while Append waits, it returns
// ctx.Err(), but the record may still be written.
func (j *Journal) Append(ctx context.Context, kind subfive.RecordKind, data []byte) (subfive.Position, error) {
	if err := ctx.Err(); err != nil {
		return subfive.Position{}, err
	}
	g, i, err := j.admit(kind, data)
	if err != nil {
		return subfive.Position{}, fmt.Errorf("append to journal: %w", err)
	}
	j.poke()
	select {
	case <-g.done:
	case <-ctx.Done():
		return subfive.Position{}, ctx.Err()
	}
	if g.err != nil {
		return subfive.Position{}, fmt.Errorf("append to journal: %w", g.err)
	}
	return subfive.Position{Segment: g.seg.id, Pos: g.first + int64(i)}, nil
}

// admit puts a record into the last group of the queue, as its i-th.
func (j *Journal) admit(kind subfive.RecordKind, data []byte) (g *group, i int, err error) {
	limit, err := j.limit(kind)
	if err != nil {
		return nil, 0, err
	}
	need := weight(1, len(data))

	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return nil, 0, ErrClosed
	case j.bytes-j.free+j.queued+need > limit, j.queued > 0 && j.queued+need > maxQueued:
		return nil, 0, ErrFull
	}
	if n := len(j.queue); n > 0 && j.queue[n-1].weight()+need <= maxGroup {
		g = j.queue[n-1]
	} else {
		g = &group{done: make(chan struct{}), data: make([]byte, 0, len(data))}
		j.queue = append(j.queue, g)
	}
	g.data = append(g.data, data...)
	g.ends = append(g.ends, len(g.data))
	j.queued += need
	return g, g.len() - 1, nil
}

// limit is how full the journal may get with records of that kind.
func (j *Journal) limit(kind subfive.RecordKind) (int64, error) {
	switch kind {
	case subfive.RecordPostback:
		return j.cap, nil
	case subfive.RecordClick, subfive.RecordVisit:
		return j.cap / 4 * 3, nil
	}
	return 0, fmt.Errorf("unknown kind of record %q", kind)
}

// poke wakes the writer.
func (j *Journal) poke() {
	select {
	case j.wake <- struct{}{}:
	default: // it is awake already
	}
}

// write commits group after group until the journal is closed and the queue
// empty. There is no timer: what arrives during a commit is the next group.
func (j *Journal) write() {
	defer close(j.written)
	for {
		// Those just answered often append again at once: let them in first.
		runtime.Gosched()
		g, closed := j.dequeue()
		switch {
		case g != nil:
			j.store(context.Background(), g)
		case closed:
			return
		default:
			j.endAged(context.Background())
			<-j.wake
		}
	}
}

func (j *Journal) dequeue() (g *group, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.queue) == 0 {
		return nil, j.closed
	}
	g, j.queue = j.queue[0], j.queue[1:]
	return g, j.closed
}

// store writes g and answers it. After a first error it is written to a fresh
// segment, a second one is the callers'.
func (j *Journal) store(ctx context.Context, g *group) {
	err := j.tryStore(ctx, g)
	if err != nil {
		j.poison(err)
		if diskFull(err) {
			j.freeOne(ctx)
		}
		err = j.tryStore(ctx, g)
	}
	if err != nil {
		j.poison(err)
		j.mu.Lock()
		j.queued -= g.weight()
		j.mu.Unlock()
		g.err = err
	}
	close(g.done)
}

// tryStore writes g to the active segment, or to a fresh one when there is none
// or it is full.
func (j *Journal) tryStore(ctx context.Context, g *group) error {
	j.makeRoom(ctx, g.weight())
	if j.active != nil && j.active.seg.size >= j.segmentSize {
		if err := j.finishActive(ctx); err != nil {
			// Its records are durable and readable as they are.
			j.log.ErrorContext(ctx, "finish journal segment", "err", err)
		}
	}
	if j.active == nil {
		if err := j.begin(ctx); err != nil {
			return err
		}
	}
	a := j.active
	last := a.seg.last // only the writer changes it
	if err := a.insert(ctx, g, last, subfive.Millis(j.now())); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	if err := j.commit(a); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	size, err := segmentSize(a.seg.path)
	if err != nil { // the records are durable all the same
		j.log.ErrorContext(ctx, "measure journal segment", "segment", a.seg.id, "err", err)
		size = a.seg.size + g.weight()
	}
	g.seg, g.first = a.seg, last+1
	j.publish(g, size)
	return nil
}

// publish lets the follower see a group that is durable.
func (j *Journal) publish(g *group, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queued -= g.weight()
	j.bytes += size - g.seg.size
	g.seg.size = size
	g.seg.last = g.last()
	j.recent = append(j.recent, g)
	j.recentBytes += g.weight()
	for len(j.recent) > 0 && j.recentBytes > maxRecent {
		j.forgetOldest()
	}
	close(j.arrived)
	j.arrived = make(chan struct{})
}

// begin creates the next segment.
func (j *Journal) begin(ctx context.Context) error {
	j.mu.Lock()
	j.ordinal++
	seg := newSegment(j.dir, j.ordinal)
	j.mu.Unlock()
	a, err := create(ctx, seg)
	if err != nil {
		return err
	}
	j.active = a
	j.mu.Lock()
	j.segments = append(j.segments, seg)
	j.mu.Unlock()
	j.measure(ctx, seg)
	return nil
}

// finishActive ends the active segment in good order.
func (j *Journal) finishActive(ctx context.Context) error {
	if j.active == nil {
		return nil
	}
	a := j.active
	j.active = nil
	err := a.close(ctx)
	j.retire(ctx, a.seg)
	if err != nil {
		return fmt.Errorf("close segment %s: %w", a.seg.id, err)
	}
	return nil
}

// poison gives the active segment up: after an error nobody knows what a further
// write would do to it. It is read up to what was acknowledged.
func (j *Journal) poison(cause error) {
	ctx := context.Background()
	if j.active == nil {
		j.log.ErrorContext(ctx, "create journal segment", "err", cause)
		return
	}
	a := j.active
	j.active = nil
	j.log.ErrorContext(ctx, "journal segment poisoned", "segment", a.seg.id, "err", cause)
	if err := a.abandon(); err != nil {
		j.log.ErrorContext(ctx, "close poisoned journal segment", "segment", a.seg.id, "err", err)
	}
	j.mu.Lock()
	j.poisoned++
	j.mu.Unlock()
	j.retire(ctx, a.seg)
}

// retire marks a segment finished, or removes it when nothing in it was
// acknowledged: a full disk must not fill up with empty ones.
func (j *Journal) retire(ctx context.Context, seg *segment) {
	j.mu.Lock()
	seg.finished = true
	empty := seg.last == 0
	j.mu.Unlock()
	if empty {
		j.remove(ctx, seg)
		return
	}
	j.measure(ctx, seg)
}
