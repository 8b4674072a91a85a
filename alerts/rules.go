package alerts

import (
	"fmt"
	"strings"
	"time"

	"subfive"
)

const (
	downAfter = 20 * time.Second
	// waitingAfter is how old a record may get that the database, up, has not
	// taken.
	waitingAfter = 10 * time.Minute
	// lostFor is how long a click that was lost is news.
	lostFor = time.Hour
	// pauseAfter is how long a pause may last that the platform asked for.
	pauseAfter = 15 * time.Minute
	// backlogAfter is how old a delivery may get that is due and not held.
	backlogAfter  = 15 * time.Minute
	expiringAfter = 14 * 24 * time.Hour

	gibi = 1 << 30
)

func databaseDown(f Facts) []Finding {
	if !f.Local.DatabaseDown {
		return nil
	}
	return []Finding{{
		What: fmt.Sprintf("The database does not answer; %s in the journal, so nothing is lost, and nothing is told to platforms.",
			count(f.Local.Journal.Waiting, "record waits", "records wait")),
		Do:    "Start the database, or mend the way to it; what waits is then recorded by itself.",
		See:   "subfive journal",
		Since: f.Local.Journal.OldestAt, After: downAfter,
	}}
}

func journalFilling(f Facts) []Finding {
	j := f.Local.Journal
	old := !f.Local.DatabaseDown && !j.OldestAt.IsZero() && f.At.Sub(j.OldestAt) >= waitingAfter
	if full := j.Cap > 0 && j.Held*2 >= j.Cap; !full && !old {
		return nil
	}
	return []Finding{{
		What: fmt.Sprintf("%s in the journal for the database, the oldest for %s; %d %% of the journal's space is taken, and at 100 %% postbacks are refused.",
			count(j.Waiting, "record waits", "records wait"), span(f.At, j.OldestAt), percent(j.Held, j.Cap)),
		Do:    "See in the log why nothing is recorded: the database is down, slow, or refuses.",
		See:   "subfive journal",
		Since: j.OldestAt,
	}}
}

func clicksAtRisk(f Facts) []Finding {
	var said []string
	if n := f.Local.ClicksAtRisk; n > 0 {
		said = append(said, count(int64(n), "click was", "clicks were")+" redirected and could not be written down: a crash loses what is in memory only")
	}
	if n := f.Local.ClicksLost; n > 0 && f.At.Sub(f.Local.LostAt) < lostFor {
		said = append(said, count(int64(n), "click is", "clicks are")+" lost since the start, as the memory for them was full")
	}
	if len(said) == 0 {
		return nil
	}
	return []Finding{{
		What: strings.Join(said, "; ") + ".",
		Do:   "Make room on the disk of the data folder, or see in the log why the journal can't be written.",
		See:  "subfive journal",
	}}
}

func failedAnswers(f Facts) []Finding {
	var all []Finding
	for _, b := range f.Local.Failures {
		if b.InARow == 0 {
			continue
		}
		all = append(all, Finding{
			Subject: b.EndpointID,
			What: fmt.Sprintf("%s in a row at endpoint %s got no success from us, the last one %d; after %d in %.0f h the network switches its postback off.",
				count(int64(b.InARow), "postback", "postbacks"), b.EndpointID, b.LastStatus, b.Limit, b.NetworkWindow.Hours()),
			Do:    "Make room on the disk or bring the database back, then send one test postback: a single success sets the count to 0.",
			See:   "subfive doctor",
			Since: b.LastAt,
		})
	}
	return all
}

func diskSpace(f Facts) []Finding {
	d := f.Local.Disk
	if d.Free >= gibi && (d.Free >= 10*gibi || d.Free*20 >= d.Total) {
		return nil
	}
	return []Finding{{
		What: fmt.Sprintf("The disk of %s has %.1f GiB left of %.1f; without space nothing can be acknowledged.", d.Path, float64(d.Free)/gibi, float64(d.Total)/gibi),
		Do:   "Make room, or shorten retention in the file.",
		See:  "subfive journal",
	}}
}

func expiring(f Facts) []Finding {
	var all []Finding
	for _, e := range f.Local.Expiries {
		left := e.At.Sub(f.At)
		if left > expiringAfter {
			continue
		}
		what := fmt.Sprintf("The %s ends in %.0f days, on %s.", e.Subject, left.Hours()/24, e.At.UTC().Format(time.DateOnly))
		if left <= 0 {
			what = fmt.Sprintf("The %s ended on %s.", e.Subject, e.At.UTC().Format(time.DateOnly))
		}
		all = append(all, Finding{Subject: e.Subject, What: what, Do: e.Do, See: "subfive doctor"})
	}
	return all
}

func destinationPaused(f Facts) []Finding {
	var all []Finding
	for _, p := range f.Queue.Pauses {
		due := int64(0)
		for _, d := range f.Queue.Due {
			if d.DestinationID == p.DestinationID {
				due = d.Deliveries
			}
		}
		one := Finding{
			Subject: p.DestinationID,
			What:    fmt.Sprintf("Destination %s is paused (%s); %s.", p.DestinationID, reason(p), count(due, "delivery waits", "deliveries wait")),
			Do:      "Mend what the reason says; a probe then resumes it by itself, or you do: subfive destinations resume " + p.DestinationID,
			See:     "subfive destinations",
		}
		if p.Manual {
			one.Do = "When you want it to go on: subfive destinations resume " + p.DestinationID
		} else if p.Code == "" { // the platform is slow or down; that passes
			one.After = pauseAfter
		}
		all = append(all, one)
	}
	return all
}

func reason(p subfive.Pause) string {
	if p.Reason == "" {
		return "no reason given"
	}
	return strings.TrimRight(p.Reason, ".")
}

func backlog(f Facts) []Finding {
	paused := map[string]bool{}
	for _, p := range f.Queue.Pauses {
		paused[p.DestinationID] = true
	}
	var all []Finding
	for _, d := range f.Queue.Due {
		if d.OldestAt.IsZero() || f.At.Sub(d.OldestAt) < backlogAfter || paused[d.DestinationID] {
			continue
		}
		all = append(all, Finding{
			Subject: d.DestinationID,
			What:    fmt.Sprintf("%s for destination %s, the oldest for %s.", count(d.Deliveries, "delivery is due", "deliveries are due"), d.DestinationID, span(f.At, d.OldestAt)),
			Do:      "See whether subfive serve runs with this destination and what the platform answers; platforms refuse what is days old.",
			See:     "subfive deliveries --status scheduled --destination " + d.DestinationID,
			Since:   d.OldestAt,
		})
	}
	return all
}

// count says how many of what.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return part * 100 / whole
}

// span says for how long something is so.
func span(now, since time.Time) string {
	if since.IsZero() {
		return "0s"
	}
	d := max(now.Sub(since), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
