package dashboard

import (
	"context"
	"encoding/base64"

	"github.com/gin-gonic/gin"
)

// Checks is what the API needs to look for faults, and to read what ads cost.
type Checks interface {
	// ImportCosts reads an ads manager's export and keeps it, or says what it would
	// keep.
	ImportCosts(ctx context.Context, f CostFile) (any, error)
	// FollowLink follows a link hop by hop, into the network only if asked to.
	FollowLink(ctx context.Context, link string, network bool) (any, error)
	// AlertChannels are the ways to a person, TestAlerts tries each.
	AlertChannels(ctx context.Context) (any, error)
	TestAlerts(ctx context.Context) (any, error)
}

// CostFile is an ads manager's export, to be read.
type CostFile struct {
	Data     []byte // as it was downloaded
	Platform string // whose export it is; "": the source's
	SourceID string // "": found by each row's account, or the platform's only one
	Currency string // of amounts that name none; "": the source's
	Dates    string // what 03/04/2026 means: mdy or dmy
	Decimal  string // point or comma; "": seen from the numbers
	DryRun   bool   // read all and keep nothing
}

// costFile is the body of a call that reads an export. One of csv and csv_base64
// is given.
type costFile struct {
	CSV      string `json:"csv"`
	Base64   string `json:"csv_base64"`
	Platform string `json:"platform"`
	SourceID string `json:"source_id"`
	Currency string `json:"currency"`
	Dates    string `json:"dates"`
	Decimal  string `json:"decimal"`
	DryRun   bool   `json:"dry_run"`
}

// linkTest is the body of a call that follows a link.
type linkTest struct {
	URL           string `json:"url"`
	FollowNetwork bool   `json:"follow_network"`
}

// routeChecks routes what looks for faults, and what costs are read from. It is
// for calls that take no query.
func (d *Dashboard) routeChecks(api gin.IRoutes) {
	api.POST("/costs/import", d.run(d.importCosts))
	api.POST("/doctor/link", d.run(d.followLink))
	api.GET("/alert_channels", d.run(d.alertChannels))
	api.POST("/alert_channels/test", d.run(d.testAlerts))
}

func (d *Dashboard) importCosts(c *gin.Context) (any, error) {
	var body costFile
	if err := decodeUpTo(c, &body, maxRows); err != nil {
		return nil, err
	}
	data := []byte(body.CSV)
	switch {
	case (body.CSV == "") == (body.Base64 == ""):
		return nil, bad("send the export's text as csv, or its bytes as csv_base64", "one of csv and csv_base64 is needed")
	case body.Base64 != "":
		var err error
		if data, err = base64.StdEncoding.DecodeString(body.Base64); err != nil {
			return nil, bad("encode the file's bytes in base64", "csv_base64: %v", err)
		}
	case !isText(body.Platform + body.SourceID + body.Currency + body.Dates + body.Decimal):
		return nil, bad("leave out characters that are no text", "a value has a NUL")
	}
	return d.cfg.Backend.ImportCosts(c.Request.Context(), CostFile{
		Data: data, Platform: body.Platform, SourceID: body.SourceID, Currency: body.Currency, Dates: body.Dates, Decimal: body.Decimal, DryRun: body.DryRun,
	})
}

func (d *Dashboard) followLink(c *gin.Context) (any, error) {
	var body linkTest
	switch err := decode(c, &body); {
	case err != nil:
		return nil, err
	case body.URL == "":
		return nil, bad("send the link that visitors click", "url is missing")
	case !isText(body.URL):
		return nil, bad("leave out characters that are no text", "url is not valid UTF-8, or has a NUL")
	}
	return d.cfg.Backend.FollowLink(c.Request.Context(), body.URL, body.FollowNetwork)
}

func (d *Dashboard) alertChannels(c *gin.Context) (any, error) {
	return d.cfg.Backend.AlertChannels(c.Request.Context())
}

func (d *Dashboard) testAlerts(c *gin.Context) (any, error) {
	if err := decode(c, &nothing{}); err != nil {
		return nil, err
	}
	return d.cfg.Backend.TestAlerts(c.Request.Context())
}
