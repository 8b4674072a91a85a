package everflow

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func testSite() Site {
	return Site{
		PublicURL: "https://trk.example.com",
		Hosts:     []string{"go.example.com", "trk.example.com:8443"},
		Endpoints: []subfive.Endpoint{
			{ID: "default"},
			{ID: "meta-only", Key: "s3cret", Offers: []string{"ourdream"}},
			{ID: "lab", ClickParam: "aff_sub", Offers: []string{"lab"}},
			{ID: "google-direct", Direct: "google", Offers: []string{"ourdream"}},
			{ID: "organic", EmptyClickID: subfive.EmptyOrganic},
		},
		Offers: []subfive.Offer{
			{ID: "ourdream", NetworkOfferID: "1", Link: "https://track.example-network.com/ABC123/XYZ9/?sub1=sfw"},
			{ID: "lab", Link: "https://track.lab-network.com/AAA111/BBB222/", ClickSlot: "sub3"},
		},
		Macros: Catalogue(),
	}
}

// pastedCase is one case of testdata/doctor.
type pastedCase struct {
	name, text string
	codes      []string
}

func readCases(t testing.TB, path string) []pastedCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []pastedCase
	for i, part := range strings.Split("\n"+string(data), "\n=== ") {
		if i == 0 {
			continue // what the file is for
		}
		head, text, _ := strings.Cut(part, "\n")
		name, codes, _ := strings.Cut(head, " | ")
		all = append(all, pastedCase{name, text, strings.Fields(codes)})
	}
	return all
}

func codesOf(d Diagnosis) (codes []string) {
	for _, f := range d.Findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return codes
}

func TestDoctorNamesTheCause(t *testing.T) {
	doctor, named := NewDoctor(testSite()), map[string]bool{}
	cases := readCases(t, "testdata/doctor/bad.txt")
	if len(cases) < 60 {
		t.Errorf("%d cases, want at least 60", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := doctor.Examine(c.text)
			want := slices.Sorted(slices.Values(c.codes))
			if diff := cmp.Diff(want, codesOf(got)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s%+v", c.text, diff, got)
			}
			if strings.Contains(got.Corrected+got.URL, "s3cret") {
				t.Errorf("a key is shown: %s %s", got.URL, got.Corrected)
			}
			if got.Corrected == "" {
				return
			}
			if again := doctor.Examine(got.Corrected); !again.Healthy() {
				t.Errorf("the corrected URL %s is not healthy: %v", got.Corrected, codesOf(again))
			}
		})
		for _, code := range c.codes {
			named[code] = true
		}
	}
	for _, r := range Rules() {
		if !named[r.Code] {
			t.Errorf("no case for %s", r.Code)
		}
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	doctor := NewDoctor(testSite())
	cases := readCases(t, "testdata/doctor/good.txt")
	if len(cases) < 20 {
		t.Errorf("%d cases, want at least 20", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := doctor.Examine(c.text); len(got.Findings) > 0 || got.Corrected != "" {
				t.Errorf("%s\n%+v", c.text, got)
			}
		})
	}
}

// Without a public URL nobody can tell which host is right.
func TestDoctorWithoutAPublicURL(t *testing.T) {
	doctor := NewDoctor(Site{Macros: Catalogue()})
	got := doctor.Examine("http://localhost/conversion?click_id={Sub5}&payout={payout}&tx_id={transaction_id}")
	if diff := cmp.Diff([]string{"local_address", "wrong_macro"}, codesOf(got)); diff != "" || got.Corrected != "" {
		t.Errorf("corrected to %q (-want +got):\n%s", got.Corrected, diff)
	}
}

// What we propose ourselves is right, whatever the endpoint.
func TestDoctorLikesOurURLs(t *testing.T) {
	site := testSite()
	doctor := NewDoctor(site)
	for _, e := range site.Endpoints {
		offer := site.Offers[0]
		if slices.Contains(e.Offers, "lab") {
			offer = site.Offers[1]
		}
		u := PostbackURL(site.PublicURL, e, Options{Offer: offer})
		if got := doctor.Examine(u); len(got.Findings) > 0 {
			t.Errorf("%s: %+v", u, got.Findings)
		}
	}
}

// Whether a host is ours is one question, and its answer the receiver's: with
// www. or without, whatever the port.
func TestOurHosts(t *testing.T) {
	doctor := NewDoctor(testSite())
	for host, ours := range map[string]bool{
		"trk.example.com": true, "WWW.trk.example.com": true, "trk.example.com:9443": true, "www.go.example.com:443": true, "trk.example.com.": true,
		"example.com": false, "wwwtrk.example.com": false, "x.trk.example.com": false,
	} {
		text := "https://" + host + "/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}"
		if got := doctor.Examine(text); got.Healthy() != ours {
			t.Errorf("%s is examined: %v", host, codesOf(got))
		}
		if got := doctor.Watch([]Installed{{ID: "1", URL: text}}); len(got) == 1 != ours {
			t.Errorf("%s is watched: %+v", host, got)
		}
	}
}

// Without a site the rules that need one say nothing.
func TestDoctorWithoutASite(t *testing.T) {
	doctor := NewDoctor(Site{Macros: Catalogue()})
	for text, want := range map[string][]string{
		"https://t.acme.io/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}":       nil,
		"https://t.acme.io/conversion/x?click_id={sub5}&payout={payout}&tx_id={transaction_id}":     nil,
		"https://t.acme.io/conversion?click_id={Sub5}&payout={payout}&tx_id={transaction_id}":       {"wrong_macro"},
		"https://graph.facebook.com/v21.0/1/events?value={payout}":                                  {"platform_api"},
		"https://t.acme.io/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}&key=x": nil,
	} {
		if diff := cmp.Diff(want, codesOf(doctor.Examine(text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestDoctorCorrects(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"misspelt": {
			"https://trk.example.com/conversion?click_id={Sub5}&payout={Payout}&offer_id={offer_id}&tx_id={TransactionID}",
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}",
		},
		"all that a paste spoils": {
			"http://localhost:8080/conversions?click_id=%7BSub5%7D &amp;payout=[payout]&amp;&amp;fbclid={fbclid}",
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}",
		},
		"a link for a postback": {
			"https://track.example-network.com/ABC123/XYZ9/?sub1=sfw",
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}",
		},
		"key hidden": {
			"https://trk.example.com/conversion/meta-only?click_id={sub_5}&payout={payout}&tx_id={transaction_id}&key=s3cret",
			"https://trk.example.com/conversion/meta-only?click_id={sub5}&payout={payout}&tx_id={transaction_id}&key=***",
		},
		"session named as conversion": {
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&conversion_id={transaction_id}",
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}",
		},
		"no parameters": {
			"https://trk.example.com/conversion/lab",
			"https://trk.example.com/conversion/lab?aff_sub={sub3}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}",
		},
		"a macro that nobody knows": {
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}&w={weather}",
			"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}",
		},
		"what arrived is not corrected": {"click_id={Sub5}&payout=42.50&tx_id=9f2c1b7e44d04a51b6c6a1de01e2f3a4", ""},
		"what is right neither":         {"https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}", ""},
	}
	doctor := NewDoctor(testSite())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, doctor.Examine(test.text).Corrected); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserCatalogue(t *testing.T) {
	mine, err := ParseCatalogue("click_ref\tconfirmed\tour own\nconversion_id\tconfirmed\tseen in our list\npayout\tabsent\tnot here\n")
	if err != nil {
		t.Fatal(err)
	}
	site := testSite()
	site.Macros = Amend(Catalogue(), mine)
	doctor := NewDoctor(site)
	got := doctor.Examine("https://trk.example.com/conversion?click_id={sub5}&ref={click_ref}&conversion_id={conversion_id}&payout={payout}")
	if diff := cmp.Diff([]string{"not_partner_macro"}, codesOf(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The rules are documented, each by its code.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(Rules(), LiveRules()...) {
		row := fmt.Sprintf("| `%s` | %s | %s | %s |\n", r.Code, r.Severity, r.Level, r.Why)
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/doctor.md lacks the row %s", row)
		}
	}
}

func FuzzExamine(f *testing.F) {
	for _, file := range []string{"testdata/doctor/bad.txt", "testdata/doctor/good.txt"} {
		for _, c := range readCases(f, file) {
			f.Add(c.text)
		}
	}
	doctor := NewDoctor(testSite())
	f.Fuzz(func(t *testing.T, text string) {
		d := doctor.Examine(text)
		if d.Form != FormTemplate && d.Form != FormCaptured {
			t.Fatalf("%q: form %q", text, d.Form)
		}
		for _, finding := range d.Findings {
			if finding.Severity == "" || finding.What == "" || finding.Fix == "" || finding.Why == "" || !utf8.ValidString(finding.What) {
				t.Fatalf("%q: half a finding: %+v", text, finding)
			}
		}
		if strings.Contains(d.Corrected, "s3cret") || d.Corrected != "" && d.Healthy() {
			t.Fatalf("%q is corrected to %q", text, d.Corrected)
		}
	})
}

func ExampleDoctor_Examine() {
	doctor := NewDoctor(Site{PublicURL: "https://trk.example.com", Macros: Catalogue()})
	d := doctor.Examine("https://trk.example.com/conversion?click_id={Sub5}&payout={payout}&tx_id={transaction_id}")
	for _, f := range d.Findings {
		fmt.Printf("%s at %s, %s level: %s\n", f.Code, f.Where, f.Level, f.Fix)
	}
	fmt.Println(d.Corrected)
	// Output:
	// wrong_macro at click_id, postback level: write click_id={sub5}
	// https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}
}
