package dashboard

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// Reports is what the API needs for reports. One of them by its ID is a Story of
// kind reports.
type Reports interface {
	// ReportFields are the dimensions and metrics that there are.
	ReportFields(ctx context.Context) (any, error)
	// Report sums up what was recorded, at once; a Refusal if that takes too long.
	Report(ctx context.Context, q ReportQuery) (any, error)
	// ReportSample returns some of the rows that a metric counts.
	ReportSample(ctx context.Context, q ReportQuery, metric string) (any, error)
	// ReportCount is how many rows a report has, and ReportExport writes them, in
	// the form csv or parquet.
	ReportCount(ctx context.Context, q ReportQuery) (any, error)
	ReportExport(ctx context.Context, q ReportQuery, form string, w io.Writer) error
	// QueueReport has one made in the background, Reports lists those, and
	// CancelReport ends one.
	QueueReport(ctx context.Context, q ReportQuery, by string) (any, error)
	Reports(ctx context.Context) (any, error)
	CancelReport(ctx context.Context, id string) (any, error)
}

// ReportQuery is what is asked of a report. Which dimensions and metrics there
// are, the Backend knows.
type ReportQuery struct {
	By, Metrics []string
	Filters     []ReportFilter
	// Since and Until are days of the zone, moments, or how long ago; "": the last
	// seven days.
	Since, Until string
	Zone         string // ""; that of reports
	ClickTime    bool
	Sort         string
	Limit        int // 0: all rows
	Compare      string
	Interval     string
}

// ReportFilter narrows a report to the values of a dimension.
type ReportFilter struct {
	Name   string
	Values []string
}

// maxReportText is how long a query may be that is sent in a body.
const maxReportText = 16 << 10

// reportNames are the parameters of a report.
func reportNames() []string {
	return []string{"by", "metrics", "filter", "since", "until", "zone", "time", "sort", "limit", "compare", "interval"}
}

// routeReports routes what takes a query.
func (d *Dashboard) routeReports(api gin.IRoutes) {
	api.GET("/report", d.run(d.report))
	api.GET("/report/rows", d.run(d.reportSample))
	api.GET("/report/export", d.reportExport)
}

// routeLongReports routes what takes none.
func (d *Dashboard) routeLongReports(api gin.IRoutes) {
	api.GET("/report/fields", d.run(func(c *gin.Context) (any, error) { return d.cfg.Backend.ReportFields(c.Request.Context()) }))
	api.GET("/reports", d.run(func(c *gin.Context) (any, error) { return d.cfg.Backend.Reports(c.Request.Context()) }))
	api.GET("/reports/:id", d.run(d.story("reports")))
	api.POST("/reports", d.run(d.queueReport))
	api.POST("/reports/:id/cancel", d.run(d.cancelReport))
}

// readReport reads a report's query, and further parameters apart.
func readReport(raw string, limit int, more ...string) (q ReportQuery, rest map[string]string, err error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, nil, bad("escape it as URLs are", "the query can't be read: %v", err)
	}
	known := append(reportNames(), more...)
	given := map[string]string{}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name):
			return q, nil, bad("use some of "+strings.Join(known, ", "), "a report can't be asked for by %q", name)
		case len(all) > 1 && name != "filter":
			return q, nil, bad("give it once", "%s is given %d times", name, len(all))
		case slices.Contains(all, ""):
			return q, nil, bad("give it a value, or leave it out", "%s is empty", name)
		case !slices.ContainsFunc(all, isText) || slices.ContainsFunc(all, func(s string) bool { return !isText(s) }):
			return q, nil, bad("leave out characters that are no text", "%s is not valid UTF-8, or has a NUL", name)
		}
		given[name] = all[0]
	}
	q = ReportQuery{
		By: namesOf(given["by"]), Metrics: namesOf(given["metrics"]), Since: given["since"], Until: given["until"], Zone: given["zone"],
		Sort: given["sort"], Limit: limit, Compare: given["compare"], Interval: given["interval"],
	}
	if q.Filters, err = filtersOf(values["filter"]); err != nil {
		return q, nil, err
	}
	if err := isZone(q.Zone); err != nil {
		return q, nil, err
	}
	if given["time"] != "" {
		if err := oneOf("time", given["time"], []string{"conversion", "click"}); err != nil {
			return q, nil, err
		}
		q.ClickTime = given["time"] == "click"
	}
	if given["limit"] != "" {
		if q.Limit, err = limitOf(given["limit"]); err != nil {
			return q, nil, err
		}
	}
	return q, given, nil
}

// namesOf reads names with commas between them.
func namesOf(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// filtersOf reads filters as dimension:value; those of one dimension are its
// values, of which any will do.
func filtersOf(given []string) (filters []ReportFilter, err error) {
	for _, one := range given {
		name, value, ok := strings.Cut(one, ":")
		if !ok || name == "" {
			return nil, bad("write it as dimension:value, such as country:US; with nothing after the colon it is what has none", "filter is %q", one)
		}
		i := slices.IndexFunc(filters, func(f ReportFilter) bool { return f.Name == name })
		if i < 0 {
			filters = append(filters, ReportFilter{name, []string{value}})
			continue
		}
		filters[i].Values = append(filters[i].Values, value)
	}
	return filters, nil
}

func (d *Dashboard) report(c *gin.Context) (any, error) {
	q, _, err := readReport(c.Request.URL.RawQuery, defaultLimit)
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Report(c.Request.Context(), q)
}

func (d *Dashboard) reportSample(c *gin.Context) (any, error) {
	q, given, err := readReport(c.Request.URL.RawQuery, defaultLimit, "metric")
	if err != nil {
		return nil, err
	}
	if given["metric"] == "" {
		return nil, bad("name one, such as conversions", "metric is missing")
	}
	return d.cfg.Backend.ReportSample(c.Request.Context(), q, given["metric"])
}

// reportExport writes a report as a file, or says how many rows it would have.
func (d *Dashboard) reportExport(c *gin.Context) {
	q, given, err := readReport(c.Request.URL.RawQuery, 0, "format", "count")
	kinds := map[string]string{"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
	switch {
	case err != nil:
	case given["count"] != "":
		if err = oneOf("count", given["count"], []string{"true"}); err == nil {
			d.run(func(c *gin.Context) (any, error) { return d.cfg.Backend.ReportCount(c.Request.Context(), q) })(c)
			return
		}
	case kinds[given["format"]] == "":
		err = bad("say csv or parquet", "format is %q", given["format"])
	default:
		form := given["format"]
		file := &lateFile{c: c, kind: kinds[form], name: "report." + form}
		err = d.cfg.Backend.ReportExport(c.Request.Context(), q, form, file)
	}
	if err != nil {
		d.fail(c, err)
	}
}

// lateFile is an answer that is a file once something is written: until then it
// may become an error.
type lateFile struct {
	c          *gin.Context
	kind, name string
	begun      bool
}

// Write begins the answer, and writes to it.
func (f *lateFile) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.c.Header("Content-Type", f.kind)
		f.c.Header("Content-Disposition", "attachment; filename="+strconv.Quote(f.name))
		f.c.Status(http.StatusOK)
	}
	return f.c.Writer.Write(b)
}

// reportBody is the body of a call that has a report made.
type reportBody struct {
	Query string `json:"query"`
}

func (d *Dashboard) queueReport(c *gin.Context) (any, error) {
	var body reportBody
	if err := decode(c, &body); err != nil {
		return nil, err
	}
	if len(body.Query) > maxReportText {
		return nil, bad("ask for less at once", "query is longer than %d KiB", maxReportText>>10)
	}
	q, _, err := readReport(body.Query, 0)
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.QueueReport(c.Request.Context(), q, actor(c))
}

func (d *Dashboard) cancelReport(c *gin.Context) (any, error) {
	id, err := read(c, &nothing{})
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.CancelReport(c.Request.Context(), id)
}
