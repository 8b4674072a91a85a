package everflow

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Installed is a postback as it is set up in Everflow, which calls it a pixel.
type Installed struct {
	ID      string
	URL     string
	Active  bool
	Type    string // conversion, post_conversion, cpc
	Scope   string // global, specific, global_offer
	OfferID string // specific's
	Method  string // postback, html, …
}

type installedRow struct {
	ID      loose `json:"network_pixel_id"`
	URL     loose `json:"postback_url"`
	Status  loose `json:"pixel_status"`
	Type    loose `json:"pixel_type"`
	Level   loose `json:"pixel_level"`
	OfferID loose `json:"network_offer_id"`
	Method  loose `json:"delivery_method"`
}

func (r installedRow) installed() Installed {
	offer := string(r.OfferID)
	if offer == "0" {
		offer = ""
	}
	return Installed{
		ID: string(r.ID), URL: string(r.URL), Active: r.Status == "active", Type: string(r.Type), Scope: string(r.Level),
		OfferID: offer, Method: string(r.Method),
	}
}

// Postbacks lists the partner's postbacks, active and not.
func (a *API) Postbacks(ctx context.Context) ([]Installed, error) {
	var all []Installed
	for page := 1; page <= maxPages; page++ {
		var p struct {
			Pixels *[]installedRow `json:"pixels"`
			Paging *paging         `json:"paging"`
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}
		if err := a.call(ctx, http.MethodGet, "/pixels", query, nil, &p); err != nil {
			return nil, err
		}
		if p.Pixels == nil || p.Paging == nil || p.Paging.Total < len(*p.Pixels) {
			return nil, fmt.Errorf("page %d of the postbacks: it does not list pixels, with a paging that counts them", page)
		}
		for _, row := range *p.Pixels {
			if row.ID == "" || row.Status == "" {
				return nil, fmt.Errorf("page %d of the postbacks has one without network_pixel_id or pixel_status", page)
			}
			all = append(all, row.installed())
		}
		if len(*p.Pixels) == 0 || len(all) >= p.Paging.Total {
			break
		}
	}
	return all, nil
}

// Activate switches a postback on again. The API takes a postback as a whole, so
// it is sent back as it was read but for its status. ErrAPIForbidden says that
// the network leaves it to the web pages.
func (a *API) Activate(ctx context.Context, id string) error {
	path := "/pixels/" + url.PathEscape(id)
	var whole map[string]json.RawMessage
	if err := a.call(ctx, http.MethodGet, path, nil, nil, &whole); err != nil {
		return err
	}
	changed := maps.Clone(whole)
	for _, kept := range []string{"network_pixel_id", "network_id", "network_affiliate_id", "time_created", "time_saved", "relationship"} {
		delete(changed, kept) // the network's own
	}
	changed["pixel_status"] = json.RawMessage(`"active"`)
	if err := a.call(ctx, http.MethodPut, path, nil, changed, nil); err != nil {
		return err
	}
	var now installedRow
	if err := a.call(ctx, http.MethodGet, path, nil, nil, &now); err != nil {
		return err
	}
	if !now.installed().Active {
		return fmt.Errorf("postback %s is still %s after it was switched on", id, now.Status)
	}
	return nil
}
