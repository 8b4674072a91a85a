package screens

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// undoWithin is how long a replay waits before it is sent, so that it can be
// undone.
const undoWithin = "10s"

// mostIDs is how many deliveries one replay can name.
const mostIDs = 256

// replayAsked is a replay that a person looks at before it is made.
type replayAsked struct {
	replays
	// Body is what the API is asked with, as fields of the form.
	Fields url.Values
	// All: it is of all that match.
	All   bool
	Force bool
	// Cut: more match than one replay can name.
	Cut   bool
	Fault *Refused
}

// Lines are the reasons for which some are left alone.
func (a replayAsked) Lines() (lines []string) {
	for _, why := range []string{"delivered", "ambiguous", "unfinished", "not_owed"} {
		if n := a.Refused[why]; n > 0 {
			one := replays{Refused: map[string]int{why: n}}
			lines = append(lines, number(n)+" left alone: "+one.Why())
		}
	}
	return lines
}

// Values are the form's hidden fields.
func (a replayAsked) Values() (fields [][2]string) {
	for _, name := range sortedNames(a.Fields) {
		for _, v := range a.Fields[name] {
			fields = append(fields, [2]string{name, v})
		}
	}
	return fields
}

// askReplay says what a replay of the selected rows would do, or of all that
// match the filters.
func (r *request) askReplay(l list, filters url.Values) (*replayAsked, error) {
	a := &replayAsked{Fields: url.Values{}, Force: r.Query("force") != "", All: r.Query("replay") == "all"}
	ids := r.QueryArray("id")
	if a.All {
		var err error
		if ids, err = a.matching(r, l, filters); err != nil {
			return nil, err
		}
	}
	if len(ids) > mostIDs {
		ids, a.Cut = ids[:mostIDs], true
	}
	for _, id := range ids {
		a.Fields.Add("id", id)
	}
	if a.Force {
		a.Fields.Set("force", "yes")
	}
	if len(a.Fields) == 0 || len(a.Fields) == 1 && a.Force {
		a.Fault = &Refused{What: "No delivery is selected", Do: "Mark some, or send again all that match."}
		return a, nil
	}
	body := replayBody(a.Fields)
	body["dry_run"] = true
	err := r.send(http.MethodPost, "/replays", body, &a.replays)
	if refused, ok := refusal(err); ok {
		a.Fault = refused
		return a, nil
	}
	return a, err
}

// matching names all that match: by the filters themselves where a replay knows
// them, else by the IDs of the newest.
func (a *replayAsked) matching(r *request, l list, filters url.Values) (ids []string, err error) {
	known := []string{"status", "destination_id", "reason_code", "conversion_id"}
	plain := true
	for name, values := range filters {
		plain = plain && slices.Contains(known, name) && !strings.Contains(values[0], ",") && values[0] != "held"
	}
	q := r.within(filters)
	if plain {
		for name, values := range q {
			a.Fields.Set(name, values[0])
		}
		return nil, nil
	}
	var rows struct {
		Items []item `json:"items"`
		Next  string `json:"next"`
	}
	q.Set("limit", strconv.Itoa(mostIDs))
	err = r.get("/"+l.Kind, q, &rows)
	for _, i := range rows.Items {
		ids = append(ids, i.text(l.id))
	}
	a.Cut = rows.Next != ""
	return ids, err
}

// replayBody is the call that a form's fields make.
func replayBody(fields url.Values) map[string]any {
	body := map[string]any{}
	for _, name := range []string{"status", "destination_id", "reason_code", "conversion_id", "since", "until"} {
		if v := fields.Get(name); v != "" {
			body[name] = v
		}
	}
	if ids := fields["id"]; len(ids) > 0 {
		body["delivery_ids"] = ids
	}
	if fields.Get("force") != "" {
		body["force"] = true
	}
	return body
}

// replaySelected sends again what a person has looked at.
func replaySelected(r *request) (said, error) {
	if err := r.Request.ParseForm(); err != nil {
		return said{}, &Refused{Status: http.StatusBadRequest, What: "the form can't be read", Do: "send it again"}
	}
	body := replayBody(r.Request.PostForm)
	body["after"] = undoWithin
	var done struct {
		replays
		Sample *struct {
			CreatedAt time.Time `json:"created_at"`
		} `json:"sample"`
	}
	if err := r.send(http.MethodPost, "/replays", body, &done); err != nil {
		return said{}, err
	}
	if done.Count == 0 {
		return said{Text: "Nothing was sent. " + done.Why(), Bad: true}, nil
	}
	s := said{Text: plural(done.Count, "delivery goes", "deliveries go") + " out again in 10 seconds, with the event IDs they had"}
	if done.Sample != nil {
		s.Undo = fmt.Sprintf("%s/outbound/undo?at=%d", Root, done.Sample.CreatedAt.UnixMilli())
	}
	return s, nil
}

// undoReplayed takes back the replay that was made at a moment, as far as it was
// not sent.
func undoReplayed(r *request) (said, error) {
	ms, err := strconv.ParseInt(r.Query("at"), 10, 64)
	if err != nil {
		return said{}, &Refused{Status: http.StatusBadRequest, What: "no replay is named", Do: "use the Undo that the replay offered"}
	}
	at := time.UnixMilli(ms).UTC()
	const layout = "2006-01-02T15:04:05.000Z07:00"
	q := url.Values{"status": {"scheduled"}, "since": {at.Format(layout)}, "until": {at.Add(time.Millisecond).Format(layout)}, "limit": {"1000"}}
	undone, left := 0, 0
	for {
		var rows struct {
			Items []item `json:"items"`
			Next  string `json:"next"`
		}
		if err := r.get("/deliveries", q, &rows); err != nil {
			return said{}, err
		}
		ids := []string{}
		for _, i := range rows.Items {
			ids = append(ids, i.text("delivery_id"))
		}
		if len(ids) == 0 {
			break
		}
		var done struct {
			Undone []string          `json:"undone"`
			Left   map[string]string `json:"left"`
		}
		if err := r.send(http.MethodPost, "/replays/undo", map[string]any{"delivery_ids": ids}, &done); err != nil {
			return said{}, err
		}
		undone, left = undone+len(done.Undone), left+len(done.Left)
		if rows.Next == "" {
			break
		}
		q.Set("cursor", rows.Next)
	}
	switch {
	case undone == 0:
		return said{Text: "It is too late: all of it was sent", Bad: true}, nil
	case left > 0:
		return said{Text: plural(undone, "delivery", "deliveries") + " taken back; " + number(left) + " had gone out", Bad: true}, nil
	}
	return said{Text: plural(undone, "delivery", "deliveries") + " taken back: nothing was sent"}, nil
}
