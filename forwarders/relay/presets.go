package relay

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// preset is what another tracker's postback URL needs after its address.
type preset struct {
	name        string
	query       string
	statusWords map[string]string
}

// presets are the trackers' own parameter names, from their documentation:
// help.redtrack.io, doc.voluum.com, docs.bemob.com, docs.binom.org,
// readme.anytrack.io, docs.keitaro.io, help.clickflare.io.
func presets() []preset {
	return []preset{
		{"redtrack", "clickid={click_id}&sum={payout}&type={event_name}&status={status}&rdtk_event_id={event_id}", map[string]string{"rejected": "declined"}},
		{"voluum", "cid={click_id}&payout={payout}&currency={currency}&txid={event_id}&et={event_name}", nil},
		{"bemob", "cid={click_id}&payout={payout}&txid={event_id}&status={status}", map[string]string{"pending": "new", "rejected": "declined"}},
		{"binom", "cnv_id={click_id}&payout={payout}&cnv_currency={currency}&cnv_status={status}", nil},
		{"anytrack", "click_id={click_id}&value={payout}&transaction_id={event_id}&event_name={event_name}", nil},
		{"keitaro", "subid={click_id}&payout={payout}&currency={currency}&tid={event_id}&status={status}", map[string]string{"pending": "lead", "approved": "sale"}},
		{"clickflare", "click_id={click_id}&payout={payout}&txid={event_id}&ct={event_name}", nil},
	}
}

// withPreset returns the settings with what their preset adds to them.
func (c Config) withPreset() (Config, error) {
	if c.Preset == "" || c.Preset == "custom" {
		return c, nil
	}
	all := presets()
	i := slices.IndexFunc(all, func(p preset) bool { return p.name == c.Preset })
	if i < 0 {
		names := []string{"custom"}
		for _, p := range all {
			names = append(names, p.name)
		}
		return c, fmt.Errorf("preset: %q is none of %s", c.Preset, strings.Join(names, ", "))
	}
	if c.Body != "" || c.ContentType != "" || c.Method != "" && c.Method != http.MethodGet {
		return c, errors.New("preset: it sends a GET without a body; use preset: custom for another")
	}
	if strings.Contains(c.URL, "?") {
		return c, errors.New("preset: it brings the parameters itself; give the url without its query")
	}
	if c.URL != "" {
		c.URL += "?" + all[i].query
	}
	c.Method = http.MethodGet
	if c.StatusWords == nil {
		c.StatusWords = all[i].statusWords
	}
	return c, nil
}
