package attribution

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// owed is the kind, status and reason of all that is owed, by
// destination.
func (tr *tracker) owed() map[string][]string {
	all := map[string][]string{}
	for _, d := range tr.store.deliveries {
		all[d.DestinationID] = append(all[d.DestinationID], string(d.Kind)+" "+string(d.Status)+" "+d.ReasonCode)
	}
	for _, list := range all {
		slices.Sort(list)
	}
	return all
}

// What is imported keeps its time and tells nobody, whatever comes first; with
// ViaImportForward it is owed like any other.
func TestTake(t *testing.T) {
	imported := func(via string) func(*subfive.Postback) {
		return func(p *subfive.Postback) { p.Via, p.NetworkAt = via, noon.Add(-90*24*time.Hour) }
	}
	lately := func(p *subfive.Postback) { p.Via, p.NetworkAt = subfive.ViaImport, noon.Add(time.Hour) }
	tests := map[string]struct {
		do   func(tr *tracker) [][]subfive.Record
		want map[string][]string
		at   time.Time
		from string
	}{
		"after its click": {
			func(tr *tracker) [][]subfive.Record {
				old := tr.click(clickA, func(c *subfive.Click) { c.ClickedAt = noon.Add(-91 * 24 * time.Hour) })
				return [][]subfive.Record{{old, tr.postback("a", clickA, "t1", imported(subfive.ViaImport))}}
			},
			map[string][]string{"meta-main": {"conversion skipped too_old"}, "hook": {"conversion skipped too_old"}},
			noon.Add(-90 * 24 * time.Hour), subfive.FromImport,
		},
		"before its click": {
			func(tr *tracker) [][]subfive.Record {
				return [][]subfive.Record{{tr.postback("a", clickA, "t1", lately)}, {tr.click(clickA, nil)}}
			},
			map[string][]string{"meta-main": {"conversion skipped imported"}, "hook": {"conversion skipped imported"}},
			noon.Add(time.Hour), subfive.FromImport,
		},
		"to be forwarded": {
			func(tr *tracker) [][]subfive.Record {
				return [][]subfive.Record{{tr.click(clickA, nil), tr.postback("a", clickA, "t1", func(p *subfive.Postback) {
					lately(p)
					p.Via = subfive.ViaImportForward
				})}}
			},
			map[string][]string{"meta-main": {"conversion scheduled "}, "hook": {"conversion scheduled "}},
			noon.Add(time.Hour), subfive.FromImport,
		},
		"a received one, rejected by an import": {
			func(tr *tracker) [][]subfive.Record {
				return [][]subfive.Record{{tr.click(clickA, nil), tr.postback("a", clickA, "t1", nil)}, {tr.postback("b", clickA, "t1", func(p *subfive.Postback) {
					lately(p)
					p.Status = subfive.StatusRejected
				})}}
			},
			map[string][]string{"meta-main": {"conversion skipped rejected", "retraction skipped unsupported"}, "hook": {"conversion skipped rejected", "retraction skipped imported"}},
			noon.Add(2 * time.Hour), subfive.FromArrival,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			tr.now = noon.Add(2 * time.Hour)
			for _, records := range tt.do(tr) {
				if records[0].Kind == subfive.RecordClick && records[0].Click.ClickedAt.Equal(tr.now) {
					records[0].Click.ClickedAt = noon
				}
				for _, again := range []bool{false, true} {
					b, err := tr.Take(t.Context(), records)
					if err != nil {
						t.Fatal(err)
					}
					if n := len(b.Clicks) + len(b.Postbacks); again != (n == 0) {
						t.Errorf("again: %t, and %d of %d are new", again, n, len(records))
					}
				}
			}
			if diff := cmp.Diff(tt.want, tr.owed()); diff != "" {
				t.Errorf("owed (-want +got):\n%s", diff)
			}
			for _, c := range tr.store.conversions {
				if !c.ConvertedAt.Equal(tt.at) || c.ConvertedAtFrom != tt.from {
					t.Errorf("converted at %s, from %s", c.ConvertedAt, c.ConvertedAtFrom)
				}
			}
		})
	}
}
