package attribution

import (
	"errors"
	"testing"

	"subfive"
)

// A conversion that a person marks as a test counts for nothing and is not sent;
// unmarked, it is what it was.
func TestMarkTest(t *testing.T) {
	const hook, meta = "hook conversion sale 42.00 USD ", "meta-main conversion Purchase 42.00 USD "
	finish := func(destination string, status subfive.DeliveryStatus) func(*tracker) {
		return func(tr *tracker) {
			for id, d := range tr.store.deliveries {
				if d.DestinationID == destination {
					d.Status, d.FirstAttemptAt = status, tr.now
					tr.store.deliveries[id] = d
				}
			}
		}
	}
	tests := map[string]struct {
		click          string // whose click comes; else it waits
		before, within func(*tracker)
		retract        bool
		marked, undone []string
	}{
		"not sent yet": {
			click:  clickA,
			marked: []string{"pb_1 test", "conversion test 42.00", hook + "skipped test", meta + "skipped test"},
			undone: []string{"pb_1 matched", "conversion matched 42.00", hook + "skipped test", meta + "skipped test", hook + "scheduled", meta + "scheduled"},
		},
		"one has it": {
			click: clickA, before: finish("hook", subfive.DeliveryDelivered),
			marked: []string{"pb_1 test", "conversion test 42.00", hook + "delivered", meta + "skipped test"},
			undone: []string{"pb_1 matched", "conversion matched 42.00", hook + "delivered", meta + "skipped test", meta + "scheduled"},
		},
		"taken back where it is": {
			click: clickA, before: finish("hook", subfive.DeliveryDelivered), retract: true,
			marked: []string{
				"pb_1 test", "conversion test 42.00", hook + "delivered", "hook retraction sale 42.00 USD scheduled",
				meta + "skipped test", "meta-main retraction Purchase 42.00 USD skipped unsupported",
			},
			undone: []string{
				"pb_1 matched", "conversion matched 42.00", hook + "delivered", "hook retraction sale 42.00 USD scheduled",
				meta + "skipped test", meta + "scheduled", "meta-main retraction Purchase 42.00 USD skipped unsupported",
			},
		},
		"while it waits for its click": {
			marked: []string{"pb_1 test", "conversion test 42.00"},
			within: func(tr *tracker) { tr.record(tr.click(clickA, nil)) },
			undone: []string{"pb_1 matched", "conversion matched 42.00", hook + "scheduled", meta + "scheduled"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			if tt.click != "" {
				tr.record(tr.click(tt.click, nil))
			}
			tr.record(tr.postback("1", clickA, "t1", nil))
			if tt.before != nil {
				tt.before(tr)
			}
			id := tr.store.postbacks["pb_1"].ConversionID
			mark := func(m TestMark) {
				t.Helper()
				m.By = "ann"
				if _, _, err := tr.MarkTest(t.Context(), id, m); err != nil {
					t.Fatal(err)
				}
			}
			mark(TestMark{Test: true, Retract: tt.retract})
			tr.want(tt.marked...)
			if c := tr.store.conversions[id]; c.Counts() || !c.IsTest {
				t.Errorf("it counts: %+v", c)
			}
			if tt.within != nil {
				tt.within(tr)
			}
			tr.record(tr.postback("1", clickA, "t1", nil)) // the network says it again
			tr.want(tt.marked...)
			if _, _, err := tr.MarkTest(t.Context(), id, TestMark{Test: true}); !errors.Is(err, ErrNotSettleable) {
				t.Errorf("marked twice: %v", err)
			}
			mark(TestMark{})
			tr.now = tr.now.Add(sweeps[0])
			tr.review()
			tr.want(tt.undone...)
			if c := tr.store.conversions[id]; !c.Counts() || c.IsTest || c.MarkedFrom != "" {
				t.Errorf("it does not count: %+v", c)
			}
			if _, _, err := tr.MarkTest(t.Context(), id, TestMark{}); !errors.Is(err, ErrNotSettleable) {
				t.Errorf("unmarked twice: %v", err)
			}
		})
	}
}

func TestWhatCameAsATestStaysOne(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.IsTest = true }))
	id := tr.store.postbacks["pb_1"].ConversionID
	for _, m := range []TestMark{{Test: true}, {}} {
		if _, _, err := tr.MarkTest(t.Context(), id, m); !errors.Is(err, ErrNotSettleable) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if _, _, err := tr.MarkTest(t.Context(), "cv_none", TestMark{Test: true}); !errors.Is(err, subfive.ErrNotFound) {
		t.Error(err)
	}
}

// A click ID that comes later does not make a marked conversion one that counts.
func TestMarkedStaysATestWhenItsClickIsNamed(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.click(clickA, nil), tr.postback("1", "", "t1", nil))
	id := tr.store.postbacks["pb_1"].ConversionID
	if _, _, err := tr.MarkTest(t.Context(), id, TestMark{Test: true}); err != nil {
		t.Fatal(err)
	}
	tr.record(tr.postback("2", clickA, "t1", nil))
	if c := tr.store.conversions[id]; c.Verdict != subfive.VerdictTest || c.MarkedFrom != subfive.VerdictMatched || c.AttributedClickID != clickA {
		t.Errorf("%+v", c)
	}
}
