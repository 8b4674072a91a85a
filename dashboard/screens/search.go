package screens

import (
	"net/url"
	"strings"
	"time"
)

// searchPage is what a search found.
type searchPage struct {
	Query string `json:"query"`
	Items []struct {
		Kind  string    `json:"kind"`
		ID    string    `json:"id"`
		Title string    `json:"title"`
		At    time.Time `json:"at"`
		Href  string    `json:"href"`
	} `json:"items"`
	Tried []string `json:"tried"`
}

// search finds what any ID leads to.
func search(r *request) (page, error) {
	p := searchPage{Query: strings.TrimSpace(r.Query("q"))}
	if p.Query == "" {
		return page{Name: "search", Title: "Search", Data: p}, nil
	}
	asked := p.Query
	err := r.get("/search", url.Values{"q": {asked}}, &p)
	p.Query = asked
	return page{Name: "search", Title: "Search", Data: p}, err
}
