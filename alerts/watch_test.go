package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// memory is a Book, as the store keeps one.
type memory struct {
	mu   sync.Mutex
	all  map[string]subfive.Alert
	down bool
}

var errDown = errors.New("the database is down")

func (m *memory) Alerts(context.Context) ([]subfive.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errDown
	}
	return slices.Collect(maps.Values(m.all)), nil
}

func (m *memory) KeepAlert(_ context.Context, a subfive.Alert) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return false, errDown
	}
	if m.all[a.ID].Version != a.Version {
		return false, nil
	}
	a.Version++
	a.Owed = slices.Clone(a.Owed)
	m.all[a.ID] = a
	return true, nil
}

func (m *memory) ForgetAlerts(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	maps.DeleteFunc(m.all, func(_ string, a subfive.Alert) bool { return a.UpdatedAt.Before(before) && a.MutedUntil.Before(before) })
	return nil
}

func (m *memory) kept() map[string]subfive.Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.all)
}

func (m *memory) set(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// ear is a Sender that keeps what it is told, with the minute.
type ear struct {
	mu    sync.Mutex
	start time.Time
	err   error
	last  time.Duration // how long a message takes
	heard []string
	tries int
}

func (e *ear) Send(_ context.Context, m Message) error {
	e.mu.Lock()
	last := e.last
	e.mu.Unlock()
	time.Sleep(last)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tries++
	if e.err != nil {
		return e.err
	}
	var events []string
	for _, i := range m.Items {
		events = append(events, string(i.Event)+" "+i.Rule+" "+i.Subject)
	}
	if len(events) > 3 {
		events = []string{fmt.Sprint(len(events), " alerts")}
	}
	slices.Sort(events)
	e.heard = append(e.heard, time.Since(e.start).String()+" "+strings.Join(events, ", "))
	return nil
}

func (e *ear) set(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *ear) lasts(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = d
}

// world is what watches look at.
type world struct {
	mu    sync.Mutex
	facts Facts
}

func (w *world) set(change func(*Facts)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.facts)
}

// run runs watches of that many nodes for a story, in a bubble.
func run(t *testing.T, nodes int, story func(w *world, book *memory, heard *ear)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, book, heard := &world{facts: Facts{Queue: &Queue{}}}, &memory{all: map[string]subfive.Alert{}}, &ear{start: time.Now()}
		var running sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for n := range nodes {
			node := fmt.Sprint("node-", n)
			watch := New(Config{
				Node: node, Book: book, Channels: []Channel{{"webhook", heard}}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
				Facts: func(context.Context) Facts {
					w.mu.Lock()
					defer w.mu.Unlock()
					f := w.facts
					f.At, f.Node = time.Now(), node
					return f
				},
			})
			running.Go(func() { watch.Run(ctx) })
			time.Sleep(time.Second) // nodes start when they start
		}
		heard.start = time.Now()
		story(w, book, heard)
		stop()
		running.Wait()
	})
}

func expect(t *testing.T, heard *ear, want ...string) {
	t.Helper()
	heard.mu.Lock()
	defer heard.mu.Unlock()
	if diff := cmp.Diff(want, heard.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func paused(f *Facts) {
	f.Queue = &Queue{Pauses: []subfive.Pause{{DestinationID: "m", Manual: true}}}
}

func well(f *Facts) { *f = Facts{Queue: &Queue{}} }

func TestOneAlertAndOneRecovery(t *testing.T) {
	for nodes := 1; nodes <= 3; nodes++ {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			run(t, nodes, func(w *world, book *memory, heard *ear) {
				w.set(paused)
				time.Sleep(49 * time.Hour)
				w.set(well)
				time.Sleep(time.Hour)
				heard.mu.Lock()
				defer heard.mu.Unlock()
				var events []string
				for _, h := range heard.heard {
					_, event, _ := strings.Cut(h, " ")
					events = append(events, event)
				}
				want := []string{
					"fired destination_paused m", "still destination_paused m", "still destination_paused m", "recovered destination_paused m",
				}
				if diff := cmp.Diff(want, events); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWatch(t *testing.T) {
	throttled := func(f *Facts) {
		f.Queue = &Queue{Pauses: []subfive.Pause{{DestinationID: "m", Until: time.Now(), Reason: "throttled"}}}
	}
	tests := map[string]struct {
		story func(w *world, book *memory, heard *ear)
		want  []string
	}{
		"a short pause that the platform asked for": {func(w *world, _ *memory, _ *ear) {
			w.set(throttled)
			time.Sleep(14 * time.Minute)
			w.set(well)
			time.Sleep(time.Minute)
			w.set(throttled) // and it counts anew
			time.Sleep(14 * time.Minute)
			w.set(well)
			time.Sleep(time.Hour)
		}, nil},
		"a long one": {func(w *world, _ *memory, _ *ear) {
			w.set(throttled)
			time.Sleep(16 * time.Minute)
			w.set(well)
			time.Sleep(time.Hour)
		}, []string{"15m9s fired destination_paused m", "16m19s recovered destination_paused m"}},
		"a look that misses it once": {func(w *world, _ *memory, _ *ear) {
			w.set(paused)
			time.Sleep(30 * time.Second)
			w.set(well)
			time.Sleep(10 * time.Second)
			w.set(paused)
			time.Sleep(time.Hour)
		}, []string{"9s fired destination_paused m"}},
		"facts that are not known end nothing": {func(w *world, _ *memory, _ *ear) {
			w.set(paused)
			time.Sleep(time.Minute)
			w.set(func(f *Facts) { f.Queue = nil })
			time.Sleep(time.Hour)
			w.set(paused)
			time.Sleep(time.Minute)
		}, []string{"9s fired destination_paused m"}},
		"the database is down": {func(w *world, book *memory, _ *ear) {
			book.set(true)
			w.set(func(f *Facts) {
				*f = Facts{Local: Local{DatabaseDown: true, ClicksAtRisk: 1, Failures: []Failures{{EndpointID: "default", InARow: 1, Limit: 10}}}}
			})
			time.Sleep(time.Hour)
			book.set(false)
			w.set(well)
			time.Sleep(time.Hour)
			if n := len(book.kept()); n != 3 {
				panic(fmt.Sprint("the book has ", n, " alerts"))
			}
		}, []string{
			"9s fired clicks_at_risk ", "9s fired failed_answers default", "29s fired database_down ",
			"1h0m19s recovered clicks_at_risk ", "1h0m19s recovered database_down ", "1h0m19s recovered failed_answers default",
		}},
		"a channel that fails for a while": {func(w *world, book *memory, heard *ear) {
			heard.set(errors.New("answered 500"))
			w.set(paused)
			time.Sleep(time.Minute)
			a := book.kept()[subfive.AlertID(string(DestinationPaused), "m", "")]
			if len(a.Owed) != 1 || a.Owed[0].Error != "answered 500" || a.Owed[0].Tries != 3 {
				panic(fmt.Sprintf("owed %+v", a.Owed))
			}
			heard.set(nil)
			time.Sleep(time.Hour)
		}, []string{"1m59s fired destination_paused m"}},
		"a channel that says when": {func(w *world, _ *memory, heard *ear) {
			heard.set(Later{"answered 429", 10 * time.Minute})
			w.set(paused)
			time.Sleep(time.Minute)
			heard.set(nil)
			time.Sleep(time.Hour)
		}, []string{"10m9s fired destination_paused m"}},
		"over before anybody could be told": {func(w *world, _ *memory, heard *ear) {
			heard.set(errors.New("answered 500"))
			w.set(paused)
			time.Sleep(time.Minute)
			w.set(well)
			time.Sleep(time.Minute)
			heard.set(nil)
			time.Sleep(time.Hour)
		}, []string{"2m9s recovered destination_paused m"}},
		"over by another process's look, while it is being told": {func(w *world, book *memory, heard *ear) {
			heard.lasts(5 * time.Second)
			w.set(paused)
			time.Sleep(12 * time.Second)
			w.set(well)
			a := book.kept()[subfive.AlertID(string(DestinationPaused), "m", "")]
			a, _ = step(a, nil, time.Now(), []string{"webhook"})
			if won, err := book.KeepAlert(context.Background(), a); !won || err != nil {
				panic(fmt.Sprint(won, err))
			}
			time.Sleep(time.Hour)
			if a = book.kept()[a.ID]; len(a.Owed) > 0 {
				panic(fmt.Sprintf("owed %+v", a.Owed))
			}
		}, []string{"14s fired destination_paused m", "24s recovered destination_paused m"}},
		"some of a channel's people are told": {func(w *world, _ *memory, heard *ear) {
			heard.set(Partly{"recipient 2 of 2"})
			w.set(paused)
			time.Sleep(time.Hour)
			if heard.tries != 1 {
				panic(fmt.Sprint(heard.tries, " tries"))
			}
		}, nil},
		"muted": {func(w *world, book *memory, _ *ear) {
			a := subfive.Alert{Rule: string(DestinationPaused), Subject: "m", State: subfive.AlertQuiet, MutedUntil: time.Now().Add(time.Hour)}
			a.ID = subfive.AlertID(a.Rule, a.Subject, "")
			if won, err := book.KeepAlert(context.Background(), a); !won || err != nil {
				panic(err)
			}
			w.set(paused)
			time.Sleep(2 * time.Hour)
		}, []string{"1h0m9s fired destination_paused m"}},
		"an alert of a node that is gone": {func(_ *world, book *memory, _ *ear) {
			a := subfive.Alert{ID: "al_x", Rule: string(DatabaseDown), Node: "other", State: subfive.AlertFiring, UpdatedAt: time.Now().Add(time.Hour - forgetAfter)}
			if won, err := book.KeepAlert(context.Background(), a); !won || err != nil {
				panic(err)
			}
			time.Sleep(3 * time.Hour)
			if len(book.kept()) > 0 {
				panic("it is kept")
			}
		}, nil},
		"too many at once": {func(w *world, _ *memory, _ *ear) {
			w.set(func(f *Facts) {
				for n := range 25 {
					f.Queue.Pauses = append(f.Queue.Pauses, subfive.Pause{DestinationID: fmt.Sprint("m", n), Manual: true})
				}
			})
			time.Sleep(time.Hour)
		}, []string{"9s 25 alerts"}},
		"too many, one after the other": {func(w *world, _ *memory, _ *ear) {
			for n := range 15 {
				w.set(func(f *Facts) {
					f.Queue = &Queue{Pauses: append(slices.Clone(f.Queue.Pauses), subfive.Pause{DestinationID: fmt.Sprint("m", n), Manual: true})}
				})
				time.Sleep(10 * time.Second)
			}
			time.Sleep(time.Hour)
		}, []string{
			"9s fired destination_paused m0", "19s fired destination_paused m1", "29s fired destination_paused m2", "39s fired destination_paused m3",
			"49s fired destination_paused m4", "59s fired destination_paused m5", "1m9s fired destination_paused m6", "1m19s fired destination_paused m7",
			"1m29s fired destination_paused m8", "1m39s fired destination_paused m9", "10m9s 5 alerts",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run(t, 1, func(w *world, book *memory, heard *ear) {
				test.story(w, book, heard)
				heard.mu.Lock()
				slices.SortStableFunc(heard.heard, func(a, b string) int {
					at := func(s string) time.Duration {
						d, err := time.ParseDuration(strings.Fields(s)[0])
						if err != nil {
							t.Fatal(err)
						}
						return d
					}
					if d := at(a) - at(b); d != 0 {
						return int(d)
					}
					return strings.Compare(a, b)
				})
				heard.mu.Unlock()
				expect(t, heard, test.want...)
			})
		})
	}
}

// A mute that came while this process could not reach the database holds.
func TestMutedMeanwhile(t *testing.T) {
	mine := subfive.Alert{ID: "al_1", Rule: string(DiskSpace), Node: "n", State: subfive.AlertFiring, UpdatedAt: noon}
	muted := mine
	muted.State, muted.MutedUntil, muted.Version = subfive.AlertQuiet, noon.Add(time.Hour), 3
	book := &memory{all: map[string]subfive.Alert{"al_1": muted}, down: true}
	w := New(Config{Node: "n", Book: book, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }})
	if !w.keep(t.Context(), mine) {
		t.Error("not kept while the database is down")
	}
	book.set(false)
	w.read(t.Context())
	want := mine
	want.MutedUntil, want.Version = muted.MutedUntil, 4
	if diff := cmp.Diff(map[string]subfive.Alert{"al_1": want}, book.kept()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
