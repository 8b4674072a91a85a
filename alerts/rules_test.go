package alerts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// each fills a series: n an hour by day (8 to 22 UTC), night an hour else.
func each(n, night int) (s Series) {
	for i := range s {
		at := noon.Truncate(time.Hour).Add(-time.Duration(HistoryHours-1-i) * time.Hour)
		if s[i] = night; at.Hour() >= 8 && at.Hour() < 22 {
			s[i] = n
		}
	}
	return s
}

// quiet empties the last hours.
func (s Series) quiet(hours int) Series {
	clear(s[len(s)-hours:])
	return s
}

// since empties what lies before so many last hours.
func (s Series) since(hours int) Series {
	clear(s[:len(s)-hours])
	return s
}

// last sets the last 24 hours.
func (s Series) last(n int) Series {
	for i := len(s) - 24; i < len(s); i++ {
		s[i] = n
	}
	return s
}

func pauses(all ...subfive.Pause) Facts { return Facts{Queue: &Queue{Pauses: all}} }

func campaign(clicks, conversions Series) Facts {
	return Facts{Activity: &Activity{Campaigns: []CampaignActivity{{"spring", clicks, conversions}}}}
}

func endpoint(postbacks, matched Series) Facts {
	return Facts{Activity: &Activity{Endpoints: []EndpointActivity{{"default", postbacks, matched}}}}
}

func destination(d DestinationActivity) Facts {
	d.ID = "meta-main"
	return Facts{Activity: &Activity{Destinations: []DestinationActivity{d}}}
}

func usd(amount int64) subfive.Money {
	return subfive.Money{Amount: subfive.Micros(amount * 1_000_000), Currency: "USD"}
}

func TestRules(t *testing.T) {
	tenMinutes := noon.Add(-10 * time.Minute)
	price := usd(10)
	tests := map[string]struct {
		facts Facts
		want  string // "rule subject after: part of what"; "": nothing
	}{
		"nothing known": {Facts{}, ""},
		"all well": {Facts{
			Local: Local{Journal: Journal{Held: 10, Cap: 100, Waiting: 3, OldestAt: noon.Add(-time.Second)}, Disk: &Disk{"/d", 50 * gibi, 100 * gibi}, Failures: []Failures{{EndpointID: "default"}}},
			Queue: &Queue{}, Activity: &Activity{}, Spend: []Spend{}, Gaps: []Gap{}, Postbacks: []Postbacks{},
		}, ""},
		"database down": {Facts{Local: Local{DatabaseDown: true, Journal: Journal{Waiting: 1}}}, "database_down  20s: 1 record waits in the journal"},

		"journal half full":                   {Facts{Local: Local{Journal: Journal{Held: 50, Cap: 100, Waiting: 9, OldestAt: noon.Add(-time.Minute)}}}, "journal_filling  0s: 9 records wait in the journal for the database, the oldest for 1m; 50 %"},
		"journal less than half full":         {Facts{Local: Local{Journal: Journal{Held: 49, Cap: 100}}}, ""},
		"old record, database up":             {Facts{Local: Local{Journal: Journal{Cap: 100, Waiting: 1, OldestAt: tenMinutes}}}, "journal_filling  0s: 1 record waits in the journal for the database, the oldest for 10m; 0 %"},
		"young record":                        {Facts{Local: Local{Journal: Journal{Cap: 100, Waiting: 1, OldestAt: tenMinutes.Add(time.Second)}}}, ""},
		"click at risk":                       {Facts{Local: Local{ClicksAtRisk: 2}}, "clicks_at_risk  0s: 2 clicks were redirected and could not be written down"},
		"click lost":                          {Facts{Local: Local{ClicksLost: 1, LostAt: tenMinutes}}, "clicks_at_risk  0s: 1 click is lost"},
		"click lost long ago":                 {Facts{Local: Local{ClicksLost: 1, LostAt: noon.Add(-time.Hour)}}, ""},
		"first failure":                       {Facts{Local: Local{Failures: []Failures{{"default", 1, 10, tenMinutes, 503, 72 * time.Hour}}}}, "failed_answers default 0s: 1 postback in a row at endpoint default got no success from us, the last one 503; after 10 in 72 h"},
		"little disk":                         {Facts{Local: Local{Disk: &Disk{"/d", gibi - 1, 4 * gibi}}}, "disk_space  0s: The disk of /d has 1.0 GiB left of 4.0"},
		"small share of disk":                 {Facts{Local: Local{Disk: &Disk{"/d", 4 * gibi, 100 * gibi}}}, "disk_space  0s: 4.0 GiB left of 100.0"},
		"small share of a huge disk":          {Facts{Local: Local{Disk: &Disk{"/d", 11 * gibi, 4000 * gibi}}}, ""},
		"certificate ends in two weeks":       {Facts{Local: Local{Expiries: []Expiry{{"certificate c", noon.Add(expiringAfter), "renew"}}}}, "expiring certificate c 0s: ends in 14 days, on 2026-12-08"},
		"certificate ended":                   {Facts{Local: Local{Expiries: []Expiry{{"certificate c", noon.Add(-time.Hour), "renew"}}}}, "expiring certificate c 0s: ended on 2026-11-24"},
		"certificate ends later":              {Facts{Local: Local{Expiries: []Expiry{{"certificate c", noon.Add(expiringAfter + 1), "renew"}}}}, ""},
		"paused by a person":                  {pauses(subfive.Pause{DestinationID: "m", Manual: true, Reason: "by ann: new token."}), "destination_paused m 0s: paused (by ann: new token); 0 deliveries wait"},
		"paused for its token":                {pauses(subfive.Pause{DestinationID: "m", Until: noon, Code: "190"}), "destination_paused m 0s: paused (no reason given)"},
		"paused as the platform asks":         {pauses(subfive.Pause{DestinationID: "m", Until: noon, Reason: "throttled"}), "destination_paused m 15m0s: paused (throttled)"},
		"deliveries due for a quarter":        {Facts{Queue: &Queue{Due: []Due{{"m", 7, noon.Add(-15 * time.Minute)}}}}, "backlog m 0s: 7 deliveries are due for destination m, the oldest for 15m"},
		"deliveries due for less":             {Facts{Queue: &Queue{Due: []Due{{"m", 7, tenMinutes}}}}, ""},
		"deliveries due at a paused one":      {Facts{Queue: &Queue{Due: []Due{{"m", 7, noon.Add(-time.Hour)}}, Pauses: []subfive.Pause{{DestinationID: "m", Manual: true}}}}, "destination_paused m 0s: 7 deliveries wait"},
		"a poisonous delivery":                {destination(DestinationActivity{Deliveries: 900, Dead: 1, Poison: 1, Reason: "poison"}), "dead_letters meta-main 0s: 1 of 900 deliveries of the last 24 h to destination meta-main are dead; the most frequent reason: poison. 1 of them kept"},
		"ten dead":                            {destination(DestinationActivity{Deliveries: 900, Dead: 10, Reason: "rejected"}), "dead_letters meta-main 0s: 10 of 900"},
		"nine dead of many":                   {destination(DestinationActivity{Deliveries: 900, Dead: 9, Reason: "rejected"}), ""},
		"one dead of twenty":                  {destination(DestinationActivity{Deliveries: 20, Dead: 1, Reason: "rejected"}), "dead_letters meta-main 0s: 1 of 20"},
		"one dead of nineteen":                {destination(DestinationActivity{Deliveries: 19, Dead: 1, Reason: "rejected"}), ""},
		"unmapped goal":                       {destination(DestinationActivity{Unmapped: map[string]int{"upsell": 3, "trial": 2}}), `unmapped_goals meta-main upsell 0s: not told of 3 conversions with goal "upsell"`},
		"rejected by the quarter":             {Facts{Activity: &Activity{Sources: []SourceActivity{{"s", 15, 5}}}}, "rejections s 0s: rejected 5 of 20 conversions of source s that it decided about in 7 days (25 %)"},
		"rejected less":                       {Facts{Activity: &Activity{Sources: []SourceActivity{{"s", 16, 5}}}}, ""},
		"rejected, but few decided":           {Facts{Activity: &Activity{Sources: []SourceActivity{{"s", 0, 19}}}}, ""},
		"spend without conversions":           {Facts{Spend: []Spend{{"spring", usd(70), 0, &price}}}, "spend_without_conversions spring 0s: spent 70.00 USD since yesterday without a conversion; one usually costs 10.00 USD"},
		"spend with a conversion":             {Facts{Spend: []Spend{{"spring", usd(70), 1, &price}}}, ""},
		"less spend":                          {Facts{Spend: []Spend{{"spring", usd(69), 0, &price}}}, ""},
		"spend in another currency":           {Facts{Spend: []Spend{{"spring", subfive.Money{Amount: 1e12, Currency: "EUR"}, 0, &price}}}, ""},
		"spend where nothing is usual":        {Facts{Spend: []Spend{{"spring", usd(70), 0, nil}}}, ""},
		"gap":                                 {Facts{Gaps: []Gap{{"everflow", 20, 19}}}, "network_gap everflow 0s: counts 20 conversions and we 19: 5 % are missing"},
		"small gap":                           {Facts{Gaps: []Gap{{"everflow", 21, 20}}}, ""},
		"postback off":                        {Facts{Postbacks: []Postbacks{{"everflow", 1, 1, "reenable"}, {"other", 2, 0, ""}}}, "postback_off everflow 0s: 1 postback of ours switched off"},
		"no postback":                         {Facts{Postbacks: []Postbacks{{NetworkID: "everflow", Do: "install"}}}, "postback_off everflow 0s: no postback that leads to this tracker"},
		"gap of few":                          {Facts{Gaps: []Gap{{"everflow", 19, 0}}}, ""},
		"no clicks for four hours":            {campaign(each(3, 0).quiet(4), Series{}), "no_clicks spring 0s: no click since 2026-11-24 09:00 UTC; at these hours about 9 are usual"},
		"no clicks for three hours":           {campaign(each(3, 0).quiet(3), Series{}), ""}, // 6 expected: one time in 400
		"no clicks, and few are usual":        {campaign(each(1, 0).quiet(5), Series{}), ""},
		"no clicks at night":                  {campaign(each(90, 0).quiet(1), Series{}), ""}, // the hour that runs
		"a new campaign's first clicks":       {campaign(each(3, 3).since(3), Series{}), ""},
		"a new campaign without history":      {campaign(each(30, 30).since(30).quiet(10), Series{}), ""},
		"a campaign of three days":            {campaign(each(9, 9).since(80).quiet(3), Series{}), "no_clicks spring 0s: since 2026-11-24 10:00 UTC; at these hours about 18"},
		"never any click":                     {campaign(Series{}, Series{}), ""},
		"no conversions, clicks as ever":      {campaign(each(90, 90), each(3, 0).quiet(4)), "no_conversions spring 0s: no conversion since 2026-11-24 09:00 UTC from 360 clicks; about 9 are usual"},
		"no conversions, half the clicks":     {campaign(half(each(90, 90)), each(3, 0).quiet(4)), ""},
		"no conversions yet":                  {campaign(each(90, 90), Series{}), ""},
		"no conversions, no clicks":           {campaign(each(9, 9).quiet(4), each(3, 0).quiet(4)), "no_clicks spring 0s: no click"},
		"no postbacks":                        {endpoint(each(9, 0).quiet(2), each(9, 0).quiet(2)), "no_postbacks default 0s: no postback since 2026-11-24 11:00 UTC; at these hours about 9 are usual"},
		"match rate fell":                     {endpoint(each(5, 5), each(5, 5).last(2)), "match_rate default 0s: 40 % found their click in the last 24 h (120); in the 7 days before it were 100 % (845)"},
		"match rate fell, on few":             {endpoint(each(5, 5).last(1), each(5, 5).last(0)), ""},
		"match rate fell by less than a 10th": {endpoint(each(50, 50), each(50, 50).last(46)), ""},
		"match rate fell, as may happen":      {endpoint(each(10, 10).last(2), each(7, 7).last(1)), ""},
		"match rate rose":                     {endpoint(each(5, 5), each(2, 2).last(5)), ""},
		"match rate of one day":               {endpoint(each(5, 5).since(24), Series{}), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.facts.At, test.facts.Node = noon, "node"
			found, _ := Judge(test.facts, nil)
			var got string
			for _, f := range found {
				if got != "" {
					got += "\n"
				}
				got += string(f.Rule) + " " + f.Subject + " " + f.After.String() + ": " + f.What
				if local := f.Node == "node"; f.Do == "" || f.See == "" || local != IsLocal(f.Rule) {
					t.Errorf("what to do %q, see %q, node %q", f.Do, f.See, f.Node)
				}
			}
			head, part, _ := strings.Cut(test.want, ": ")
			if !strings.HasPrefix(got, head) || !strings.Contains(got, part) || strings.Contains(got, "\n") || test.want == "" && got != "" {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A command can be pasted: of what came from outside a shell runs nothing.
func TestCommandsCanBePasted(t *testing.T) {
	for goal, word := range map[string]string{
		"upsell":               `'m upsell'`,
		"x$(id)`id`\"; id; \"": `'m x$(id)` + "`id`" + `"; id; "'`,
		"it's":                 `'m it'\''s'`,
		"x\x03\n'id":           `$'m x\x03\n\'id'`,
	} {
		found := unmappedGoals(Facts{Activity: &Activity{Destinations: []DestinationActivity{{ID: "m", Unmapped: map[string]int{goal: 3}}}}})
		if len(found) != 1 || !strings.HasSuffix(found[0].Do, "subfive alerts mute unmapped_goals "+word+" 365d") {
			t.Errorf("goal %q: %+v", goal, found)
		}
	}
	for text, want := range map[string]string{"": "''", "spring_1.a-b": "spring_1.a-b", "a;b": "'a;b'"} {
		if got := shellWord(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

// half halves the last 24 hours.
func half(s Series) Series {
	for i := len(s) - 24; i < len(s); i++ {
		s[i] /= 2
	}
	return s
}

// A day of the week that is always weak is no silence.
func TestSilenceKnowsTheWeek(t *testing.T) {
	weekly := each(10, 10)
	for i := range weekly {
		if daysAgo := (HistoryHours - 1 - i) / 24; daysAgo == 0 || daysAgo == 7 {
			weekly[i] = 0
		}
	}
	weekly[0] = 1 // there was something at all
	if hours, expected := weekly.silence(); hours != 24 || isRare(expected) {
		t.Errorf("%d hours, %.1f expected", hours, expected)
	}
	same := each(10, 10).quiet(24)
	if hours, expected := same.silence(); hours != 24 || !isRare(expected) {
		t.Errorf("with a week before like the others: %d hours, %.1f expected", hours, expected)
	}
}

func TestRulesThatAreOff(t *testing.T) {
	facts := Facts{At: noon, Local: Local{DatabaseDown: true, ClicksAtRisk: 1}}
	found, judged := Judge(facts, []Rule{DatabaseDown})
	if len(found) != 1 || found[0].Rule != ClicksAtRisk {
		t.Errorf("found %v", found)
	}
	// What is off was judged, so that it ends; what needs the database was not.
	want := []Rule{DatabaseDown, JournalFilling, ClicksAtRisk, FailedAnswers, Expiring}
	if diff := cmp.Diff(want, judged); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
	facts.Local.Disk, facts.Queue, facts.Activity, facts.Spend, facts.Gaps, facts.Postbacks = &Disk{Free: 1 << 50, Total: 1 << 50}, &Queue{}, &Activity{}, []Spend{}, []Gap{}, []Postbacks{}
	_, judged = Judge(facts, nil)
	if diff := cmp.Diff(Rules(), judged); diff != "" {
		t.Errorf("with all facts (-all +judged):\n%s", diff)
	}
	if slices.Contains(judged, "") {
		t.Error("a rule has no name")
	}
}
