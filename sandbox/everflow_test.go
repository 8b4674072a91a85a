package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

func TestWhichPostbacksFire(t *testing.T) {
	specific := func(id string, typ sandbox.Type, offer string) sandbox.Postback {
		return sandbox.Postback{ID: id, URL: trackerURL, Type: typ, Scope: sandbox.ScopeSpecific, OfferID: offer}
	}
	events := global("events")
	events.Type = sandbox.TypeEvent
	postbacks := []sandbox.Postback{
		global("all"), events, specific("offer 17", sandbox.TypeConversion, "17"), specific("offer 18", sandbox.TypeConversion, "18"),
		specific("clicks", sandbox.TypeCPC, "17"),
	}
	tests := map[string]struct {
		typ   sandbox.Type
		offer string
		want  []string
	}{
		"global and specific":       {sandbox.TypeConversion, "17", []string{"all", "offer 17"}},
		"another offer":             {sandbox.TypeConversion, "18", []string{"all", "offer 18"}},
		"an offer with none":        {sandbox.TypeConversion, "1", []string{"all"}},
		"an event is no conversion": {sandbox.TypeEvent, "17", []string{"events"}},
		"a paid click":              {sandbox.TypeCPC, "17", []string{"clicks"}},
		"a paid click elsewhere":    {sandbox.TypeCPC, "18", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := simulator(t, sandbox.SimulatorConfig{Client: &http.Client{Transport: answering(200)}, Postbacks: postbacks})
			fires, err := s.Convert(t.Context(), sandbox.Conversion{Type: test.typ, OfferID: test.offer})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range fires {
				got = append(got, f.PostbackID)
				if f.Outcome != sandbox.OutcomeDelivered {
					t.Errorf("%s: %s", f.PostbackID, f.Outcome)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("fired (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPostbacksThatCantBeSaved(t *testing.T) {
	tests := map[string]func(p *sandbox.Postback){
		"no type":                 func(p *sandbox.Postback) { p.Type = "" },
		"unknown type":            func(p *sandbox.Postback) { p.Type = "impression" },
		"no scope":                func(p *sandbox.Postback) { p.Scope = "" },
		"global with an offer":    func(p *sandbox.Postback) { p.OfferID = "17" },
		"specific without one":    func(p *sandbox.Postback) { p.Scope = sandbox.ScopeSpecific },
		"clicks of all offers":    func(p *sandbox.Postback) { p.Type = sandbox.TypeCPC },
		"no URL":                  func(p *sandbox.Postback) { p.URL = "" },
		"URL without a scheme":    func(p *sandbox.Postback) { p.URL = "trk.example.com/c" },
		"another scheme":          func(p *sandbox.Postback) { p.URL = "ftp://trk.example.com/c" },
		"host missing":            func(p *sandbox.Postback) { p.URL = "https:///c" },
		"delay of more than five": func(p *sandbox.Postback) { p.Delay = 5*time.Minute + 1 },
		"ID that is there twice":  func(p *sandbox.Postback) { p.ID = "other" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := global("p")
			change(&p)
			if _, err := sandbox.NewSimulator(atNoon, sandbox.SimulatorConfig{Postbacks: []sandbox.Postback{global("other"), p}}); err == nil {
				t.Error("no error")
			}
		})
	}
}
