package everflow

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"subfive"
)

// Traffic is what a check-up of a running tracker looks at.
type Traffic struct {
	Setup     subfive.Setup
	PublicURL string
	// Since is when the window began that Postbacks, Clicks and Deliveries are of,
	// the newest of each.
	Since      time.Time
	Postbacks  []subfive.Judged
	Clicks     []subfive.Click
	Deliveries []subfive.Delivery // skipped, dead and in dry run, with their conversions
	// Heard and Clicked are the endpoints and campaigns that ever had a postback
	// or a click; AnyClick: there is a click at all.
	Heard, Clicked map[string]bool
	AnyClick       bool
	Pauses         []subfive.Pause
	Failures       []Failures
	// Skew is how far our clock is from the database's.
	Skew time.Duration
	// KeyBesideDatabase: the key that opens the database lies in its folder.
	KeyBesideDatabase bool
}

// FailureLimit is how many failures in a row, within FailureWindow, switch a
// postback off. Everflow's help on partner postbacks says so.
const (
	FailureLimit  = 10
	FailureWindow = 72 * time.Hour
)

// Failures are the answers that were no success, one after the other, at an
// endpoint within FailureWindow.
type Failures struct {
	EndpointID string    `json:"endpoint_id"`
	InARow     int       `json:"in_a_row"`
	Limit      int       `json:"limit"`
	LastAt     time.Time `json:"last_at,omitzero"`
	LastStatus int       `json:"last_status,omitempty"`
}

// live is one check-up.
type live struct {
	Traffic
	rules map[string]Rule
	found []Finding
}

// CheckUp returns what is wrong with a set-up and its traffic, the worst first.
func CheckUp(t Traffic) []Finding {
	l := &live{Traffic: t, rules: map[string]Rule{}}
	for _, r := range LiveRules() {
		l.rules[r.Code] = r
	}
	l.house()
	l.flow()
	l.postbacks()
	l.together()
	l.addresses()
	l.destinations()
	slices.SortStableFunc(l.found, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return l.found
}

// NewFinding returns a finding of one of LiveRules.
func NewFinding(code, where, what, fix string) Finding {
	for _, r := range LiveRules() {
		if r.Code == code {
			return Finding{Code: code, Severity: r.Severity, Level: r.Level, Why: r.Why, What: what, Where: where, Fix: fix}
		}
	}
	return Finding{Code: code, Severity: SeverityError, Level: LevelTracker, What: what, Where: where, Fix: fix}
}

func (l *live) add(code, where, what, fix, see string) {
	f := NewFinding(code, where, what, fix)
	f.See = see
	l.found = append(l.found, f)
}

// house judges the tracker itself.
func (l *live) house() {
	if l.PublicURL == "" {
		l.add("no_public_url", "public_url", "public_url is not set", "set public_url to the address that Everflow and visitors reach", "")
	}
	if l.KeyBesideDatabase {
		l.add("key_beside_database", "secret_key", "the key lies in the data folder, beside the database it opens", "set SUBFIVE_SECRET_KEY from a secret store, and keep a copy apart", "")
	}
	if l.Skew.Abs() > 2*time.Second {
		l.add("clock_skew", "clock", "this machine's clock is "+l.Skew.Round(time.Millisecond).String()+" off the database's", "run NTP on both machines", "")
	}
	for _, f := range l.Failures {
		if f.InARow == 0 {
			continue
		}
		l.add("failure_budget", "endpoint "+f.EndpointID, fmt.Sprintf("%d of %d failures in a row, the last with status %d at %s", f.InARow, FailureLimit, f.LastStatus, f.LastAt.UTC().Format(time.DateTime)),
			"see the log for why nothing could be written (disk full? data folder gone?), then check in Everflow that the postback is still active", "")
		if f.InARow >= FailureLimit/2 {
			l.found[len(l.found)-1].Severity = SeverityError
		}
	}
}

// flow judges whether clicks and postbacks come in at all.
func (l *live) flow() {
	if len(l.Heard) > 0 && !l.AnyClick {
		l.add("postbacks_without_clicks", "links", "postbacks come in, and no click was ever recorded", "put a campaign's link into the ad: subfive serve prints it at start", "subfive clicks")
	}
	for _, e := range l.Setup.Endpoints {
		byItself := e.ID == subfive.DefaultEndpoint && len(l.Heard) > 0
		if !l.Heard[e.ID] && !byItself {
			l.add("no_postbacks", "endpoint "+e.ID, "no postback came in at endpoint "+e.ID+" yet", "paste its URL into Everflow, under Postbacks, + Postback: "+urlCommand(e), "subfive postbacks --endpoint "+e.ID)
		}
	}
	for _, c := range l.Setup.Campaigns {
		if !l.Clicked[c.ID] && !c.Paused && c.ArchivedAt == nil {
			l.add("campaign_without_clicks", "campaign "+c.ID, "campaign "+c.ID+" has no click yet", "try its link, which subfive links "+c.ID+" prints: subfive doctor link URL", "subfive clicks --campaign "+c.ID)
		}
	}
}

// share is how many of how many.
type share struct{ n, of int }

func (s share) percent() int {
	if s.of == 0 {
		return 0
	}
	return (100*s.n + s.of/2) / s.of
}

func (s share) String() string { return fmt.Sprintf("%d %% (%d of %d)", s.percent(), s.n, s.of) }

// group are one endpoint's postbacks.
type group struct {
	endpoint string
	all      []subfive.Judged
}

func (l *live) byEndpoint() []group {
	groups := map[string]*group{}
	for _, j := range l.Postbacks {
		id := j.Postback.EndpointID
		if groups[id] == nil {
			groups[id] = &group{endpoint: id}
		}
		groups[id].all = append(groups[id].all, j)
	}
	var all []group
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, *groups[id])
	}
	return all
}

func (g group) count(is func(subfive.Judged) bool) (s share, commonest string) {
	hints := map[string]int{}
	for _, j := range g.all {
		s.of++
		if is(j) {
			s.n++
			hints[j.Postback.Hint]++
		}
	}
	for hint, n := range hints {
		if n > hints[commonest] || n == hints[commonest] && (commonest == "" || hint < commonest) {
			commonest = hint
		}
	}
	return s, commonest
}

func reading(r subfive.Reading) func(subfive.Judged) bool {
	return func(j subfive.Judged) bool { return j.Postback.Reading == r }
}

func hinted(text string) func(subfive.Judged) bool {
	return func(j subfive.Judged) bool { return j.SettledAs == "" && strings.Contains(j.Postback.Hint, text) }
}

// postbacks judges each endpoint's postbacks.
func (l *live) postbacks() {
	for _, g := range l.byEndpoint() {
		for _, rule := range l.kinds(g) {
			s, hint := g.count(rule.is)
			if s.n == 0 || s.percent() < rule.percent {
				continue
			}
			fix := rule.fix
			if fix == "" {
				fix = cmp.Or(hint, "look at one: subfive postbacks show ID says what could not be read")
			}
			l.add(rule.code, "endpoint "+g.endpoint, fmt.Sprintf("%s of the postbacks at endpoint %s %s", s, g.endpoint, rule.what), fix, "subfive postbacks --since 24h --endpoint "+g.endpoint+rule.see)
		}
		l.scope(g)
	}
}

// kind is one kind of faulty postback. It is worth saying from percent on.
type kind struct {
	code    string
	is      func(subfive.Judged) bool
	percent int
	what    string
	fix     string // "": the commonest hint
	see     string
}

func (l *live) kinds(g group) []kind {
	e, _ := l.Setup.Endpoint(g.endpoint)
	slot := clickSlots(l.Setup.Offers, e)[0]
	return []kind{
		{"literal_macros", reading(subfive.ReadingLiteralMacro), 0, "brought a macro as it was written", "", " --reading literal_macro"},
		{"empty_click_ids", func(j subfive.Judged) bool {
			return j.Postback.Reading == subfive.ReadingEmptyClickID && e.EmptyClickID != subfive.EmptyOrganic
		}, 10, "have no click ID", "fix the link, not the postback: give visitors the campaign's link, and look at a recent click in Everflow for its " + slot + "; where organic conversions are meant to come in, set empty_click_id: organic on the endpoint", " --reading empty_click_id"},
		{"foreign_click_ids", reading(subfive.ReadingForeign), 20, "have another tracker's click ID", "replace the old tracker's links by this one's, or import its clicks", " --reading foreign"},
		{"platform_click_ids", func(j subfive.Judged) bool { return j.Postback.Reading == subfive.ReadingDirect && e.Direct == "" }, 5, "hold an ad platform's own click ID", "give visitors the campaign's link; or, if that is meant, set direct: PLATFORM on the endpoint", " --reading direct"},
		{"unmatched_click_ids", func(j subfive.Judged) bool { return j.Verdict == subfive.VerdictUnmatched }, 10, "name clicks that this tracker never had", "check that public_url and the links lead to this data folder", " --verdict unmatched"},
		{"malformed_postbacks", reading(subfive.ReadingMalformed), 0, "could not be read", "", " --reading malformed"},
		{"cpc_postbacks", func(j subfive.Judged) bool { return j.Postback.NotAConversion }, 0, "are for paid clicks", "make the postback one of type Conversion", " --verdict not_a_conversion"},
		{"http_postbacks", hinted("plain http"), 0, "came over plain http", "write https:// in the postback form", ""},
		{"wrong_path_postbacks", hinted("no postback path"), 0, "came to a path that is none", "", " --reading quarantined"},
		{"unknown_endpoint_postbacks", hinted("no endpoint is called"), 0, "came to an endpoint that is none", "", " --reading quarantined"},
		{"wrong_key_postbacks", hinted("wrong key for"), 0, "came with a wrong key", "", " --reading quarantined"},
		{"missing_key_postbacks", hinted("no key: add"), 0, "came without the endpoint's key", "", ""},
		{"too_many_postbacks", hinted("too many postbacks"), 0, "were kept aside as too many from one address", "see who sends them; those that are right can be accepted: subfive postbacks accept ID", " --reading quarantined"},
	}
}

// scope looks for a parameter of one source in a postback for all.
func (l *live) scope(g group) {
	if e, _ := l.Setup.Endpoint(g.endpoint); len(e.Offers) > 0 || len(g.all) < 10 {
		return
	}
	present, lacking := map[string]int{}, map[string]int{}
	for _, j := range g.all {
		for _, p := range j.Postback.Request.Params {
			name := strings.ToLower(p.Name)
			if _, ok := platformMacro(name); !ok {
				continue
			}
			present[name]++
			if _, literal := NewHinter(nil).LiteralMacro(name, p.Value); literal || strings.TrimSpace(p.Value) == "" {
				lacking[name]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lacking)) {
		s := share{lacking[name], present[name]}
		if present[name]*10 < len(g.all)*9 || s.percent() < 50 {
			continue
		}
		l.add("scope_smell", "endpoint "+g.endpoint+", "+name, fmt.Sprintf("%d %% of fires at endpoint %s lack %s (%d of %d)", s.percent(), g.endpoint, name, s.n, s.of),
			"remove "+name+" from the Global postback: it is kept with the click; or make a Specific postback for the source that has it, with an endpoint of its own",
			"subfive postbacks --since 24h --endpoint "+g.endpoint)
	}
}

// together looks for conversions that more than one endpoint was told of.
func (l *live) together() {
	heard := map[string]map[string]bool{}
	for _, j := range l.Postbacks {
		if j.ConversionID == "" || j.Postback.IsTest {
			continue
		}
		if heard[j.ConversionID] == nil {
			heard[j.ConversionID] = map[string]bool{}
		}
		heard[j.ConversionID][j.Postback.EndpointID] = true
	}
	pairs := map[string]int{}
	for _, endpoints := range heard {
		if len(endpoints) > 1 {
			pairs[strings.Join(slices.Sorted(maps.Keys(endpoints)), " and ")]++
		}
	}
	for _, pair := range slices.Sorted(maps.Keys(pairs)) {
		remove := strings.Split(pair, " and ")
		slices.SortFunc(remove, func(a, b string) int { return cmp.Compare(l.breadth(b), l.breadth(a)) })
		specific := remove[len(remove)-1]
		l.add("both_fire", "endpoints "+pair, fmt.Sprintf("%d conversions came in at endpoints %s", pairs[pair], pair),
			"remove the Specific postback to endpoint "+specific+" in Everflow; or, if that endpoint has destinations of its own, make the Global one Specific to the other offers",
			`subfive sql "SELECT conversion_id, endpoint_id, also_received_by FROM v_conversions WHERE also_received_by IS NOT NULL"`)
	}
}

// breadth is how much an endpoint was made for.
func (l *live) breadth(id string) int {
	e, _ := l.Setup.Endpoint(id)
	switch {
	case id == subfive.DefaultEndpoint:
		return 2
	case len(e.Offers) == 0:
		return 1
	}
	return 0
}

// addresses judges whether the clicks' addresses are the visitors'.
func (l *live) addresses() {
	hidden, byAddress := share{of: len(l.Clicks)}, map[string]int{}
	for _, c := range l.Clicks {
		addr := c.Request.ClientAddr
		byAddress[addr]++
		forwarded := c.Request.Headers["X-Forwarded-For"] + c.Request.Headers["Cf-Connecting-Ip"]
		if a, err := netip.ParseAddr(addr); err != nil || a.IsPrivate() || a.IsLoopback() || forwarded != "" && !strings.Contains(forwarded, addr) {
			hidden.n++
		}
	}
	top := ""
	for addr, n := range byAddress {
		if n > byAddress[top] || n == byAddress[top] && addr < top {
			top = addr
		}
	}
	one := share{byAddress[top], len(l.Clicks)}
	fix := "name the proxy's addresses in trusted_proxies (or the word cloudflare), so that its X-Forwarded-For is believed"
	switch {
	case hidden.percent() > 20:
		l.add("proxy_addresses", "trusted_proxies", hidden.String()+" of the clicks have a private or a proxy's address", fix, "subfive clicks --since 24h --json")
	case one.of >= 50 && one.percent() > 20:
		l.add("proxy_addresses", "trusted_proxies", one.String()+" of the clicks have the same address, "+top, fix+"; or somebody clicks by himself", "subfive clicks --since 24h --json")
	}
}
