package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"subfive"
)

// books are what a property test has recorded, to build on it.
type books struct {
	n           int
	start       time.Time
	clicks      []subfive.Click
	conversions []subfive.Conversion
}

func (b *books) next(prefix string) string {
	b.n++
	return fmt.Sprint(prefix, b.n)
}

func (b *books) moment(t *rapid.T) time.Time {
	return b.start.Add(time.Duration(rapid.IntRange(0, 40*4).Draw(t, "quarters")) * 15 * time.Minute)
}

func (b *books) drawClick(t *rapid.T) subfive.Click {
	c := subfive.Click{
		ID: b.next("click"), ClickedAt: b.moment(t), VisitNo: rapid.IntRange(0, 2).Draw(t, "visit"),
		SourceID: rapid.SampledFrom([]string{"", "meta-us", "tiktok-1"}).Draw(t, "source"), CampaignID: rapid.SampledFrom([]string{"spring", "fall"}).Draw(t, "campaign"),
		Ad:    subfive.Ad{ID: rapid.SampledFrom([]string{"", "1", "2", "a\x00\xff"}).Draw(t, "ad")},
		IsBot: rapid.IntRange(0, 4).Draw(t, "bot") == 0, IsPrefetch: rapid.IntRange(0, 5).Draw(t, "prefetch") == 0, IsTest: rapid.IntRange(0, 5).Draw(t, "test") == 0,
		Visitor: subfive.Visitor{Country: rapid.SampledFrom([]string{"", "DE"}).Draw(t, "country")},
	}
	if rapid.Bool().Draw(t, "priced") {
		c.Cost = &subfive.Money{Amount: subfive.Micros(rapid.IntRange(0, 900_000).Draw(t, "cost")), Currency: rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency")}
	}
	return c
}

func (b *books) drawConversion(t *rapid.T, click string) subfive.Conversion {
	c := subfive.Conversion{
		ID: b.next("cv_"), PostbackID: b.next("pb_"), AttributedClickID: click, ConvertedAt: b.moment(t), TransactionID: "tx",
		Verdict:  rapid.SampledFrom([]subfive.Verdict{subfive.VerdictMatched, subfive.VerdictNoClickID, subfive.VerdictTest, subfive.VerdictWaiting}).Draw(t, "verdict"),
		GoalName: rapid.SampledFrom([]string{"base", "upgrade"}).Draw(t, "goal"), OfferID: rapid.SampledFrom([]string{"", "dream"}).Draw(t, "offer"),
	}
	b.change(t, &c)
	return c
}

func (b *books) change(t *rapid.T, c *subfive.Conversion) {
	c.Status = rapid.SampledFrom([]subfive.Status{subfive.StatusUnknown, subfive.StatusPending, subfive.StatusApproved, subfive.StatusRejected}).Draw(t, "status")
	c.Payout, c.Currency = nil, "USD"
	if rapid.Bool().Draw(t, "paid") {
		payout := subfive.Micros(rapid.IntRange(-5_000_000, 90_000_000).Draw(t, "payout"))
		c.Payout, c.Currency = &payout, rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency")
	}
	c.IsTest = rapid.IntRange(0, 9).Draw(t, "is test") == 0
}

// batch draws what one transaction records.
func (b *books) batch(t *rapid.T) subfive.Batch {
	batch := subfive.Batch{At: noon}
	for range rapid.IntRange(0, 4).Draw(t, "new clicks") {
		c := b.drawClick(t)
		batch.Clicks = append(batch.Clicks, c)
		if rapid.IntRange(0, 6).Draw(t, "twice") == 0 {
			again := c
			again.CampaignID = "other" // the first one counts
			batch.Clicks = append(batch.Clicks, again)
		}
		b.clicks = append(b.clicks, c)
	}
	clickID := func() string {
		if len(b.clicks) == 0 || rapid.IntRange(0, 3).Draw(t, "without click") == 0 {
			return ""
		}
		return rapid.SampledFrom(b.clicks).Draw(t, "click").ID
	}
	old := len(b.conversions)
	for range rapid.IntRange(0, 3).Draw(t, "new conversions") {
		c := b.drawConversion(t, clickID())
		batch.Conversions = append(batch.Conversions, c)
		c.Version++
		b.conversions = append(b.conversions, c)
	}
	touched := map[int]bool{}
	for range min(old, rapid.IntRange(0, 3).Draw(t, "changes")) {
		i := rapid.IntRange(0, old-1).Draw(t, "which")
		c := b.conversions[i]
		if touched[i] {
			continue
		}
		touched[i] = true
		b.change(t, &c)
		c.Verdict = subfive.VerdictMatched
		if c.AttributedClickID == "" {
			c.AttributedClickID = clickID()
			batch.Promotions = append(batch.Promotions, subfive.Promotion{Conversion: c})
		} else {
			batch.Conversions = append(batch.Conversions, c)
		}
		c.Version++
		b.conversions[i] = c
	}
	b.visits(t, &batch)
	return batch
}

// visits draws what landing pages told of clicks, those of the batch too.
func (b *books) visits(t *rapid.T, batch *subfive.Batch) {
	told := map[int]bool{}
	for range min(len(b.clicks), rapid.IntRange(0, 3).Draw(t, "visits")) {
		i := rapid.IntRange(0, len(b.clicks)-1).Draw(t, "whose")
		if told[i] {
			continue
		}
		told[i] = true
		c := b.clicks[i]
		v := subfive.Visit{ID: b.next("vs_"), ClickID: c.ID, Kind: subfive.GoalLandingClick, At: b.moment(t)}
		if rapid.Bool().Draw(t, "viewed") {
			v.Kind, c.LandingViewedAt = subfive.GoalLandingView, v.At
		} else {
			c.LandingClickedAt = v.At
		}
		batch.Visits = append(batch.Visits, v)
		batch.Enriched = append(batch.Enriched, c)
		c.Version++
		b.clicks[i] = c
	}
}

// Whatever is recorded, and however often, the sums are what counting anew
// gives.
func TestSumsAreWhatARebuildGives(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, s *Store) {
		s.zone = zone
		// The 25th of October 2026 has 25 hours in Berlin.
		b := books{start: time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC)}
		checks := 0
		rapid.Check(t, func(r *rapid.T) {
			if checks++; checks > 20 && s.dialect == dialectPostgres {
				return // its transactions are slower, and what is counted is the same
			}
			since := s.day(b.start)
			defer func() { b = books{n: b.n, start: b.start.AddDate(0, 0, 3)} }() // what was recorded stays in the database
			for range rapid.IntRange(1, 5).Draw(r, "batches") {
				batch := b.batch(r)
				if err := s.RecordBatch(t.Context(), batch); err != nil {
					r.Fatal(err)
				}
				if rapid.Bool().Draw(r, "replayed") {
					err := s.RecordBatch(t.Context(), batch)
					moved := len(batch.Conversions)+len(batch.Promotions)+len(batch.Enriched) > 0
					if moved != errors.Is(err, subfive.ErrConflict) {
						r.Fatalf("the same batch again: %v", err)
					}
				}
			}
			done, err := s.RebuildDays(t.Context(), since, noon, func(string) {})
			if err != nil || done.Changed != 0 {
				r.Fatalf("counted anew: %+v, %v", done, err)
			}
		})
	})
}
