package journal

import (
	"context"
	"slices"
)

// account adds up what the segments take and what deleting could free. It is
// called when a segment begins, ends, goes, or is wholly recorded; between them
// the active one's growth is added.
func (j *Journal) account() {
	j.bytes, j.free = 0, 0
	for _, s := range j.segments {
		j.bytes += s.size
		if s.freeable() {
			j.free += s.size
		}
	}
}

// measure takes a segment's size anew.
func (j *Journal) measure(ctx context.Context, seg *segment) {
	size, err := segmentSize(seg.path)
	if err != nil {
		j.log.ErrorContext(ctx, "measure journal segment", "segment", seg.id, "err", err)
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	seg.size = size
	j.account()
}

// makeRoom deletes wholly recorded segments, oldest first, until need fits under
// the cap.
func (j *Journal) makeRoom(ctx context.Context, need int64) {
	for freed := true; freed && j.crowded(need); {
		freed = j.freeOne(ctx)
	}
}

// crowded reports whether need more bytes would pass the cap.
func (j *Journal) crowded(need int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes+need > j.cap
}

// freeOne deletes the oldest wholly recorded segment, if there is one.
func (j *Journal) freeOne(ctx context.Context) bool {
	j.mu.Lock()
	var oldest *segment
	if i := slices.IndexFunc(j.segments, (*segment).freeable); i >= 0 {
		oldest = j.segments[i]
	}
	j.mu.Unlock()
	if oldest == nil || !j.remove(ctx, oldest) {
		return false
	}
	j.log.InfoContext(ctx, "recorded journal segment deleted", "segment", oldest.id)
	return true
}

// remove deletes a segment. If it can't, it stays in the list.
func (j *Journal) remove(ctx context.Context, seg *segment) bool {
	if err := removeSegment(seg.path); err != nil {
		j.log.ErrorContext(ctx, "delete journal segment", "segment", seg.id, "err", err)
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = slices.DeleteFunc(j.segments, func(s *segment) bool { return s == seg })
	j.account()
	return true
}
