package screens

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// bookSide is what one side's books come to.
type bookSide struct {
	Conversions int               `json:"conversions"`
	Rejected    int               `json:"rejected"`
	Payout      map[string]string `json:"payout"`
}

// Sum is its payout, a currency after the other.
func (s bookSide) Sum() string {
	var all []string
	for _, code := range slices.Sorted(maps.Keys(s.Payout)) {
		all = append(all, money(s.Payout[code], code))
	}
	return strings.Join(all, ", ")
}

// bookRow is a line of a breakdown.
type bookRow struct {
	Key       string   `json:"key"`
	Theirs    bookSide `json:"network"`
	Received  bookSide `json:"received"`
	Delivered bookSide `json:"delivered"`
	Claimed   int      `json:"claimed"`
	Missing   int      `json:"missing_here"`
	Unheard   int      `json:"unheard"`
}

// bookDifference is a conversion on which the books differ.
type bookDifference struct {
	Outcome             string    `json:"outcome"`
	Day                 string    `json:"day"`
	AdID                string    `json:"ad_id"`
	ConversionID        string    `json:"conversion_id"`
	PostbackID          string    `json:"postback_id"`
	NetworkConversionID string    `json:"network_conversion_id"`
	TransactionID       string    `json:"transaction_id"`
	Goal                string    `json:"goal"`
	At                  time.Time `json:"at"`
	TheirStatus         string    `json:"their_status"`
	OurStatus           string    `json:"our_status"`
	TheirPayout         *string   `json:"their_payout"`
	OurPayout           *string   `json:"our_payout"`
	Currency            string    `json:"currency"`
	Mended              bool      `json:"mended"`
	Note                string    `json:"note"`
}

// Story is the ID by which its story is found, "" if we know none.
func (d bookDifference) Story() string {
	for _, id := range []string{d.ConversionID, d.PostbackID} {
		if id != "" {
			return id
		}
	}
	return ""
}

// Words say what differs.
func (d bookDifference) Words() string {
	switch d.Outcome {
	case "missing_here":
		return "missing here"
	case "missing_there":
		return "missing there"
	case "status_flip":
		return "another status"
	case "payout_drift":
		return "another payout"
	}
	return words(d.Outcome)
}

// reconciliationRow is one comparison, as it is listed.
type reconciliationRow struct {
	ID         string    `json:"reconciliation_id"`
	NetworkID  string    `json:"network_id"`
	State      string    `json:"state"`
	DryRun     bool      `json:"dry_run"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Theirs     int       `json:"network_conversions"`
	Ours       int       `json:"our_conversions"`
}

// Gap is the share of theirs that we had not; nil where they have none.
func (r reconciliationRow) Gap() *float64 {
	if r.Theirs == 0 {
		return nil
	}
	share := float64(r.Theirs-r.Ours) / float64(r.Theirs)
	return &share
}

// reconciliation is one comparison, with what differed.
type reconciliation struct {
	reconciliationRow
	Result struct {
		Since      time.Time `json:"since"`
		Until      time.Time `json:"until"`
		Error      string    `json:"error"`
		Backfilled int       `json:"backfilled"`
		Changed    int       `json:"changed"`
		Settled    int       `json:"settled"`
		Scrubbed   int       `json:"scrubbed"`
		Totals     struct {
			Theirs    bookSide       `json:"network"`
			Received  bookSide       `json:"received"`
			Delivered bookSide       `json:"delivered"`
			Claimed   int            `json:"claimed"`
			Matched   int            `json:"matched"`
			Outcomes  map[string]int `json:"outcomes"`
			Missing   int            `json:"missing_here"`
			Unheard   int            `json:"unheard"`
			Gap       float64        `json:"gap_percent"`
		} `json:"totals"`
		Days   []bookRow `json:"days"`
		Ads    []bookRow `json:"ads"`
		Offers []bookRow `json:"offers"`
	} `json:"result"`
	Differences []bookDifference `json:"differences"`
}

// standingRow is where one stands with a network.
type standingRow struct {
	NetworkID string   `json:"network_id"`
	Approved  int      `json:"approved"`
	NextLevel int      `json:"next_level"`
	ToGo      int      `json:"to_go"`
	Since     string   `json:"rates_since"`
	Total     rating   `json:"total"`
	Parts     []rating `json:"parts"`
	Warnings  []string `json:"warnings"`
}

// rating is how a part's conversions fared.
type rating struct {
	SourceID    string   `json:"source_id"`
	AdID        string   `json:"ad_id"`
	Approved    int      `json:"approved"`
	Rejected    int      `json:"rejected"`
	Pending     int      `json:"pending"`
	Chargebacks int      `json:"chargebacks"`
	RejectedPct *float64 `json:"rejected_percent"`
	ChargedPct  *float64 `json:"chargeback_percent"`
}

// Share is a percentage of the API as a share.
func share(percent *float64) *float64 {
	if percent == nil {
		return nil
	}
	s := *percent / 100
	return &s
}

// RejectedShare and ChargedShare are those of the decided and of the approved.
func (r rating) RejectedShare() *float64 { return share(r.RejectedPct) }

// ChargedShare is the share of the approved that was taken back.
func (r rating) ChargedShare() *float64 { return share(r.ChargedPct) }

// reconciliationPage is the page's data.
type reconciliationPage struct {
	Runs     []reconciliationRow
	Standing []standingRow
	// One is the comparison that is shown, nil if there is none yet.
	One *reconciliation
	// By is what its rows are by, Rows those rows, Key the one that was chosen.
	By, Key     string
	Rows        []bookRow
	Differences []bookDifference
}

// Running reports whether a comparison is under way.
func (p reconciliationPage) Running() bool {
	return slices.ContainsFunc(p.Runs, func(r reconciliationRow) bool { return r.State == "running" })
}

// Title is the page's sentence.
func (p reconciliationPage) Title() string {
	switch {
	case p.One == nil:
		return "Nothing was compared with a network’s books yet"
	case p.One.State == "failed":
		return "The comparison with " + p.One.NetworkID + " failed"
	case p.One.State == "running":
		return "Comparing with " + p.One.NetworkID
	}
	t := p.One.Result.Totals
	if t.Unheard == 0 && len(p.One.Differences) == 0 {
		return capital(p.One.NetworkID) + " and we agree on " + plural(t.Theirs.Conversions, "conversion", "conversions")
	}
	if t.Unheard == 0 {
		return "No postback of " + p.One.NetworkID + " was missed; " + plural(len(p.One.Differences), "conversion differs", "conversions differ")
	}
	return "No postback came of " + number(t.Unheard) + " of " + p.One.NetworkID + "’s " + plural(t.Theirs.Conversions, "conversion", "conversions") + ", " + percent(t.Gap/100)
}

func (s *Screens) routeReconciliation(inside gin.IRoutes) {
	inside.GET("/reconciliation", s.page(reconciliations))
	inside.GET("/reconciliation/:id", s.page(reconciliations))
	inside.POST("/reconciliation", s.act(reconcile))
}

// reconciliations shows the network's books beside ours, and what the platforms
// were told.
func reconciliations(r *request) (page, error) {
	p := reconciliationPage{By: r.DefaultQuery("by", "day"), Key: r.Query("key")}
	var listed struct {
		Items []reconciliationRow `json:"items"`
	}
	if err := r.get("/reconciliations", nil, &listed); err != nil {
		return page{}, err
	}
	var standing struct {
		Items []standingRow `json:"items"`
	}
	if err := r.get("/standing", nil, &standing); err != nil {
		return page{}, err
	}
	p.Runs, p.Standing = listed.Items, standing.Items
	id := r.Param("id")
	if i := slices.IndexFunc(p.Runs, func(r reconciliationRow) bool { return r.State == "done" }); id == "" && i >= 0 {
		id = url.PathEscape(p.Runs[i].ID)
	} else if id == "" && len(p.Runs) > 0 {
		id = url.PathEscape(p.Runs[0].ID)
	}
	if id != "" {
		p.One = &reconciliation{}
		if err := r.get("/reconciliations/"+id, nil, p.One); err != nil {
			return page{}, err
		}
		p.choose()
	}
	return page{Name: "reconciliation", Title: "Reconciliation", Data: p}, nil
}

// choose takes the rows and the differences that the address asks for.
func (p *reconciliationPage) choose() {
	switch p.By {
	case "ad":
		p.Rows = p.One.Result.Ads
	case "offer":
		p.Rows = p.One.Result.Offers
	default:
		p.By, p.Rows = "day", slices.Clone(p.One.Result.Days)
		slices.SortFunc(p.Rows, func(a, b bookRow) int { return strings.Compare(b.Key, a.Key) })
	}
	for _, d := range p.One.Differences {
		if p.Key == "" || p.By == "day" && d.Day == p.Key || p.By == "ad" && d.AdID == p.Key {
			p.Differences = append(p.Differences, d)
		}
	}
}

// reconcile begins a comparison.
func reconcile(r *request) (said, error) {
	body := map[string]any{"since": r.DefaultPostForm("since", "7d")}
	if id := r.PostForm("network"); id != "" {
		body["network_id"] = id
	}
	if r.PostForm("dry") != "" {
		body["dry_run"] = true
	}
	var begun reconciliationRow
	if err := r.send(http.MethodPost, "/reconciliations", body, &begun); err != nil {
		return said{}, err
	}
	return said{Text: "The comparison with " + begun.NetworkID + " runs; it shows here when it is done", To: Root + "/reconciliation/" + url.PathEscape(begun.ID)}, nil
}
