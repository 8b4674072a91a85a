package receiver

import (
	"net/http"
	"slices"

	"subfive"
)

// consent is what the visitor agreed to, as the link and his browser say it.
// Where two values of one field contradict each other, the more careful holds.
func (r *Receiver) consent(all fields, browser http.Header) map[string]string {
	given, seen := map[string]string{}, map[string][]string{}
	var contradicting []map[string]string
	add := func(name, value string) {
		switch {
		case given[name] == "":
			given[name] = value
		case !slices.Contains(seen[name], value):
			contradicting = append(contradicting, map[string]string{name: value})
		}
		seen[name] = append(seen[name], value)
	}
	if gpc := browser.Get("Sec-Gpc"); gpc != "" {
		add(subfive.FieldGPC, asText(gpc))
	}
	for _, m := range all {
		if name, ok := r.words.consent[fold(m.name)]; ok && !m.missing {
			add(name, m.value)
		}
	}
	if len(given) == 0 {
		return nil
	}
	for _, other := range contradicting {
		given = subfive.MergeConsent(r.cfg.ReadConsent, given, other)
	}
	return given
}

// wordsAlone reads consent where nobody can read strings.
func wordsAlone(fields map[string]string) subfive.Consent {
	return subfive.Consent{
		UserData:        subfive.ConsentWord(fields[subfive.FieldAdUserData]),
		Personalization: subfive.ConsentWord(fields[subfive.FieldAdPersonalization]),
		OptOut:          fields[subfive.FieldGPC] == "1",
		GDPR:            fields[subfive.FieldGDPR] == "1",
	}
}

// mayStore reports whether a cookie may be set: not against the visitor's word,
// and where the law asks first, not without it. Where nobody knows the country,
// a page that says that the GDPR applies is believed.
func (r *Receiver) mayStore(c subfive.Click) bool {
	said := r.cfg.ReadConsent(c.Consent)
	if asks := subfive.AsksFirst(c.Visitor.Country) || c.Visitor.Country == "" && said.GDPR; asks && said.UserData != subfive.ConsentGranted {
		return false
	}
	return !said.Refused()
}

// refused reports whether the visitor says no in this request. Then the cookies
// that he sends are not read, and go.
func (r *Receiver) refused(in *intake, given map[string]string) bool {
	if !r.cfg.ReadConsent(given).Refused() {
		return false
	}
	forget(in.c.Writer, in.c.Request, r.proxies.scheme(in.c.Request) == "https")
	return true
}

// postbackConsent is what a postback says of its visitor. A pixel comes from his
// own browser; else the headers are the network's.
func (r *Receiver) postbackConsent(all fields, rt route, in *intake) map[string]string {
	if rt.pixel {
		return r.consent(all, in.c.Request.Header)
	}
	return r.consent(all, nil)
}
