package everflow

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"subfive"
)

// platformHosts are the ad platforms' APIs and pixels, by the end of the host,
// with what each wants instead of a GET.
var platformHosts = []struct{ host, platform, wants string }{
	{"graph.facebook.com", "Meta", "a POST of JSON to /{dataset}/events with an access token"},
	{"facebook.com", "Meta", "a POST of JSON to graph.facebook.com with an access token; /tr is the browser's pixel"},
	{"business-api.tiktok.com", "TikTok", "a POST of JSON to /open_api/v1.3/event/track/ with the header Access-Token"},
	{"tiktok.com", "TikTok", "a POST of JSON to business-api.tiktok.com with the header Access-Token"},
	{"reddit.com", "Reddit", "a POST of JSON to ads-api.reddit.com with a bearer token"},
	{"googleads.googleapis.com", "Google", "an authenticated upload with OAuth, or a CSV by hand"},
	{"googleapis.com", "Google", "an authenticated upload with OAuth, or a CSV by hand"},
	{"googleadservices.com", "Google", "an authenticated upload with OAuth, or a CSV by hand; this host is the browser tag's"},
	{"google-analytics.com", "Google", "an authenticated upload with OAuth, or a CSV by hand; this host is Analytics'"},
	{"doubleclick.net", "Google", "an authenticated upload with OAuth, or a CSV by hand"},
	{"snapchat.com", "Snapchat", "a POST of JSON with an access token"},
	{"pinterest.com", "Pinterest", "a POST of JSON with an access token"},
	{"bat.bing.com", "Microsoft", "an authenticated upload, or a CSV by hand"},
}

// trackerHosts are other trackers', by the end of the host.
var trackerHosts = map[string]string{
	"rdtk.io": "RedTrack", "redtrack.io": "RedTrack", "ttrk.io": "RedTrack", "voluum.com": "Voluum", "trkvlm.com": "Voluum",
	"voluumtrk.com": "Voluum", "bemobtrcks.com": "BeMob", "bemobtrk.com": "BeMob", "anytrack.io": "AnyTrack", "keitaro.io": "Keitaro",
	"binom.org": "Binom", "clickflare.io": "ClickFlare", "clickflare.com": "ClickFlare", "thrivetracker.com": "ThriveTracker", "funnelflux.com": "FunnelFlux",
	"peerclick.com": "PeerClick", "cpvlab.com": "CPV Lab",
}

// under reports whether host is name or below it.
func under(host, name string) bool { return host == name || strings.HasSuffix(host, "."+name) }

// destination judges where the URL goes.
func (x *exam) destination() {
	bare := hostOnly(x.host)
	ours := x.d.serves(x.host)
	switch {
	case x.host == "" || ours:
	case x.platform(bare), x.trackingLink(bare):
		return
	case local(bare):
		x.add("local_address", "host", x.host+" is no public address", "use the tracker's public URL"+x.publicURL())
		x.fixHost = x.publicHost()
	case exampleHost(bare):
		x.add("example_host", "host", x.host+" is a template's host", "use the tracker's public URL"+x.publicURL())
		x.fixHost = x.publicHost()
	case x.otherTracker(bare):
	case staging(bare):
		x.add("staging_host", "host", x.host+" looks like a test set-up", "use the tracker's public URL"+x.publicURL())
		x.fixHost = x.publicHost()
	case x.publicHost() != "":
		x.add("unknown_host", "host", x.host+" is none of this tracker's hosts"+x.meantHost(bare), "use the tracker's public URL"+x.publicURL()+", or add the host under domains")
		x.fixHost = x.publicHost()
	}
	secure := strings.HasPrefix(x.d.site.PublicURL, "https://") || x.d.site.PublicURL == ""
	if x.scheme == "http" && secure && x.host != "" && !local(bare) {
		x.add("plain_http", "scheme", "the URL begins with http://", "write https://")
	}
	x.judgePath()
	x.judgeAnswer()
}

// hostOnly is a host without its port.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

func (x *exam) publicHost() string {
	u, err := url.Parse(x.d.site.PublicURL)
	if err != nil {
		return ""
	}
	return u.Host
}

func (x *exam) publicURL() string {
	if x.d.site.PublicURL == "" {
		return ""
	}
	return ", " + x.d.site.PublicURL
}

// meantHost says which host was likely meant.
func (x *exam) meantHost(bare string) string {
	for _, h := range append([]string{x.publicHost()}, x.d.site.Hosts...) {
		h = hostOnly(h)
		if h != "" && (under(bare, h) || under(h, bare) || distance(bare, h) <= 3) {
			return "; " + h + " may be meant"
		}
	}
	return ""
}

func (x *exam) platform(bare string) bool {
	for _, p := range platformHosts {
		if under(bare, p.host) {
			x.replace = true
			x.add("platform_api", "host", x.host+" is "+p.platform+"'s: it wants "+p.wants,
				"post to this tracker, and let it tell "+p.platform+": add a destination of that platform")
			return true
		}
	}
	return false
}

// trackingLink recognizes a network's link, by the offers' own and by form.
func (x *exam) trackingLink(bare string) bool {
	segs := strings.Split(strings.Trim(x.path, "/"), "/")
	for _, o := range x.d.site.Offers {
		u, err := url.Parse(o.Link)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Hostname(), bare) {
			continue
		}
		x.replace = true
		link := strings.Split(strings.Trim(u.Path, "/"), "/")
		if len(link) == 2 && len(segs) == 2 && link[0] == segs[1] && link[1] == segs[0] && link[0] != link[1] {
			x.add("swapped_link", "path", "/"+segs[0]+"/"+segs[1]+" has the offer before the affiliate", "use the link as the network gives it: /"+link[0]+"/"+link[1]+"/")
		}
		x.add("tracking_link", "URL", "this is the link of offer "+o.ID+", not a postback URL", "paste the tracker's postback URL into the postback form; this link belongs into the offer")
		return true
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(x.params, func(p *param) bool { return slices.Contains(names, strings.ToLower(p.name)) })
	}
	encoded := len(segs) == 2 && isCode(segs[0]) && isCode(segs[1]) && pattern(x.path) == ""
	aff := has("aff_id", "affid") || encoded && has("sub1", "sub2", "sub3", "sub4", "sub5", "source_id")
	if aff && !has("payout", "transaction_id", "tx_id") {
		x.replace = true
		x.add("tracking_link", "URL", "this looks like a network's tracking link, not like a postback URL", "paste the tracker's postback URL into the postback form; a tracking link belongs into the offer")
		return true
	}
	return false
}

// isCode reports whether a path's segment looks like Everflow's encoded number.
func isCode(s string) bool {
	if len(s) < 4 || len(s) > 10 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (x *exam) otherTracker(bare string) bool {
	for host, name := range trackerHosts {
		if under(bare, host) {
			x.add("other_tracker", "host", x.host+" is "+name+"'s", "if the tracker is to be this one, change the host"+x.publicURL()+": its path and parameters are understood here")
			x.fixHost = x.publicHost()
			return true
		}
	}
	return false
}

func local(bare string) bool {
	if a, err := netip.ParseAddr(bare); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() || !a.IsGlobalUnicast()
	}
	return bare == "localhost" || !strings.Contains(bare, ".") ||
		slices.ContainsFunc([]string{"localhost", "local", "internal", "lan", "home.arpa", "test", "invalid", "localdomain"}, func(end string) bool { return under(bare, end) })
}

func exampleHost(bare string) bool {
	return slices.ContainsFunc([]string{"example.com", "example.org", "example.net", "example"}, func(end string) bool { return under(bare, end) }) ||
		slices.ContainsFunc([]string{"your-domain", "yourdomain", "your-tracker", "yourtracker", "mydomain", "tracking-domain", "trackingdomain", "domain.com"}, func(word string) bool {
			return strings.HasPrefix(bare, word) || strings.Contains(bare, "."+word)
		})
}

// stagingWords are what people call what is not for real traffic.
var stagingWords = []string{"staging", "stage", "stg", "dev", "develop", "test", "testing", "qa", "uat", "sandbox", "preprod", "demo", "local"}

func staging(bare string) bool {
	for label := range strings.SplitSeq(bare, ".") {
		for word := range strings.SplitSeq(label, "-") {
			if slices.Contains(stagingWords, word) {
				return true
			}
		}
	}
	return slices.ContainsFunc([]string{"ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok.dev", "trycloudflare.com", "loca.lt", "webhook.site", "requestbin.com", "pipedream.net", "serveo.net"},
		func(end string) bool { return under(bare, end) })
}

// judgePath judges the path of a URL that may be meant for us.
func (x *exam) judgePath() {
	if x.host == "" && x.path == "" {
		return // a query alone
	}
	segs := strings.FieldsFunc(strings.ToLower(x.path), func(r rune) bool { return r == '/' })
	first := ""
	if len(segs) > 0 {
		first = segs[0]
	}
	known := pattern(x.path) != ""
	switch {
	case known && first != "click.php" && first != "click", first == "conversion" && len(segs) == 1:
	case known:
		if !slices.ContainsFunc(x.params, func(p *param) bool { return p.role == roleClick }) {
			x.campaignLink()
		}
	case first == "conversion" && len(segs) == 2:
		if x.unknownEndpoint(segs[1]) {
			x.add("unknown_endpoint", "path", fmt.Sprintf("there is no endpoint %q", show(segs[1])), x.endpointAdvice())
			x.fixPath = "/conversion"
		}
	case first == "pixel" && len(segs) <= 2:
		x.add("pixel_path", "path", "/pixel is the HTML pixel's path", "for delivery by postback (S2S) use /conversion")
		x.fixPath = "/conversion" + strings.TrimPrefix(strings.ToLower(x.path), "/pixel")
	case first == "c" && len(segs) == 2, first == "go" && len(segs) == 3:
		x.campaignLink()
	default:
		x.add("wrong_path", "path", fmt.Sprintf("%q is no postback path", show("/"+strings.TrimLeft(x.path, "/"))), "use /conversion")
		x.fixPath = "/conversion"
	}
}

func (x *exam) campaignLink() {
	x.replace = true
	x.add("campaign_link", "path", fmt.Sprintf("%q is a link that visitors click", show(x.path)), "paste the postback URL into the postback form; this link belongs into the ad")
}

func (x *exam) unknownEndpoint(name string) bool {
	return name != subfive.DefaultEndpoint && len(x.d.site.Endpoints) > 0 &&
		!slices.ContainsFunc(x.d.site.Endpoints, func(e subfive.Endpoint) bool { return strings.EqualFold(e.ID, name) })
}

func (x *exam) endpointAdvice() string {
	var names []string
	for _, e := range x.d.site.Endpoints {
		if e.ID != subfive.DefaultEndpoint {
			names = append(names, "/conversion/"+e.ID)
		}
	}
	return "use " + strings.Join(append([]string{"/conversion"}, names...), ", or ") + ", or add the endpoint to the file"
}

// judgeAnswer judges what a line of a log says was answered.
func (x *exam) judgeAnswer() {
	switch {
	case x.from.status >= 400:
		x.add("error_answer", "answer", fmt.Sprintf("it was answered with %d", x.from.status), "see what stands before the tracker (proxy, firewall, bot protection): the tracker itself answers 200, and 503 only when it can write nothing down")
	case x.from.status >= 300:
		x.add("redirect_answer", "answer", fmt.Sprintf("it was answered with %d", x.from.status), "give Everflow the address that the redirect leads to: https, the right host, the exact path")
	}
}
