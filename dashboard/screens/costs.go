package screens

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// costRow is what an ad cost on a day.
type costRow struct {
	SourceID     string    `json:"source_id"`
	Day          string    `json:"day"`
	CampaignID   string    `json:"platform_campaign_id"`
	CampaignName string    `json:"platform_campaign_name"`
	SetName      string    `json:"adset_name"`
	AdID         string    `json:"ad_id"`
	AdName       string    `json:"ad_name"`
	Spend        string    `json:"spend"`
	Currency     string    `json:"currency"`
	Impressions  int64     `json:"impressions"`
	Clicks       int64     `json:"platform_clicks"`
	Conversions  int64     `json:"platform_conversions"`
	ImportedAt   time.Time `json:"imported_at"`
}

// Ad names the ad, as far as the export tells it.
func (c costRow) Ad() string {
	for _, name := range []string{c.AdName, c.AdID, c.SetName, c.CampaignName, c.CampaignID} {
		if name != "" {
			return name
		}
	}
	return "the whole account"
}

// costsRead is how an export was read.
type costsRead struct {
	Platform string            `json:"platform"`
	Columns  []string          `json:"columns"`
	Rows     int               `json:"rows"`
	Days     int               `json:"days"`
	Spend    map[string]string `json:"spend"`
	Rejected int               `json:"rejected"`
	Reasons  []string          `json:"reasons"`
	Left     []string          `json:"left"`
	Totals   int               `json:"totals"`
	Sample   []costRow         `json:"sample"`
	Notes    []string          `json:"notes"`
}

// Sum is what its rows add up to.
func (c costsRead) Sum() string {
	var all []string
	for _, code := range slices.Sorted(maps.Keys(c.Spend)) {
		all = append(all, money(c.Spend[code], code))
	}
	return strings.Join(all, ", ")
}

// upload is an export on its way in, between its preview and its keeping.
type upload struct {
	Name, Base64                       string
	Platform, SourceID, Dates, Decimal string
}

// call is the API's body of an upload.
func (u upload) call(dryRun bool) map[string]any {
	body := map[string]any{"csv_base64": u.Base64}
	for name, value := range map[string]string{"platform": u.Platform, "source_id": u.SourceID, "dates": u.Dates, "decimal": u.Decimal} {
		if value != "" {
			body[name] = value
		}
	}
	if dryRun {
		body["dry_run"] = true
	}
	return body
}

// rateRow is a rate of exchange.
type rateRow struct {
	Date      string `json:"date"`
	Currency  string `json:"currency"`
	Reporting string `json:"reporting_currency"`
	Rate      string `json:"rate"`
	Source    string `json:"source"`
}

// costsPage is the page's data: what is kept, or what would be.
type costsPage struct {
	Items   []costRow `json:"items"`
	Next    string    `json:"next"`
	Cursor  string    `json:"-"` // of this page
	Rates   []rateRow
	Sources []costSource
	Upload  upload
	Read    *costsRead
	Fault   *Refused
	// Rate is what was written of one that was not kept, and WrongRate why.
	Rate      rateRow
	WrongRate *Refused
}

// costSource is where traffic is bought.
type costSource struct {
	ID       string `json:"id"`
	Platform string `json:"platform"`
}

// Title is the page's sentence.
func (p costsPage) Title() string {
	switch {
	case p.Fault != nil:
		return "That export can’t be read"
	case p.Read != nil && p.Read.Rejected > 0:
		return plural(p.Read.Rows, "row", "rows") + " would be kept, " + number(p.Read.Rejected) + " can’t be read"
	case p.Read != nil:
		return plural(p.Read.Rows, "row", "rows") + " of " + plural(p.Read.Days, "day", "days") + " would be kept"
	case len(p.Items) == 0:
		return "No costs are kept yet"
	}
	if p.Cursor != "" {
		return "Costs of " + p.Items[0].Day + " and before"
	}
	return "Costs are kept up to " + p.Items[0].Day // the latest day is first
}

// choice is one of a select's.
type choice struct{ Value, Text string }

// Platforms are whose exports can be read.
func (costsPage) Platforms() []choice {
	return []choice{
		{"meta", "Meta Ads Manager"}, {"tiktok", "TikTok Ads Manager"}, {"google", "Google Ads"}, {"reddit", "Reddit Ads"}, {"generic", "any other table"},
	}
}

// Dates are what a day with strokes may mean.
func (costsPage) Dates() []choice { return []choice{{"mdy", "March 4"}, {"dmy", "April 3"}} }

// Decimals are the marks before decimals.
func (costsPage) Decimals() []choice { return []choice{{"point", "point"}, {"comma", "comma"}} }

// maxUpload is the largest export that goes through a form.
const maxUpload = 8 << 20

func (s *Screens) routeCosts(inside gin.IRoutes) {
	for _, path := range []string{"/costs", "/costs/rates"} { // links of a rate that was refused lead to the second
		inside.GET(path, s.page(func(r *request) (page, error) { return costs(r, costsPage{}) }))
	}
	inside.POST("/costs/preview", s.page(previewCosts))
	inside.POST("/costs", s.act(keepCosts))
	inside.POST("/costs/rates", s.form(keepRate))
}

// costs shows what ads cost, and the rates of exchange.
func costs(r *request, p costsPage) (page, error) {
	p.Cursor, p.Upload.SourceID = r.Query("cursor"), r.Query("source_id")
	q := url.Values{"limit": {"100"}}
	for _, name := range []string{"source_id", "cursor"} {
		if value := r.Query(name); value != "" {
			q.Set(name, value)
		}
	}
	if err := r.get("/costs", q, &p); err != nil {
		return page{}, err
	}
	var rates struct {
		Items []rateRow `json:"items"`
	}
	if err := r.get("/rates", url.Values{"limit": {"30"}}, &rates); err != nil {
		return page{}, err
	}
	p.Rates = rates.Items
	err := p.sources(r)
	return page{Name: "costs", Title: "Costs", Data: p}, err
}

func (p *costsPage) sources(r *request) error {
	var sources struct {
		Items []costSource `json:"items"`
	}
	err := r.get("/sources", nil, &sources)
	p.Sources = sources.Items
	return err
}

// previewCosts reads an export and keeps nothing. The file travels with the page,
// so that nothing of it stays here until a person keeps it.
func previewCosts(r *request) (page, error) {
	var p costsPage
	err := p.Upload.read(r)
	p.Upload.choices(r)
	if err == nil {
		p.Read = &costsRead{}
		err = r.send(http.MethodPost, "/costs/import", p.Upload.call(true), p.Read)
	}
	status := http.StatusOK
	if refused, ok := refusal(err); ok {
		p.Read, p.Fault, status = nil, refused, refused.Status
	} else if err != nil {
		return page{}, err
	}
	err = p.sources(r)
	return page{Name: "costs", Title: "Costs", Data: p, Status: status}, err
}

// choices are what the form says of the file.
func (u *upload) choices(r *request) {
	u.Platform, u.SourceID, u.Dates, u.Decimal = r.PostForm("platform"), r.PostForm("source_id"), r.PostForm("dates"), r.PostForm("decimal")
}

// read reads the file of a form. It comes before anything else of the form is
// read, as that would not say that the form is too long.
func (u *upload) read(r *request) (err error) {
	tooLarge := &Refused{Status: http.StatusRequestEntityTooLarge, What: "the file is larger than 8 MiB", Do: "export fewer days at once, or use: subfive import costs FILE"}
	file, head, err := r.Request.FormFile("file")
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return tooLarge
	}
	if err != nil {
		return &Refused{Status: http.StatusBadRequest, What: "no file was chosen", Do: "choose the CSV that the ads manager exported, with a breakdown by day"}
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if head.Size > maxUpload {
		return tooLarge
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read the uploaded file: %w", err)
	}
	if len(data) == 0 {
		return &Refused{Status: http.StatusBadRequest, What: "the file is empty", Do: "export it again, with a breakdown by day"}
	}
	u.Name, u.Base64 = head.Filename, base64.StdEncoding.EncodeToString(data)
	return nil
}

// keepCosts keeps what was previewed.
func keepCosts(r *request) (said, error) {
	u := upload{Base64: r.PostForm("data")}
	u.choices(r)
	var read costsRead
	if err := r.send(http.MethodPost, "/costs/import", u.call(false), &read); err != nil {
		return said{}, err
	}
	text := "Kept: " + plural(read.Rows, "row", "rows") + " of " + plural(read.Days, "day", "days")
	if sum := read.Sum(); sum != "" {
		text += ", " + sum
	}
	if read.Rejected > 0 {
		text += "; " + number(read.Rejected) + " rejected"
	}
	return said{Text: text, Bad: read.Rows == 0, To: Root + "/costs"}, nil
}

// keepRate keeps one rate of exchange. One that is refused can be mended where it
// was written.
func keepRate(r *request) (page, *said, error) {
	rate := rateRow{Date: strings.TrimSpace(r.PostForm("date")), Currency: strings.ToUpper(strings.TrimSpace(r.PostForm("currency"))), Rate: strings.TrimSpace(r.PostForm("rate"))}
	row := map[string]string{"date": rate.Date, "currency": rate.Currency, "rate": rate.Rate}
	err := r.send(http.MethodPost, "/rates", map[string]any{"rows": []any{row}}, nil)
	refused, ok := refusal(err)
	switch {
	case ok && refused.Status < http.StatusInternalServerError:
		p, err := costs(r, costsPage{Rate: rate, WrongRate: refused})
		p.Status = refused.Status
		return p, nil, err
	case err != nil:
		return page{}, nil, err
	}
	return page{}, &said{Text: "1 " + rate.Currency + " was worth " + rate.Rate + " on " + rate.Date, To: Root + "/costs"}, nil
}
