package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"subfive"
)

// EachDelivery calls each for all deliveries that f names, with their
// conversions and clicks, newest first; f.Limit is not looked at. It reads a
// page at a time and holds nothing open in between, so that a slow reader
// hinders nobody. An error of each ends it.
func (s *Store) EachDelivery(ctx context.Context, f DeliveryFilter, each func(subfive.Delivery) error) error {
	f.Limit = MaxPage
	for {
		page, err := s.Deliveries(ctx, f)
		if err != nil {
			return err
		}
		for _, d := range page {
			if err := each(d); err != nil {
				return err
			}
		}
		if len(page) < MaxPage {
			return nil
		}
		f.after = &page[len(page)-1]
	}
}

// ClickedFilter names conversions that have a click.
type ClickedFilter struct {
	// Platform is the click's, its source's.
	Platform string
	// Since and Until bound when we heard of the conversion, Until not included;
	// zero: no bound.
	Since, Until time.Time
}

// EachClicked calls each for all conversions that f names, with their clicks, as
// EachDelivery does: newest first, a page at a time.
func (s *Store) EachClicked(ctx context.Context, f ClickedFilter, each func(subfive.Conversion, subfive.Click) error) error {
	var last *subfive.Conversion
	for {
		var page []clicked
		err := s.read(ctx, s.screens, func(t *tx) (err error) {
			page, err = t.clicked(ctx, f, last)
			return err
		})
		if err != nil {
			return wrap("read conversions", err)
		}
		for _, c := range page {
			if err := each(c.conversion, c.click); err != nil {
				return err
			}
		}
		if len(page) < MaxPage {
			return nil
		}
		last = &page[len(page)-1].conversion
	}
}

type clicked struct {
	conversion subfive.Conversion
	click      subfive.Click
}

func (t *tx) clicked(ctx context.Context, f ClickedFilter, last *subfive.Conversion) (all []clicked, err error) {
	key, args := "conversions of clicks", []any{f.Platform}
	b := t.s.flavor.NewSelectBuilder()
	b.Select("v.doc", "c.doc").From("conversions v").
		Join("clicks c", "c.click_id = v.attributed_click_id", "v.attributed_click_id <> ''").
		Where(b.EQ("c.platform", "")).
		OrderBy("v.received_at DESC", "v.conversion_id DESC")
	if !f.Since.IsZero() {
		b.Where(b.GE("v.received_at", 0))
		key, args = key+" since", append(args, subfive.Millis(f.Since))
	}
	if !f.Until.IsZero() {
		b.Where(b.LT("v.received_at", 0))
		key, args = key+" until", append(args, subfive.Millis(f.Until))
	}
	if last != nil {
		at := subfive.Millis(last.ReceivedAt)
		b.Where(b.LE("v.received_at", 0), b.Or("v.received_at < "+b.Var(0), b.LT("v.conversion_id", "")))
		key, args = key+" after", append(args, at, at, last.ID)
	}
	b.Limit(1)
	if err := checkValues(args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	err = t.query(ctx, key, func() string { return text(b) }, append(args, MaxPage), func(r *sql.Rows) error {
		var conversion, click []byte
		if err := r.Scan(&conversion, &click); err != nil {
			return err
		}
		var c clicked
		if err := json.Unmarshal(conversion, &c.conversion); err != nil {
			return fmt.Errorf("conversion: %w", err)
		}
		if err := json.Unmarshal(click, &c.click); err != nil {
			return fmt.Errorf("click of conversion %s: %w", c.conversion.ID, err)
		}
		all = append(all, c)
		return nil
	})
	return all, err
}
