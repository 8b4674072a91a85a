package moving

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"subfive"
)

// CampaignReader adds campaigns of another tracker to a Fragment.
type CampaignReader struct {
	Columns []Column
	// Params are the platforms' click parameters: they are captured by themselves.
	Params []string
	// Token says whose macro a value in a link is, and which dimension it fills
	// in; "" where nobody knows it.
	Token func(value string) (platform, dimension string)
}

// campaign is one of another tracker's, as far as the row or link tells.
type campaign struct {
	id, name, link, source, offer, offerURL string
}

// Row adds the campaign of a row. An error is a *subfive.Rejection.
func (r CampaignReader) Row(f *Fragment, row Row) error {
	c := &cells{row: row, columns: r.Columns}
	in := campaign{
		id: c.text(FieldID), name: c.text(FieldCampaign), link: c.text(FieldURL), source: c.text(FieldSource),
		offer: c.text(FieldOffer), offerURL: c.text(FieldOfferURL),
	}
	if in.id == "" && in.name == "" && in.link == "" {
		c.reject(FieldURL, errors.New("there is neither an ID, a name nor a link"))
		return c.err
	}
	if err := r.add(f, in); err != nil {
		c.reject(FieldURL, err)
		return c.err
	}
	return nil
}

// Link adds a live link or notes a postback URL, as a person pastes them one a
// line. An error is a *subfive.Rejection.
func (r CampaignReader) Link(f *Fragment, line int, text string) error {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return &subfive.Rejection{Line: line, Value: subfive.Clip(text), Reason: "it is no link; paste all of it, https:// and what follows"}
	}
	if rival, ok := postbackOf(u); ok {
		f.Also = append(f.Also, fmt.Sprintf("postback URL as of %s: works unchanged once %s leads here (%s)", rival, u.Host, shownPath(u)))
		return nil
	}
	if err := r.add(f, campaign{link: text}); err != nil {
		return &subfive.Rejection{Line: line, Value: subfive.Clip(text), Reason: err.Error()}
	}
	return nil
}

// postbackOf tells a postback URL by the path and parameters that each tracker's
// has, and says whose it is.
func postbackOf(u *url.URL) (rival string, ok bool) {
	path, query := strings.ToLower(strings.Trim(u.Path, "/")), u.Query()
	segs := strings.Split(path, "/")
	switch {
	case (path == "click.php" || path == "click") && (query.Has("cnv_id") || query.Has("upd_clickid")):
		return "Binom", true
	case path == "postback" && query.Has("clickid"):
		return "RedTrack", true
	case path == "postback" && query.Has("cid") && (query.Has("status") || query.Has("cet")):
		return "BeMob", true
	case path == "postback":
		return "Voluum", true
	case len(segs) == 2 && segs[1] == "postback" && segs[0] != "cf":
		return "Keitaro", true
	case len(segs) == 3 && segs[1] == "collect":
		return "AnyTrack", true
	case path == "cf/cv", path == "cf/postback":
		return "ClickFlare", true
	case path == "conversion", path == "postback.php", path == "tracking202/static/gpb.php":
		return "another tracker", true
	}
	return "", false
}

// shownPath is a postback URL's path; Keitaro's holds a key.
func shownPath(u *url.URL) string {
	segs := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(segs) == 2 && segs[1] == "postback" && segs[0] != "cf" {
		return "/" + subfive.Hidden + "/postback"
	}
	return u.Path
}

// add adds a campaign, its source and its offer, unless they are there.
func (r CampaignReader) add(f *Fragment, in campaign) error {
	u, aliases, err := linkAliases(in.link)
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		if owner, ok := f.aliases[normalAlias(alias)]; ok {
			f.Also = append(f.Also, fmt.Sprintf("/%s leads to campaign %s already: left out", strings.Trim(alias, "/"), owner))
			return nil
		}
	}
	c := subfive.Campaign{ID: Slug(in.name)}
	if c.ID == "" {
		c.ID = "moved-" + Slug(first(in.id, strings.Join(aliases, "-"), "campaign"))
	}
	if _, there := f.has.Campaign(c.ID); there {
		f.Also = append(f.Also, fmt.Sprintf("campaign %s is there already: left out", c.ID))
		return nil
	}
	c.ID = unique(c.ID, func(id string) bool { _, ok := f.aliases[id]; return ok })
	// A campaign is found by its ID as by an alias.
	c.Aliases = slices.DeleteFunc(slices.Clone(aliases), func(a string) bool { return normalAlias(a) == c.ID })
	key := "campaigns/" + c.ID
	if in.name != "" && in.name != c.ID {
		f.note(key, "%s", in.name)
	}
	if len(c.Aliases) < len(aliases) {
		f.note(key, "the old link is found by this ID: whoever changes the ID makes it an alias")
	}
	if len(aliases) == 0 {
		f.note(key, "no live link was given: ads that already run need its path as an alias")
	}
	c.Source = r.source(f, key, in.source, u)
	c.Offer = r.offer(f, in)
	if c.Offer == "" {
		f.note(key, "no offer was given: name one of yours")
	}
	for _, alias := range append(aliases, c.ID) {
		f.aliases[normalAlias(alias)] = c.ID
	}
	f.Setup.Campaigns = append(f.Setup.Campaigns, c)
	return nil
}

func first(all ...string) string {
	for _, s := range all {
		if Slug(s) != "" {
			return s
		}
	}
	return ""
}

// linkAliases returns the paths by which a live link is known here: for Binom's
// the values of its parameters, for others its path.
func linkAliases(link string) (*url.URL, []string, error) {
	if link == "" {
		return &url.URL{}, nil, nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return nil, nil, errors.New("it is no link")
	}
	path := strings.Trim(u.Path, "/")
	if lower := strings.ToLower(path); lower == "click.php" || lower == "click" {
		var aliases []string
		for _, name := range []string{"camp_id", "key"} {
			if v := u.Query().Get(name); v != "" && !slices.Contains(aliases, v) {
				aliases = append(aliases, v)
			}
		}
		if len(aliases) == 0 {
			return nil, nil, errors.New("it is a landing page's way to an offer, no campaign's link; landing pages link to /go/… here (docs/links.md)")
		}
		return u, aliases, nil
	}
	if path == "" {
		return nil, nil, errors.New("it has no path: an alias is what stands after the host's name")
	}
	return u, []string{path}, nil
}

// source returns the source of a campaign, and adds it and the names of its
// parameters.
func (r CampaignReader) source(f *Fragment, key, name string, u *url.URL) string {
	params := linkParams(u)
	platform := platformOf(name)
	for _, p := range params {
		if of, _ := r.Token(p.Value); of != "" && platform == "" {
			platform = of
		}
	}
	if platform == "" {
		platform = "other"
	}
	id := first(Slug(name), platform)
	if _, there := f.has.Source(id); there {
		f.note(key, "source %s is there already: compare its names with this link's parameters", id)
		return id
	}
	i := slices.IndexFunc(f.Setup.Sources, func(s subfive.Source) bool { return s.ID == id })
	if i < 0 {
		i = len(f.Setup.Sources)
		f.Setup.Sources = append(f.Setup.Sources, subfive.Source{ID: id, Platform: platform})
		if platform == "other" {
			f.note("sources/"+id, "say which platform it is, if it is one of: subfive platforms")
		}
	}
	s := &f.Setup.Sources[i]
	if s.Platform == "other" && platform != "other" {
		s.Platform = platform
		delete(f.Notes, "sources/"+id)
	}
	for _, p := range params {
		r.param(f, s, p)
	}
	return id
}

// param teaches a source one parameter of its links.
func (r CampaignReader) param(f *Fragment, s *subfive.Source, p subfive.Param) {
	if slices.Contains(r.Params, p.Name) || slices.Contains([]string{"camp_id", "key"}, p.Name) {
		return
	}
	if given, ok := s.Params[p.Name]; ok {
		if given != p.Value {
			f.note("sources/"+s.ID, "links differ in %s: %s and %s", p.Name, given, p.Value)
		}
		return
	}
	_, dimension := r.Token(p.Value)
	if slices.Contains(subfive.Dimensions(), p.Name) {
		dimension = p.Name
	}
	if dimension == "" || s.Names[dimension] != "" {
		dimension = freeToken(*s)
	}
	if dimension == "" {
		f.note("sources/"+s.ID, "no dimension is left for %s", p.Name)
		return
	}
	if s.Params == nil {
		s.Params, s.Names = map[string]string{}, map[string]string{}
	}
	s.Params[p.Name] = p.Value
	if dimension != p.Name {
		s.Names[dimension] = p.Name
	}
}

// freeToken is the first of p1 to p20 that a source does not use yet.
func freeToken(s subfive.Source) string {
	for _, d := range subfive.Dimensions() {
		if isToken(d) && s.Names[d] == "" && s.Params[d] == "" {
			return d
		}
	}
	return ""
}

// linkParams are a link's parameters that the platform fills in, in their order.
func linkParams(u *url.URL) []subfive.Param {
	var all []subfive.Param
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		if name != "" && unfilled(value) || strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") {
			all = append(all, subfive.Param{Name: name, Value: value})
		}
	}
	return all
}

// platformOf guesses a platform from a source's name.
func platformOf(name string) string {
	n := fold(name)
	for _, p := range []struct{ word, platform string }{
		{"facebook", "meta"},
		{"meta", "meta"},
		{"instagram", "meta"},
		{"tiktok", "tiktok"},
		{"reddit", "reddit"},
		{"google", "google"},
		{"adwords", "google"},
		{"youtube", "google"},
	} {
		if strings.Contains(n, p.word) {
			return p.platform
		}
	}
	if n == "fb" || strings.HasPrefix(strings.ToLower(name), "fb ") {
		return "meta"
	}
	return ""
}

// offer returns the offer of a campaign, and adds it.
func (r CampaignReader) offer(f *Fragment, in campaign) string {
	id := Slug(in.offer)
	if id == "" && in.offerURL != "" {
		id = first("offer-"+Slug(first(in.name, in.id)), "offer")
	}
	if id == "" {
		return ""
	}
	if _, there := f.has.Offer(id); there {
		return id
	}
	if o, there := f.Setup.Offer(id); there && (o.Link == in.offerURL || in.offerURL == "") {
		return id
	}
	id = unique(id, func(id string) bool {
		_, ours := f.Setup.Offer(id)
		_, there := f.has.Offer(id)
		return ours || there
	})
	o := subfive.Offer{ID: id, Link: in.offerURL}
	key := "offers/" + id
	if o.Link == "" {
		f.note(key, "no link was given: paste the network's")
	}
	o.ClickSlot = clickSlot(o.Link)
	switch {
	case o.Link == "":
	case o.ClickSlot == "":
		f.note(key, "its link carries no click ID that we know: it is put into sub5; the network must send that back")
	default:
		f.note(key, "the click ID stays in %s: the network's postback must bring it back", o.ClickSlot)
	}
	if others := strangers(o); len(others) > 0 {
		f.note(key, "nobody fills these in here: %s", strings.Join(others, ", "))
	}
	f.Setup.Offers = append(f.Setup.Offers, o)
	return id
}

// clickTokens are the trackers' macros for their click ID.
var clickTokens = []string{"{clickid}", "{click_id}", "{subid}", "--click-id--", "{cf_click_id}", "[[subid]]"}

// clickSlot is the parameter of an offer's link that carries the click ID.
func clickSlot(link string) string {
	_, query, _ := strings.Cut(link, "?")
	query, _, _ = strings.Cut(query, "#")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		if slices.Contains(clickTokens, strings.ToLower(value)) {
			return name
		}
	}
	return ""
}

// strangers are the other macros in an offer's link: the other tracker filled
// them in.
func strangers(o subfive.Offer) []string {
	var all []string
	_, query, _ := strings.Cut(o.Link, "?")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		if name != o.ClickSlot && strings.Contains(value, "{") {
			all = append(all, name+"="+value)
		}
	}
	return all
}
