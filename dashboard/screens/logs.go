package screens

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// pageRows is how many rows a page of a list has.
const pageRows = 100

// meanings say what platforms' codes mean, by "platform code".
type meanings map[string]string

// logRow is a row as it is drawn.
type logRow struct {
	ID, State string
	At        template.HTML
	Href      string
	Open      bool // it stands beside the list
	Picked    bool // it is selected
	Pick      bool // it can be
	Cells     []logCell
}

// logDay are the rows of one day.
type logDay struct {
	Text, Counts string
	Rows         []logRow
}

// chip is a filter that is set.
type chip struct{ Name, Text, Value, Without string }

// logPage is a list's page.
type logPage struct {
	list
	Days    []logDay
	Shown   int
	Rows    *int64 // how many there are; nil: that is not asked
	Next    string
	Chips   []chip
	Tail    string // the address of the tail; "": it is none of now
	Export  string // its address, without the form
	Drawer  *drawer
	Replay  *replayAsked
	Narrow  bool // by filters
	Replays bool // rows can be selected and sent again
}

func (s *Screens) routeLogs(inside gin.IRoutes) {
	for _, l := range lists() {
		inside.GET(l.Path, s.page(func(r *request) (page, error) { return logs(r, l) }))
		inside.GET(l.Path+"/tail", s.tail(l))
		inside.GET(l.Path+"/export", s.export(l))
	}
	inside.POST("/outbound/replay", s.act(replaySelected))
	inside.POST("/outbound/undo", s.act(undoReplayed))
	inside.GET("/search", s.page(search))
}

// query is what the API is asked for: the filters of the address, and the range.
func (l list) query(r *request) url.Values {
	q := url.Values{}
	for _, f := range l.Filters {
		values := slices.DeleteFunc(slices.Clone(r.QueryArray(f.Name)), func(v string) bool { return strings.TrimSpace(v) == "" })
		if len(values) > 0 {
			q.Set(f.Name, strings.Join(values, ","))
		}
	}
	return q
}

// within adds the range of the address.
func (r *request) within(q url.Values) url.Values {
	q = maps.Clone(q)
	b := r.bounds()
	q.Set("since", b.Since.UTC().Format(time.RFC3339))
	if b.Until.Before(r.now) {
		q.Set("until", b.Until.UTC().Format(time.RFC3339))
	}
	return q
}

// logs draws one of the lists.
func logs(r *request, l list) (page, error) {
	p := logPage{list: l}
	filters := l.query(r)
	q := r.within(filters)
	p.Export = Root + l.Path + "/export?" + q.Encode()
	if l.counts {
		var n struct {
			Rows int64 `json:"rows"`
		}
		counted := maps.Clone(q)
		counted.Set("count", "true")
		if err := r.get("/"+l.Kind+"/export", counted, &n); err != nil {
			return page{}, err
		}
		p.Rows = &n.Rows
	}
	var rows struct {
		Items []item `json:"items"`
		Next  string `json:"next"`
	}
	q.Set("limit", fmt.Sprint(pageRows))
	if c := r.Query("cursor"); c != "" {
		q.Set("cursor", c)
	} else if !q.Has("until") {
		p.Tail = Root + l.Path + "/tail"
		if kept := r.Request.URL.Query(); len(kept) > 0 {
			p.Tail += "?" + kept.Encode()
		}
	}
	if err := r.get("/"+l.Kind, q, &rows); err != nil {
		return page{}, err
	}
	v := &view{request: r}
	p.Next, p.Shown, p.Narrow, p.Replays = rows.Next, len(rows.Items), len(filters) > 0, l.Kind == "deliveries" && v.May()
	p.Chips = l.chips(v)
	m, err := r.meanings(l, rows.Items)
	if err != nil {
		return page{}, err
	}
	p.Days = l.days(v, rows.Items, m)
	if id := r.Query("open"); id != "" {
		if p.Drawer, err = r.drawer(l, id); err != nil {
			return page{}, err
		}
	}
	if p.Replays && r.Query("replay") != "" {
		if p.Replay, err = r.askReplay(l, filters); err != nil {
			return page{}, err
		}
	}
	return page{Name: "logs", Title: l.Title, Data: p}, nil
}

// chips are the filters that are set.
func (l list) chips(v *view) (all []chip) {
	for _, f := range l.Filters {
		values := slices.DeleteFunc(slices.Clone(v.QueryArray(f.Name)), func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(values) > 0 {
			all = append(all, chip{f.Name, f.Text, words(strings.ReplaceAll(strings.Join(values, ","), ",", ", ")), v.With(f.Name, "")})
		}
	}
	return all
}

// days groups rows by their day.
func (l list) days(v *view, items []item, m meanings) (days []logDay) {
	picked := v.QueryArray("id")
	counts := map[string]int{}
	var states []string
	say := func() {
		if len(days) == 0 {
			return
		}
		var parts []string
		for _, s := range states {
			parts = append(parts, fmt.Sprint(counts[s], " ", words(s)))
		}
		days[len(days)-1].Counts = strings.Join(parts, " · ")
		counts, states = map[string]int{}, nil
	}
	for _, i := range items {
		day := v.Day(i.text(l.at))
		if len(days) == 0 || days[len(days)-1].Text != day {
			say()
			days = append(days, logDay{Text: day})
		}
		row := l.row(v, i, m)
		row.Picked = slices.Contains(picked, row.ID)
		if counts[row.State]++; counts[row.State] == 1 {
			states = append(states, row.State)
		}
		d := &days[len(days)-1]
		d.Rows = append(d.Rows, row)
	}
	say()
	return days
}

func (l list) row(v *view, i item, m meanings) logRow {
	id := i.text(l.id)
	q := v.Request.URL.Query()
	for _, gone := range []string{"part", "replay", "id"} {
		q.Del(gone)
	}
	q.Set("open", id)
	return logRow{
		ID: id, State: l.state(i), At: v.Second(i.text(l.at)), Href: Root + l.Path + "?" + q.Encode(), Open: v.Query("open") == id,
		Pick: l.Kind == "deliveries" && v.May(), Cells: l.cells(v, i, m),
	}
}

// meanings looks up the platforms' codes that rows name; at most some.
func (r *request) meanings(l list, items []item) (meanings, error) {
	const most = 12
	m := meanings{}
	if l.Kind != "deliveries" {
		return m, nil
	}
	for _, i := range items {
		platform, code := i.text("platform"), i.text("last_code")
		key := platform + " " + code
		if _, asked := m[key]; asked || platform == "" || code == "" || len(m) == most {
			continue
		}
		var entries struct {
			Items []meaning `json:"items"`
		}
		m[key] = ""
		err := r.get("/errors", url.Values{"platform": {platform}, "code": {code}}, &entries)
		if _, unknown := refusal(err); err != nil && !unknown {
			return m, err
		}
		if len(entries.Items) > 0 {
			m[key] = entries.Items[0].Means
		}
	}
	return m, nil
}

// Ask are the filters as a form's fields: each with what it is now.
func (p logPage) Ask(v *view) (fields []logField) {
	for _, f := range p.Filters {
		a := logField{filterForm: f, Value: strings.Join(v.QueryArray(f.Name), ",")}
		if f.Flag {
			a.Words = []string{"true", "false"}
		}
		for _, w := range a.Words {
			a.Choices = append(a.Choices, logChoice{w, slices.Contains(strings.Split(a.Value, ","), w)})
		}
		fields = append(fields, a)
	}
	return fields
}

type logField struct {
	filterForm
	Value   string
	Choices []logChoice
}

type logChoice struct {
	Word string
	On   bool
}

// Unfiltered are the names that the form of filters sets anew.
func (p logPage) Unfiltered() []string {
	names := []string{"cursor", "open", "replay", "id"}
	for _, f := range p.Filters {
		names = append(names, f.Name)
	}
	return names
}

// Hidden are the address's other values, for that form.
func (p logPage) Hidden(v *view) template.HTML { return v.Kept(p.Unfiltered()...) }

// export answers with the file that the API makes of a list.
func (s *Screens) export(l list) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := s.request(c)
		q := l.query(r)
		for _, name := range []string{"since", "until", "format"} {
			if value := c.Query(name); value != "" {
				q.Set(name, value)
			}
		}
		r.pass(c.Writer, "/"+l.Kind+"/export", q)
	}
}

// pass lets the API answer the browser itself.
func (r *request) pass(w http.ResponseWriter, path string, q url.Values) {
	api, err := http.NewRequestWithContext(r.Request.Context(), http.MethodGet, "/api/v1"+path+"?"+q.Encode(), http.NoBody)
	if err != nil {
		r.fail(err)
		return
	}
	api.RemoteAddr, api.Host = r.Request.RemoteAddr, r.Request.Host
	if last := r.GetHeader("Last-Event-ID"); last != "" {
		api.Header.Set("Last-Event-ID", last)
	}
	r.s.cfg.API.ServeAs(w, api, r.user)
}
