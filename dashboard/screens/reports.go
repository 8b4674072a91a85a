package screens

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// usualRange is the range of a report that names none: the sums of a day are
// whole, its costs come the day after.
const usualRange = "7d"

// reportField is a dimension or a metric.
type reportField struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Definition string `json:"definition"`
	Kind       string `json:"kind"`      // of a metric
	ReadFrom   string `json:"read_from"` // of a dimension
	Time       bool   `json:"time"`
}

// reportFields are all there are.
type reportFields struct {
	Dimensions []reportField `json:"dimensions"`
	Metrics    []reportField `json:"metrics"`
}

func (f reportFields) title(dimension string) string {
	i := slices.IndexFunc(f.Dimensions, func(d reportField) bool { return d.Name == dimension })
	if i < 0 {
		return dimension
	}
	return f.Dimensions[i].Title
}

// keptReport is a report that is made in the background.
type keptReport struct {
	ID         string    `json:"report_id"`
	AskedBy    string    `json:"asked_by"`
	State      string    `json:"state"`
	Progress   int       `json:"progress"`
	Problem    string    `json:"problem"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at"`
	Query      struct {
		By        []string            `json:"by"`
		Metrics   []string            `json:"metrics"`
		Filters   map[string][]string `json:"filters"`
		Since     time.Time           `json:"since"`
		Until     time.Time           `json:"until"`
		Zone      string              `json:"zone"`
		ClickTime bool                `json:"click_time"`
		Sort      string              `json:"sort"`
		Compare   string              `json:"compare"`
		Interval  string              `json:"interval"`
	} `json:"query"`
	Report *report `json:"report"`
}

// Waits reports whether there is something to wait for.
func (k keptReport) Waits() bool { return k.State == "queued" || k.State == "running" }

// Title says by what it is broken down.
func (k keptReport) Title() string {
	if len(k.Query.By) == 0 {
		return "all in one row"
	}
	return "by " + strings.ReplaceAll(strings.Join(k.Query.By, ", "), "_", " ")
}

// savedView is an address that somebody saved.
type savedView struct {
	ID    string `json:"view_id"`
	Name  string `json:"name"`
	Query string `json:"query"`
}

// Href is where it leads.
func (v savedView) Href() string { return Root + "/reports?" + v.Query }

// reportsPage is what the page draws.
type reportsPage struct {
	Address reportAddress
	Fields  reportFields
	*report
	// Problem is why there is no report, and Long that it takes too long to be
	// waited for: Query has it made.
	Problem *Refused
	Long    bool
	Query   string
	Explain *explained
	Views   []savedView
	Made    []keptReport
	Kept    *keptReport // one of those
}

func (s *Screens) routeReports(inside gin.IRoutes) {
	inside.GET("/reports", func(c *gin.Context) {
		if !slices.ContainsFunc([]string{"range", "since"}, func(name string) bool { return c.Query(name) != "" }) {
			q := c.Request.URL.Query()
			q.Set("range", usualRange)
			c.Redirect(http.StatusSeeOther, Root+"/reports?"+q.Encode())
			return
		}
		s.page(reports)(c)
	})
	inside.GET("/reports/export", s.exportReport)
	inside.GET("/reports/made/:id", s.page(madeReport))
	inside.POST("/reports/made", s.act(makeReport))
	inside.POST("/reports/made/:id/cancel", s.act(cancelReport))
	inside.POST("/reports/views", s.act(saveReport))
	inside.POST("/reports/views/:id/delete", s.act(deleteReport))
}

// reports shows a report of what the address says.
func reports(r *request) (page, error) {
	p := reportsPage{Address: r.reportAddress()}
	if err := r.get("/report/fields", nil, &p.Fields); err != nil {
		return page{}, err
	}
	var refused *Refused
	asked := r.asked(p.Address)
	p.Query = asked.Encode()
	err := r.get("/report", asked, &p.report)
	switch {
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		p.Problem, p.Long, p.report = refused, refused.Status == http.StatusConflict, nil
	case err != nil:
		return page{}, err
	default:
		p.prepare(p.Address)
	}
	if name := p.Address.q.Get("explain"); name != "" && p.report != nil {
		if p.Explain, err = r.explain(p.report, asked, name); err != nil {
			return page{}, err
		}
	}
	return page{Name: "reports", Title: "Reports", Data: p}, r.beside(&p)
}

// beside reads what stands beside a report: saved ones, and those that are made
// in the background.
func (r *request) beside(p *reportsPage) error {
	var views struct {
		Items []savedView `json:"items"`
	}
	var made struct {
		Items []keptReport `json:"items"`
	}
	err := errors.Join(r.get("/views", url.Values{"page": {"reports"}}, &views), r.get("/reports", nil, &made))
	p.Views, p.Made = views.Items, made.Items
	return err
}

// madeReport shows one that was made in the background, or how far it is.
func madeReport(r *request) (page, error) {
	p := reportsPage{Kept: &keptReport{}}
	if err := errors.Join(r.get("/reports/"+url.PathEscape(r.Param("id")), nil, p.Kept), r.get("/report/fields", nil, &p.Fields)); err != nil {
		return page{}, err
	}
	p.Address = p.Kept.address()
	if p.report = p.Kept.Report; p.report != nil {
		p.prepare(p.Address)
	}
	return page{Name: "reports", Title: "Reports", Data: p}, nil
}

// address is where the same is asked again.
func (k keptReport) address() reportAddress {
	q := url.Values{"by": {strings.Join(k.Query.By, ",")}, "metrics": {strings.Join(k.Query.Metrics, ",")}}
	for name, values := range k.Query.Filters {
		for _, v := range values {
			q.Add("filter", name+":"+v)
		}
	}
	slices.Sort(q["filter"])
	zone, err := time.LoadLocation(k.Query.Zone)
	if err != nil {
		zone = time.UTC
	}
	q.Set("since", k.Query.Since.In(zone).Format(time.DateOnly))
	q.Set("until", k.Query.Until.In(zone).Add(-time.Millisecond).Format(time.DateOnly))
	for name, value := range map[string]string{"sort": k.Query.Sort, "compare": k.Query.Compare, "interval": k.Query.Interval} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if k.Query.ClickTime {
		q.Set("time", "click")
	}
	return reportAddress{Root + "/reports", q}
}

// explained is a metric with the rows behind it.
type explained struct {
	Metric  reportField
	Value   string
	Command string
	View    string
	SQL     string
	Note    string
	Columns []string
	Rows    [][]sampleCell
}

type sampleCell struct{ Text, Href string }

// sampleColumns are those of a view that a sample shows.
var sampleColumns = map[string][]string{
	"v_clicks":      {"clicked_at", "click_id", "campaign_id", "source_id", "ad_id", "country", "device", "browser", "cost", "bot_reason"},
	"v_conversions": {"converted_at", "conversion_id", "goal", "network_status", "payout", "payout_currency", "campaign_id", "ad_id", "click_id"},
	"costs":         {"cost_day", "source_id", "platform_campaign_name", "adset_name", "ad_id", "ad_name", "spend", "currency", "impressions", "platform_clicks"},
}

// explain reads the rows behind a metric.
func (r *request) explain(of *report, asked url.Values, name string) (*explained, error) {
	q := url.Values{"metric": {name}}
	for key, values := range asked {
		q[key] = values
	}
	var sample struct {
		View  string           `json:"view"`
		SQL   string           `json:"sql"`
		Note  string           `json:"note"`
		Items []map[string]any `json:"items"`
	}
	if err := r.get("/report/rows", q, &sample); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(of.Metrics, func(m reportField) bool { return m.Name == name })
	if i < 0 {
		return nil, &Refused{Status: http.StatusNotFound, What: "The report does not show " + name, Do: "Choose it among the metrics first."}
	}
	m := of.Metrics[i]
	e := &explained{
		Metric: m, Value: of.cell(m, of.Totals).Text, View: sample.View, SQL: sample.SQL, Note: sample.Note, Columns: sampleColumns[sample.View],
		Command: "subfive sql \"$(cat <<'SQL'\n" + of.SQL + "\nSQL\n)\"",
	}
	for _, item := range sample.Items {
		var row []sampleCell
		for _, c := range e.Columns {
			cell := sampleCell{Text: words(cmp.Or(item[c], any("")))}
			if id, ok := item[c].(string); ok && id != "" {
				cell.Text = id
				switch c {
				case "click_id":
					cell.Href = Root + "/clicks/" + url.PathEscape(id)
				case "conversion_id":
					cell.Href = Root + "/conversions/" + url.PathEscape(id)
				}
			}
			row = append(row, cell)
		}
		e.Rows = append(e.Rows, row)
	}
	return e, nil
}

// exportReport hands a report's file on as it comes.
func (s *Screens) exportReport(c *gin.Context) {
	r := s.request(c)
	q := r.asked(r.reportAddress())
	q.Set("format", c.Query("format"))
	call, err := http.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/api/v1/report/export?"+q.Encode(), http.NoBody)
	if err != nil {
		r.fail(err)
		return
	}
	w := &passed{answer: answer{status: http.StatusOK, header: http.Header{}}, to: c.Writer}
	s.cfg.API.ServeAs(w, call, r.user)
	if w.status/100 != 2 {
		r.fail(w.refusal())
	}
}

// passed hands an answer on if it is a success, and keeps it if not.
type passed struct {
	answer
	to    http.ResponseWriter
	begun bool
}

// Write hands a part on.
func (p *passed) Write(part []byte) (int, error) {
	if p.status/100 != 2 {
		return p.answer.Write(part)
	}
	if !p.begun {
		p.begun = true
		for _, name := range []string{"Content-Type", "Content-Disposition"} {
			p.to.Header().Set(name, p.header.Get(name))
		}
		p.to.WriteHeader(p.status)
	}
	return p.to.Write(part)
}

// makeReport has one made in the background.
func makeReport(r *request) (said, error) {
	var k keptReport
	err := r.send(http.MethodPost, "/reports", map[string]string{"query": r.PostForm("query")}, &k)
	return said{Text: "It is being made. This page shows how far it is.", To: Root + "/reports/made/" + url.PathEscape(k.ID)}, err
}

func cancelReport(r *request) (said, error) {
	err := r.send(http.MethodPost, "/reports/"+url.PathEscape(r.Param("id"))+"/cancel", struct{}{}, nil)
	return said{Text: "Cancelled.", To: Root + "/reports"}, err
}

func saveReport(r *request) (said, error) {
	name := r.PostForm("name")
	err := r.send(http.MethodPost, "/views", map[string]string{"page": "reports", "name": name, "query": r.PostForm("query")}, nil)
	return said{Text: "Saved as " + name + "."}, err
}

func deleteReport(r *request) (said, error) {
	err := r.call(http.MethodDelete, "/views/"+url.PathEscape(r.Param("id")), nil, nil)
	return said{Text: "Deleted."}, err
}
