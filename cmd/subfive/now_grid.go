package main

import (
	"sort"
	"time"

	"subfive/dashboard"
)

// gridOf cuts a span into parts: hours, quarters of a day, days or weeks, so that
// there are some dozens. It returns where each begins, in the span's zone.
func gridOf(s dashboard.Spans) []time.Time {
	next := func(at time.Time) time.Time { return at.Add(time.Hour) }
	switch long := s.Until.Sub(s.Since); {
	case long <= 60*time.Hour:
	case !s.ByDays:
		hours := max(time.Duration(long.Hours()/48), 1)
		next = func(at time.Time) time.Time { return at.Add(hours * time.Hour) }
	case long <= 14*24*time.Hour:
		next = func(at time.Time) time.Time {
			return time.Date(at.Year(), at.Month(), at.Day(), at.Hour()/6*6+6, 0, 0, 0, at.Location())
		}
	case long <= 100*24*time.Hour:
		next = func(at time.Time) time.Time { return at.AddDate(0, 0, 1) }
	default:
		next = func(at time.Time) time.Time { return at.AddDate(0, 0, 7) }
	}
	var grid []time.Time
	for at := s.Since; at.Before(s.Until); at = next(at) {
		grid = append(grid, at)
	}
	return grid
}

// partOf is the number of the part that a moment lies in; what lies before the
// grid, as an hour that it cuts does, is in the first.
func partOf(grid []time.Time, at time.Time) int {
	return max(sort.Search(len(grid), func(i int) bool { return grid[i].After(at) })-1, 0)
}
