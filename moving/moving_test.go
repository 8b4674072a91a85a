package moving_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/moving"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func options() moving.Options {
	return moving.Options{Now: now, Zone: time.FixedZone("-5", -5*3600), Country: func(word string) string {
		return map[string]string{"us": "US", "united states": "US", "germany": "DE", "de": "DE", "brazil": "BR"}[strings.ToLower(word)]
	}}
}

var params = []string{"fbclid", "_fbc", "_fbp", "ttclid"}

func place(string) moving.Place {
	return moving.Place{
		Campaign: subfive.Campaign{ID: "spring", Offer: "dream"}, Source: subfive.Source{ID: "meta-us", Platform: "meta", Currency: "USD"},
		ExternalParam: "fbclid",
	}
}

func token(value string) (platform, dimension string) {
	t := map[string][2]string{
		"{{campaign.id}}": {"meta", "platform_campaign_id"}, "{{ad.name}}": {"meta", "ad_name"}, "{{adset.name}}": {"meta", "adset_name"},
		"{{placement}}": {"meta", "placement"}, "__CAMPAIGN_ID__": {"tiktok", "platform_campaign_id"}, "__CID_NAME__": {"tiktok", "ad_name"},
		"{campaignid}": {"google", "platform_campaign_id"},
	}[value]
	return t[0], t[1]
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// each reads a table row by row and writes what row makes of it.
func each(t *testing.T, table *moving.Table, w io.Writer, row func(moving.Row) (any, error)) {
	t.Helper()
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	for {
		r, err := table.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		var v any
		if err == nil {
			v, err = row(r)
		}
		var wrong *subfive.Rejection
		switch {
		case errors.As(err, &wrong):
			fmt.Fprintf(w, "rejected: %s\n", wrong)
		case err != nil:
			t.Fatal(err)
		case v != nil:
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Each rival's export is recognized by its header and read, its broken rows
// refused one by one.
func TestExports(t *testing.T) {
	for _, rival := range moving.Rivals() {
		for _, kind := range []moving.Kind{moving.Clicks, moving.Conversions, moving.Campaigns} {
			t.Run(string(rival)+" "+string(kind), func(t *testing.T) {
				path := filepath.Join("testdata", string(rival), string(kind))
				file, err := os.Open(path + ".csv")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = file.Close() }()
				table, err := moving.NewTable(file)
				if err != nil {
					t.Fatal(err)
				}
				if got := moving.Guess(kind, table.Header); got != rival && (rival != moving.AnyTrack || kind != moving.Campaigns) {
					t.Errorf("it is taken for %s's", got)
				}
				columns, err := moving.Columns(kind, rival, table.Header, params, nil)
				if err != nil {
					t.Fatal(err)
				}
				var got bytes.Buffer
				for _, c := range columns {
					fmt.Fprintln(&got, c.Words())
				}
				fragment := moving.NewFragment(subfive.Setup{})
				each(t, table, &got, func(r moving.Row) (any, error) {
					switch kind {
					case moving.Clicks:
						return moving.ClickReader{Options: options(), Columns: columns, Params: params, Place: place}.Click(r)
					case moving.Conversions:
						e := subfive.Endpoint{ID: "default", Network: "everflow"}
						return moving.ConversionReader{Options: options(), Columns: columns, Endpoint: e}.Postback(r)
					case moving.Campaigns:
						return nil, moving.CampaignReader{Columns: columns, Params: params, Token: token}.Row(fragment, r)
					}
					return nil, nil
				})
				got.WriteString(fragment.YAML())
				golden(t, path+".golden", got.String())
			})
		}
	}
}

// An ID with a number behind it is not one that is there already either.
func TestIDsAreNotTaken(t *testing.T) {
	f := moving.NewFragment(subfive.Setup{
		Campaigns: []subfive.Campaign{{ID: "spring-2"}, {ID: "summer", Aliases: []string{"Spring-3", "winter"}}},
		Offers:    []subfive.Offer{{ID: "dream-2"}},
	})
	r := moving.CampaignReader{Params: params, Token: token, Columns: []moving.Column{
		{Field: moving.FieldCampaign}, {Field: moving.FieldOffer}, {Field: moving.FieldOfferURL},
	}}
	for _, cells := range [][]string{{"Spring", "Dream", "https://a.example/"}, {"Spring", "Dream", "https://b.example/"}, {"Winter", "Dream", "https://a.example/"}} {
		if err := r.Row(f, moving.Row{Cells: cells}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range f.Setup.Campaigns {
		got = append(got, c.ID+" "+c.Offer)
	}
	for _, o := range f.Setup.Offers {
		got = append(got, o.ID)
	}
	if diff := cmp.Diff([]string{"spring dream", "spring-4 dream-3", "winter-2 dream", "dream", "dream-3"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Links pasted one a line become campaigns with aliases; postback URLs are noted.
func TestLinks(t *testing.T) {
	data, err := os.ReadFile("testdata/links.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !moving.IsLinks(string(data)) {
		t.Error("it is taken for a table")
	}
	f := moving.NewFragment(subfive.Setup{
		Sources:   []subfive.Source{{ID: "meta", Platform: "meta"}},
		Campaigns: []subfive.Campaign{{ID: "old", Aliases: []string{"/A1B2c3d4-1111-2222-3333-444455556666/"}}},
	})
	refused, err := moving.CampaignReader{Params: params, Token: token}.Links(f, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got := f.YAML()
	for _, r := range refused {
		got += "rejected: " + r.Error() + "\n"
	}
	golden(t, "testdata/links.golden", got)
}
