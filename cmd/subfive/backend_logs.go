package main

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/dashboard"
	"subfive/identity"
	"subfive/store"
)

func listQuery(q dashboard.ListQuery) store.ListQuery {
	return store.ListQuery{
		View: q.Kind, Filters: q.Filters, Since: q.Since, Until: q.Until, ByArrival: q.ByArrival, Limit: q.Limit, Cursor: q.Cursor,
	}
}

func (b *backend) Count(ctx context.Context, q dashboard.ListQuery) (int, error) {
	st, err := b.open()
	if err != nil {
		return 0, err
	}
	n, err := st.Count(ctx, listQuery(q))
	return n, unanswerable(err)
}

// Export writes a list's rows as a file, newest first as the list has them.
func (b *backend) Export(ctx context.Context, q dashboard.ListQuery, form string, w io.Writer) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	e := dataExport{form: form}
	var f rowFile
	err = st.Export(ctx, store.ExportQuery{View: q.Kind, Filters: q.Filters, Since: q.Since, Until: q.Until, NewestFirst: true},
		func(columns []subfive.Column) (err error) {
			f, err = e.begin(w, columns)
			return err
		}, func(values []any) error { return f.Row(values) })
	if err != nil {
		return unanswerable(err)
	}
	return f.Close()
}

// found is what a search came to.
type found struct {
	Query string   `json:"query"`
	Items []hit    `json:"items"`
	Tried []string `json:"tried"`
}

type hit struct {
	Kind  string    `json:"kind"`
	ID    string    `json:"id"`
	Title string    `json:"title"`
	At    time.Time `json:"at,omitzero"`
	Href  string    `json:"href"`
}

// searchWithin bounds the search for a person, which reads many rows.
const searchWithin = 8 * time.Second

// Search finds what any ID leads to, for the REST API.
func (b *backend) Search(ctx context.Context, text string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	answer := found{Query: text, Items: []hit{}, Tried: []string{}}
	var hits []store.Hit
	if macs, as := macsOf(b.t.vault, text); len(macs) > 0 {
		limited, cancel := context.WithTimeout(ctx, searchWithin)
		defer cancel()
		var back time.Time
		hits, back, err = st.SearchMacs(limited, macs)
		answer.Tried = append(answer.Tried, as+", by its keyed hash, in "+farBack(back, b.t.app.now()))
	} else {
		hits, err = st.Search(ctx, text)
		answer.Tried = append(answer.Tried, "the ID of a click, postback, conversion, delivery or attempt of ours",
			"a network's transaction, conversion or order", "an event as platforms were told of it",
			"a platform's click ID ("+strings.Join(store.PlatformClickParams(), ", ")+"), of clicks whose personal data is still kept and which came since this version ran")
	}
	for _, h := range hits {
		answer.Items = append(answer.Items, hit{h.Kind, h.ID, titleOf(h), h.At, hrefOf(h)})
	}
	return answer, err
}

// farBack says how far a search for a person went.
func farBack(back, now time.Time) string {
	switch {
	case back.IsZero():
		return "all that is kept"
	case back.After(now):
		return "nothing: the database was too slow; subfive forget --dry-run takes its time"
	}
	return "what came since " + utc(back) + "; subfive forget --dry-run looks through everything"
}

// macsOf returns the macs of an e-mail address or a phone number, as they are or
// hashed; none: it is neither.
func macsOf(v *identity.Vault, text string) (macs []string, as string) {
	switch {
	case strings.Contains(text, "@"):
		macs, as = []string{v.Mac(asEmail, text)}, "an e-mail address"
	case strings.HasPrefix(text, "+"):
		macs, as = []string{v.Mac(asPhone, text)}, "a phone number"
	case identity.IsHash(text):
		macs, as = []string{v.Mac(asEmail, text), v.Mac(asPhone, text)}, "a hashed e-mail address or phone number"
	}
	return slices.DeleteFunc(macs, func(mac string) bool { return mac == "" }), as
}

// titleOf says what was found, for people.
func titleOf(h store.Hit) string {
	parts := []string{h.Name, h.Detail}
	if h.Amount != nil {
		parts = append(parts, h.Amount.Amount.String()+" "+h.Amount.Currency)
	}
	text := strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
	if text == "" {
		return strings.ReplaceAll(h.State, "_", " ")
	}
	return strings.ReplaceAll(h.State, "_", " ") + ": " + text
}

// hrefOf is the page that shows what was found.
func hrefOf(h store.Hit) string {
	switch h.Kind {
	case "click":
		return "/admin/clicks?open=" + url.QueryEscape(h.ID)
	case "postback":
		return "/admin/inbound?open=" + url.QueryEscape(h.ID)
	case "delivery":
		return "/admin/outbound?open=" + url.QueryEscape(h.ID)
	}
	return "/admin/conversions/" + url.PathEscape(h.ID)
}

// testMarked is what followed from marking a conversion as a test, or from
// taking that back.
type testMarked struct {
	ConversionID string          `json:"conversion_id"`
	Test         bool            `json:"test"`
	Verdict      subfive.Verdict `json:"verdict"`
	Skipped      []string        `json:"skipped"`
	Told         []string        `json:"told"`
	Made         []string        `json:"made"`
}

// MarkTest marks a conversion as a test or takes that back, for the REST API.
func (b *backend) MarkTest(ctx context.Context, conversionID string, m dashboard.TestMark) (any, error) {
	a, err := b.attributor(ctx)
	if err != nil {
		return nil, err
	}
	done, err := markTest(ctx, a, b.t.store.Load(), conversionID, attribution.TestMark{Test: m.Test, Retract: m.Retract, By: m.By}, b.t.app.now())
	if errors.Is(err, attribution.ErrNotSettleable) {
		return nil, dashboard.Refusal{What: strings.TrimSuffix(err.Error(), ": "+attribution.ErrNotSettleable.Error()), Do: "look at its story: it says who marked it, and when"}
	}
	return done, err
}

// markTest marks a conversion, notes who did, and says what became of what it
// was owed.
func markTest(ctx context.Context, a *attribution.Attributor, st *store.Store, id string, m attribution.TestMark, now time.Time) (testMarked, error) {
	done := testMarked{ConversionID: id, Test: m.Test, Skipped: []string{}, Told: []string{}, Made: []string{}}
	before, err := st.Conversion(ctx, id)
	if err != nil {
		return done, err
	}
	c, made, err := a.MarkTest(ctx, id, m)
	if err != nil {
		return done, err
	}
	done.Verdict = c.Verdict
	err = st.AddAudit(ctx, store.Audit{At: now, Actor: m.By, Action: "mark_test", Subject: "conversion " + id, Old: string(before.Verdict), New: string(c.Verdict)})
	if err != nil {
		return done, err
	}
	for _, d := range made {
		done.Made = append(done.Made, d.ID)
	}
	ds, err := st.Deliveries(ctx, store.DeliveryFilter{ConversionID: id})
	for _, d := range ds {
		switch {
		case slices.Contains(done.Made, d.ID):
		case d.Status == subfive.DeliverySkipped && d.ReasonCode == "test":
			done.Skipped = append(done.Skipped, d.ID)
		case d.Status == subfive.DeliveryDelivered, d.Status == subfive.DeliverySubmitted, d.Status == subfive.DeliveryTested, !d.AmbiguousAt.IsZero():
			done.Told = append(done.Told, d.ID)
		}
	}
	return done, err
}

// UndoReplay takes a replay back, for the REST API.
func (b *backend) UndoReplay(ctx context.Context, ids []string, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	return st.UndoReplay(ctx, ids, by, b.t.app.now())
}
