package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Story is all that is known about one thing, by whichever ID it was asked for:
// what came in, what was decided and why, and who was told.
type Story struct {
	Clicks      []subfive.Click      `json:"clicks"`
	Postbacks   []StoredPostback     `json:"postbacks"`
	Conversions []subfive.Conversion `json:"conversions"`
	Changes     []subfive.Change     `json:"changes"`
	Deliveries  []subfive.Delivery   `json:"deliveries"`
	// Attempts have the exact request and answer, without credentials; their
	// items are those of the deliveries above.
	Attempts []subfive.Attempt `json:"attempts"`
}

// StoredPostback is a postback with what was decided about it.
type StoredPostback struct {
	subfive.Postback
	Verdict             subfive.Verdict `json:"verdict"`
	GroupID             string          `json:"group_id,omitempty"`
	ConversionID        string          `json:"conversion_id,omitempty"`
	DuplicateOf         string          `json:"duplicate_of,omitempty"`
	PossibleDuplicateOf string          `json:"possible_duplicate_of,omitempty"`
	SettledAs           string          `json:"settled_as,omitempty"`
	SettledBy           string          `json:"settled_by,omitempty"`
	SettledAt           time.Time       `json:"settled_at,omitzero"`
	Trace               []subfive.Step  `json:"trace"`
	// Tee is its copy for the endpoint's other tracker; nil: there is none.
	Tee *subfive.Tee `json:"tee,omitempty"`
}

// storyLimit bounds how many conversions one story follows: an attempt may
// carry many, and a transaction ID that is no ID all of them.
const storyLimit = 200

// found are the IDs that a story is made of.
type found struct {
	clicks, postbacks, conversions, deliveries, attempts []string
}

// Story returns the story of an ID: of a click, postback, conversion, delivery
// or attempt, of a click or a transaction in the network's words, an order, the
// network's conversion, or an event as a platform was told of it. It is
// subfive.ErrNotFound when nothing has that ID.
func (s *Store) Story(ctx context.Context, id string) (story Story, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		f, err := t.find(ctx, id)
		if err != nil {
			return err
		}
		story, err = t.tell(ctx, f)
		return err
	})
	if err != nil {
		return Story{}, fmt.Errorf("story of %s: %w", id, err)
	}
	return story, nil
}

// lookup names where an ID may be found, and what it leads to.
type lookup struct {
	table, by, want, and string
}

// find collects the IDs that id leads to, and what belongs to them.
func (t *tx) find(ctx context.Context, id string) (found, error) {
	f, err := t.direct(ctx, id)
	if err != nil {
		return f, err
	}
	return t.expand(ctx, f)
}

// direct collects the IDs of what has an ID.
func (t *tx) direct(ctx context.Context, id string) (found, error) {
	var f found
	id = strings.TrimSpace(id)
	if err := checkValues([]any{id}); err != nil || id == "" {
		return f, subfive.ErrNotFound
	}
	if click, ok := subfive.ParseClickID(id); ok {
		id = click
	}
	ids := []string{id}
	// An event after the first one is told as the conversion's ID and its kind.
	if conversion, _, ok := strings.Cut(id, "-"); ok && strings.HasPrefix(id, subfive.PrefixConversion) {
		ids = append(ids, conversion)
	}
	for _, l := range []struct {
		lookup
		into *[]string
	}{
		{lookup{"clicks", "click_id", "click_id", ""}, &f.clicks},
		{lookup{"attempts", "attempt_id", "attempt_id", ""}, &f.attempts},
		{lookup{"attempt_items", "attempt_id", "delivery_id", ""}, &f.deliveries},
		{lookup{"deliveries", "delivery_id", "delivery_id", ""}, &f.deliveries},
		{lookup{"conversions", "conversion_id", "conversion_id", ""}, &f.conversions},
		{lookup{"conversions", "transaction_id", "conversion_id", "transaction_id <> ''"}, &f.conversions},
		{lookup{"conversions", "order_id", "conversion_id", "order_id <> ''"}, &f.conversions},
		{lookup{"conversions", "network_conversion_id", "conversion_id", "network_conversion_id <> ''"}, &f.conversions},
		{lookup{"conversions", "attributed_click_id", "conversion_id", "attributed_click_id <> ''"}, &f.conversions},
		{lookup{"postbacks", "postback_id", "postback_id", ""}, &f.postbacks},
		{lookup{"postbacks", "transaction_id", "postback_id", "transaction_id <> ''"}, &f.postbacks},
		{lookup{"postbacks", "network_conversion_id", "postback_id", "network_conversion_id <> ''"}, &f.postbacks},
		{lookup{"postbacks", "click_id", "postback_id", "click_id <> ''"}, &f.postbacks},
	} {
		if err := t.follow(ctx, l.lookup, ids, l.into); err != nil {
			return f, err
		}
	}
	return f, nil
}

// expand adds what belongs to what was found.
func (t *tx) expand(ctx context.Context, f found) (found, error) {
	for _, l := range []struct {
		lookup
		from, into *[]string
	}{
		{lookup{"deliveries", "delivery_id", "conversion_id", ""}, &f.deliveries, &f.conversions},
		{lookup{"postbacks", "postback_id", "conversion_id", ""}, &f.postbacks, &f.conversions},
		{lookup{"postbacks", "conversion_id", "postback_id", "conversion_id <> ''"}, &f.conversions, &f.postbacks},
		{lookup{"postbacks", "postback_id", "click_id", ""}, &f.postbacks, &f.clicks},
		{lookup{"conversions", "conversion_id", "attributed_click_id", ""}, &f.conversions, &f.clicks},
		{lookup{"deliveries", "conversion_id", "delivery_id", ""}, &f.conversions, &f.deliveries},
		{lookup{"attempt_items", "delivery_id", "attempt_id", ""}, &f.deliveries, &f.attempts},
	} {
		if err := t.follow(ctx, l.lookup, *l.from, l.into); err != nil {
			return f, err
		}
	}
	return f, nil
}

// follow adds the IDs to which a lookup leads from some, at most storyLimit.
func (t *tx) follow(ctx context.Context, l lookup, from []string, into *[]string) error {
	ids := *into
	err := t.queryIn(ctx, fmt.Sprintf("follow %v", l), nil, from, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(l.want).From(l.table).Where(b.In(l.by, ids...))
		if l.and != "" {
			b.Where(l.and) // the index is partial
		}
		return text(b)
	}, collect(&ids))
	ids = unique(ids)
	*into = ids[:min(len(ids), storyLimit)]
	return err
}

func (t *tx) tell(ctx context.Context, f found) (story Story, err error) {
	clicks := map[string]subfive.Click{}
	if err := t.clicksByID(ctx, f.clicks, clicks); err != nil {
		return story, err
	}
	for _, c := range clicks {
		c.Request.Raw = ""
		story.Clicks = append(story.Clicks, c)
	}
	slices.SortFunc(story.Clicks, func(a, b subfive.Click) int {
		return cmp.Or(a.ClickedAt.Compare(b.ClickedAt), strings.Compare(a.ID, b.ID))
	})
	if story.Postbacks, err = t.postbacksByID(ctx, f.postbacks); err != nil {
		return story, err
	}
	if err := t.addTees(ctx, story.Postbacks); err != nil {
		return story, err
	}
	if story.Conversions, err = t.conversionsByID(ctx, f.conversions); err != nil {
		return story, err
	}
	if story.Changes, err = t.changesOf(ctx, f.conversions); err != nil {
		return story, err
	}
	if story.Deliveries, err = t.deliveriesByID(ctx, f.deliveries); err != nil {
		return story, err
	}
	if err := t.nextAttempts(ctx, story.Deliveries); err != nil {
		return story, err
	}
	slices.SortFunc(story.Deliveries, func(a, b subfive.Delivery) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), a.Generation-b.Generation, strings.Compare(a.ID, b.ID))
	})
	if story.Attempts, err = t.attemptsByID(ctx, f.attempts, f.deliveries); err != nil {
		return story, err
	}
	if len(story.Clicks)+len(story.Postbacks)+len(story.Conversions)+len(story.Deliveries)+len(story.Attempts) == 0 {
		return story, subfive.ErrNotFound
	}
	return story, nil
}

func (t *tx) postbacksByID(ctx context.Context, ids []string) (all []StoredPostback, err error) {
	err = t.queryIn(ctx, "postbacks by id", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("verdict", "group_id", "conversion_id", "duplicate_of", "possible_duplicate_of", "settled_as", "settled_by", "settled_at",
			"trace", "doc").From("postbacks").Where(b.In("postback_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var p StoredPostback
		var settled int64
		var trace []byte
		if err := scanDoc(r, &p.Postback, &p.Verdict, &p.GroupID, &p.ConversionID, &p.DuplicateOf, &p.PossibleDuplicateOf,
			&p.SettledAs, &p.SettledBy, &settled, &trace); err != nil {
			return err
		}
		p.SettledAt = subfive.FromMillis(settled)
		p.Request.Raw = ""
		all = append(all, p)
		return json.Unmarshal(trace, &all[len(all)-1].Trace)
	})
	slices.SortFunc(all, func(a, b StoredPostback) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

func (t *tx) conversionsByID(ctx context.Context, ids []string) (all []subfive.Conversion, err error) {
	err = t.queryIn(ctx, "conversions by id", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "version", "doc").From("conversions").Where(b.In("conversion_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		c, err := scanConversion(r)
		all = append(all, c)
		return err
	})
	slices.SortFunc(all, func(a, b subfive.Conversion) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), a.Seq-b.Seq, strings.Compare(a.ID, b.ID))
	})
	return all, err
}

func (t *tx) changesOf(ctx context.Context, conversions []string) (all []subfive.Change, err error) {
	err = t.queryIn(ctx, "changes", nil, conversions, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "field", "old_value", "new_value", "changed_at", "changed_by", "postback_id").
			From("conversion_changes").Where(b.In("conversion_id", ids...)).OrderBy("changed_at", "change_id")
		return text(b)
	}, func(r *sql.Rows) error {
		var c subfive.Change
		var at int64
		err := r.Scan(&c.ConversionID, &c.Field, &c.Old, &c.New, &at, &c.By, &c.PostbackID)
		c.At = subfive.FromMillis(at)
		all = append(all, c)
		return err
	})
	return all, err
}

// attemptsByID returns exchanges in the order they began, with the items of the
// deliveries asked for.
func (t *tx) attemptsByID(ctx context.Context, ids, deliveries []string) (all []subfive.Attempt, err error) {
	items := map[string][]subfive.AttemptItem{}
	err = t.queryIn(ctx, "attempt items", nil, deliveries, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("attempt_id", "delivery_id", "class", "item_code", "item_message").From("attempt_items").
			Where(b.In("delivery_id", ids...)).OrderBy("delivery_id")
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		var it subfive.AttemptItem
		err := r.Scan(&id, &it.DeliveryID, &it.Outcome.Class, &it.Outcome.Code, &it.Outcome.Message)
		items[id] = append(items[id], it)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = t.queryIn(ctx, "attempts by id", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(attemptColumns...).From("attempts").Where(b.In("attempt_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		a, err := scanAttempt(r)
		a.Items = items[a.ID]
		all = append(all, a)
		return err
	})
	slices.SortFunc(all, func(a, b subfive.Attempt) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

func scanAttempt(r *sql.Rows) (a subfive.Attempt, err error) {
	var started, latency, size, wait int64
	o := &a.Outcome
	err = r.Scan(&a.ID, &a.DestinationID, &started, &latency, &size, &a.Method, &a.URL, &a.RequestHeader, &a.RequestBody,
		&o.HTTP, &a.AnswerHeader, &a.AnswerBody, &o.Class, &o.Code, &o.Subcode, &o.Message, &o.TraceID, &o.Ambiguous, &wait)
	a.StartedAt = subfive.FromMillis(started)
	a.Latency, o.RetryAfter = time.Duration(latency)*time.Millisecond, time.Duration(wait)*time.Millisecond
	return a, err
}
