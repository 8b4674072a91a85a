package receiver

import (
	"net/http"
	"strings"

	"subfive"
)

// maxCollected is how long a body of /collect may be. What is longer is kept
// all the same, and answered with an error.
const maxCollected = 16 << 10

// maxGivenID is how long a click ID that somebody else made may be.
const maxGivenID = 255

// shortNames are Meta's names of user data, which pages have at hand for its
// pixel; here alone they mean what they mean there.
var shortNames = map[string]string{
	"em": subfive.UserEmail, "ph": subfive.UserPhone, "fn": subfive.UserFirstName, "ln": subfive.UserLastName, "ct": subfive.UserCity,
	"st": subfive.UserRegion, "zp": subfive.UserZip, "db": subfive.UserBirthdate, "ge": subfive.UserGender,
}

// lengthen gives parameters with a short name their own.
func lengthen(params []param) {
	for i, p := range params {
		if name, ok := shortNames[p.name]; ok {
			params[i].name = name
		}
	}
}

// holdsUserData reports whether a parameter in an address holds user data, by
// its name: a page's own short names count.
func (r *Receiver) holdsUserData(name string) bool {
	return r.words.users[fold(name)] != "" || shortNames[name] != ""
}

// collected is what a landing page told.
type collected struct {
	id string // the click's
	// minted: the page, or its server, made the ID; no link of ours did. So the
	// click is to be recorded.
	minted bool
	// again: it is not the first that this page tells.
	again    bool
	kind     string // as in Visit
	page     string
	referrer string
	campaign plan
	// own are the parameters that came; all are those and the page's.
	own, all fields
	consent  map[string]string
	visitor  string
	problem  string // why nothing can be kept of it
}

// collect writes down what a landing page tells: a click, where no link of ours
// made one, else a visit. It is answered once that is durable.
func (r *Receiver) collect(t *table, in *intake) {
	in.c.Header("Access-Control-Allow-Origin", "*")
	c := r.readCollected(t, in)
	switch {
	case in.c.Request.Method == http.MethodHead:
		answerGIF(in.c)
		return
	case c.problem != "":
		r.answerCollected(in, http.StatusBadRequest, answer{Status: "refused", Hint: c.problem})
		return
	}
	durable := true
	if c.minted {
		click := r.collectedClick(t, c, in)
		if c.id == "" { // an image, which could make none
			r.nameClick(&click, in)
			c.id = click.ID
		}
		durable = r.record(subfive.Record{ID: click.ID, Kind: subfive.RecordClick, Click: &click}, in)
		r.cfg.Observer.Click(r.cfg.Now().Sub(in.at))
	}
	if !c.minted || c.again || c.kind == subfive.GoalLandingClick {
		v := r.collectedVisit(t, c, in)
		durable = r.record(subfive.Record{ID: v.ID, Kind: subfive.RecordVisit, Visit: &v}, in) && durable
	}
	a := answer{Status: "accepted", ID: c.id, Hint: joinHints(in.problems)}
	switch {
	case !durable:
		r.answerCollected(in, http.StatusServiceUnavailable, answer{Status: "unavailable", Hint: "kept in memory until it can be written down"})
	case len(in.body) > maxCollected:
		r.answerCollected(in, http.StatusRequestEntityTooLarge, a)
	case a.Hint != "":
		r.answerCollected(in, http.StatusBadRequest, a)
	default:
		r.answerCollected(in, http.StatusNoContent, a)
	}
}

// answerCollected answers a script with a status, and an image with an image.
func (r *Receiver) answerCollected(in *intake, code int, a answer) {
	switch {
	case in.c.Request.Method == http.MethodGet || in.c.Request.Method == http.MethodHead:
		answerGIF(in.c)
	case code == http.StatusNoContent:
		in.c.Header("Cache-Control", "no-store")
		in.c.Status(code)
		in.c.Writer.WriteHeaderNow()
	default:
		answerJSON(in.c, code, a)
	}
}

// readCollected reads a request of a landing page.
func (r *Receiver) readCollected(t *table, in *intake) collected {
	lengthen(in.params)
	if len(in.body) > maxCollected {
		in.problems = append(in.problems, "the body is longer than 16 kB; tell less")
	}
	get := func(name string) string { return first(in.params, name) }
	c := collected{own: r.read(in.params, plain, ""), minted: isTrue(get("minted")), again: isTrue(get("again")), visitor: get(visitorCookie)}
	c.kind = subfive.GoalLandingView
	for _, p := range in.params {
		switch {
		case p.name != "kind":
		case p.value == "" || p.value == subfive.GoalLandingClick || p.value == subfive.GoalLandingView:
			c.kind = p.value
		default:
			in.problems = append(in.problems, "kind "+cut(p.value, 40)+" is not lp_view or lp_click; it was kept as lp_view")
		}
	}
	page, referrer := get("url"), get("referrer")
	if page == "" { // an image
		page = asText(in.c.Request.Referer())
	}
	_, query, _ := strings.Cut(strings.SplitN(page, "#", 2)[0], "?")
	params, _ := parseQuery(query, r.words.known)
	lengthen(params)
	c.all = r.read(append(in.params[:len(in.params):len(in.params)], params...), plain, "")
	c.page, c.referrer = r.publicURL(page), r.publicURL(referrer)
	name := strings.TrimSpace(get("campaign") + get("c"))
	if name == "" {
		name = strings.TrimSpace(first(params, "sf_campaign"))
	}
	if c.campaign = t.campaigns[strings.ToLower(name)]; c.campaign.ID == "" && name != "" {
		in.problems = append(in.problems, "no campaign is called "+cut(name, 40))
	}
	var ok bool
	c.consent = r.consent(c.all, in.c.Request.Header)
	last := r.lastClick(in, c.consent)
	if c.id, ok = r.givenID(get("click_id")); !ok {
		c.id, c.minted = last, false
	}
	if c.id == "" {
		c.minted = c.campaign.ID != ""
		if !c.minted {
			c.problem = joinHints(append(in.problems, "neither click_id nor a campaign of ours was given: nothing says whose visit it is"))
		}
	}
	return c
}

// givenID reads a click ID as somebody gave it: one of ours in lower case, any
// other as it is. A placeholder that nobody filled in is none, nor is an address.
func (r *Receiver) givenID(s string) (id string, ok bool) {
	if id, ok := subfive.ParseClickID(s); ok {
		return id, true
	}
	if _, literal := r.literalMacro("click_id", s); literal || len(s) > maxGivenID || subfive.MaskAddresses(s) != s || strings.ContainsAny(s, "{}<>\"") {
		return "", false
	}
	return s, strings.IndexFunc(s, func(c rune) bool { return c < 128 && inName(byte(c)) && c != '_' }) >= 0
}

// collectedClick is the click that a landing page recorded itself. The browser
// that tells it is the visitor's.
func (r *Receiver) collectedClick(t *table, c collected, in *intake) subfive.Click {
	click := r.describeClick(in, c.own, c.all, t.sources[c.campaign.Source])
	click.ID, click.RecordKind, click.CampaignID = c.id, subfive.ClickScript, c.campaign.ID
	click.LandingID, click.OfferID = t.landingOf(c.page), c.campaign.Offer
	for _, path := range c.campaign.AllPaths() {
		if path.Landing != "" && path.Landing == click.LandingID && path.Offer != "" {
			click.OfferID = path.Offer
			break
		}
	}
	click.PageURL, click.Referrer, click.LandingViewedAt = c.page, c.referrer, in.at
	if r.mayStore(click) {
		click.VisitorID, click.VisitNo = parseVisitor(c.visitor)
	}
	return click
}

// nameClick mints the ID of a click that only an image tells of. A cookie brings
// it to the page's /go/ links.
func (r *Receiver) nameClick(click *subfive.Click, in *intake) {
	click.ID = newID(in.at)
	if !r.mayStore(*click) {
		return
	}
	if click.VisitorID, click.VisitNo = returning(in.c.Request); click.VisitorID == "" {
		click.VisitorID = click.ID
	}
	click.VisitNo++
	remember(in.c.Writer, *click)
}

func (r *Receiver) collectedVisit(t *table, c collected, in *intake) subfive.Visit {
	req := in.c.Request
	return subfive.Visit{
		ID: subfive.PrefixVisit + newID(in.at), ClickID: c.id, Kind: c.kind, At: in.at, Request: r.request(in, c.own),
		LandingID: t.landingOf(c.page), OfferID: c.campaign.Offer, PageURL: c.page, Referrer: c.referrer,
		Params: r.clickParams(c.all, req), UserData: r.userData(c.all, r.country(in)), Consent: c.consent,
	}
}

// country is where the visitor's address is, "" where nobody knows.
func (r *Receiver) country(in *intake) string {
	if r.cfg.Recognizer == nil {
		return ""
	}
	return r.cfg.Recognizer.Recognize(in.client, asText(in.c.Request.UserAgent())).Country
}

// publicURL is a web page's address without its fragment, without the user data
// in its query, and with the addresses that are left in it masked. Platforms'
// click IDs are bytes and stay; "" if it is none.
func (r *Receiver) publicURL(page string) string {
	if !isURL(page) || len(page) > maxCollected {
		return ""
	}
	page, _, _ = strings.Cut(page, "#")
	base, query, _ := strings.Cut(page, "?")
	scheme, rest, _ := strings.Cut(base, "://")
	host, path, hasPath := strings.Cut(rest, "/")
	base = scheme + "://" + host[strings.LastIndexByte(host, '@')+1:]
	if hasPath {
		base += "/" + subfive.MaskAddresses(path)
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		switch name = decode(name); {
		case r.holdsUserData(name):
		case r.words.clicks[fold(name)] != "":
			kept = append(kept, pair)
		default:
			kept = append(kept, subfive.MaskAddresses(pair))
		}
	}
	if query = strings.Join(kept, "&"); query == "" {
		return base
	}
	return base + "?" + query
}
