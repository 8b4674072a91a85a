// Package sources knows how the places where traffic is bought want their links:
// which tokens each fills in, and where its link is pasted.
//
// It builds the links that people copy. How a click is read when it comes in is
// package receiver's.
package sources

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"subfive"
)

// Link is a campaign's, ready to be pasted.
type Link struct {
	CampaignID string `json:"campaign_id"`
	SourceID   string `json:"source_id,omitempty"`
	Platform   string `json:"platform,omitempty"`
	// URL is what the ad leads to, tokens and all; for Google the landing page.
	URL string `json:"url"`
	// Suffix is what Google adds to every URL of the campaign's ads.
	Suffix string `json:"suffix,omitempty"`
	// Script is the line that the landing page needs where no redirect is passed.
	Script string `json:"script,omitempty"`
	Where  string `json:"where"`
	// Params are the URL's, and what fills each in.
	Params []Param `json:"params,omitempty"`
	// Aliases are old addresses that lead to the same.
	Aliases []string `json:"aliases,omitempty"`
}

// Param is one parameter of a link.
type Param struct {
	Name      string `json:"name"`
	Token     string `json:"token"`
	Dimension string `json:"dimension,omitempty"` // what it is in reports
	Unsure    bool   `json:"unsure,omitempty"`    // compare the token with the platform's editor
}

// campaignParam names the campaign on a landing page that no link of ours leads
// to.
const campaignParam = "sf_campaign"

// ErrNoLandingPage says that a platform that opens pages itself has none to open.
var ErrNoLandingPage = errors.New("it has no landing page")

// Build returns a campaign's link. site is the address that clicks come to,
// https://trk.example.com.
//
// Google opens the landing page itself and calls tracking links beside it
// (parallel tracking), so that a redirect never reaches the visitor: its campaigns
// get the page, a suffix and the script, and never a link of ours. Without a
// landing page that is an error that wraps ErrNoLandingPage.
func Build(s subfive.Setup, campaignID, site string) (Link, error) {
	c, ok := s.Campaign(campaignID)
	if !ok {
		return Link{}, fmt.Errorf("campaign %s: %w", campaignID, subfive.ErrNotFound)
	}
	source, _ := s.Source(c.Source)
	t := Find(source.Platform)
	site = strings.TrimRight(site, "/")
	l := Link{CampaignID: c.ID, SourceID: source.ID, Platform: source.Platform, Where: t.Where, Params: params(source, t)}
	for _, alias := range c.Aliases {
		l.Aliases = append(l.Aliases, site+"/"+strings.TrimLeft(alias, "/"))
	}
	query := query(l.Params)
	if !t.NoRedirect {
		l.URL = site + "/c/" + url.PathEscape(c.ID)
		if query != "" {
			l.URL += "?" + query
		}
		return l, nil
	}
	page, ok := landing(s, c)
	if !ok {
		return l, fmt.Errorf("campaign %s: %w: %s opens the page itself, so that a link of ours is never passed; add one below landing_pages, name it as the campaign's landing, and put the script on it",
			c.ID, ErrNoLandingPage, source.Platform)
	}
	l.URL = page.URL
	l.Suffix = campaignParam + "=" + url.QueryEscape(c.ID)
	if query != "" {
		l.Suffix += "&" + query
	}
	l.Script = fmt.Sprintf(`<script async src="%s/subfive.js?c=%s"></script>`, site, url.QueryEscape(c.ID))
	return l, nil
}

// landing returns the page a campaign shows: its own, else the first of its
// paths'.
func landing(s subfive.Setup, c subfive.Campaign) (subfive.LandingPage, bool) {
	ids := []string{c.Landing}
	for _, p := range c.AllPaths() {
		ids = append(ids, p.Landing)
	}
	for _, id := range ids {
		i := slices.IndexFunc(s.LandingPages, func(l subfive.LandingPage) bool { return id != "" && l.ID == id })
		if i >= 0 {
			return s.LandingPages[i], true
		}
	}
	return subfive.LandingPage{}, false
}

// params are a link's: the source's own, and the template's where the source
// says nothing else.
func params(s subfive.Source, t Template) []Param {
	name := func(dimension string) string {
		if other := s.Names[dimension]; other != "" {
			return other
		}
		return dimension
	}
	var all []Param
	taken := map[string]bool{}
	for _, token := range t.Tokens {
		p := Param{Name: name(token.Dimension), Token: token.Token, Dimension: token.Dimension, Unsure: token.Unsure}
		for _, own := range []string{token.Dimension, p.Name} {
			if given, ok := s.Params[own]; ok {
				p.Token, p.Unsure = given, false
				taken[own] = true
			}
		}
		if p.Token != "" { // an empty one takes it out
			all = append(all, p)
		}
		taken[p.Name] = true
	}
	dimensions := map[string]string{}
	for _, d := range subfive.Dimensions() {
		dimensions[name(d)] = d
	}
	for _, own := range slices.Sorted(maps.Keys(s.Params)) {
		if !taken[own] && s.Params[own] != "" {
			all = append(all, Param{Name: own, Token: s.Params[own], Dimension: dimensions[own]})
		}
	}
	return all
}

// query joins parameters with their tokens as they are: an escaped brace is
// filled in by nobody.
func query(all []Param) string {
	pairs := make([]string, len(all))
	for i, p := range all {
		pairs[i] = url.QueryEscape(p.Name) + "=" + strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "%20", "=", "%3D").Replace(p.Token)
	}
	return strings.Join(pairs, "&")
}
