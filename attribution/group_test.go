package attribution

import (
	"testing"
	"time"

	"subfive"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// The fields that decide whether two postbacks of one click session are one
// conversion. An empty one is missing.
type facts struct {
	id, goal, order, status, payout, sale string
	after                                 time.Duration // since noon, in the network's time
}

func (f facts) conversion() subfive.Conversion {
	c := subfive.Conversion{
		OrderID: f.order, Status: subfive.Status(f.status), Payout: amount(f.payout), SaleAmount: amount(f.sale),
		NetworkConversionIDs: one(f.id), ConvertedAt: noon.Add(f.after),
	}
	c.GoalID, c.GoalName = goalOf(f.goal)
	return c
}

func (f facts) postback() subfive.Postback {
	p := subfive.Postback{
		NetworkConversionID: f.id, OrderID: f.order, Status: subfive.Status(f.status),
		Payout: amount(f.payout), SaleAmount: amount(f.sale),
	}
	p.GoalID, p.GoalName = goalOf(f.goal)
	return p
}

// goalOf reads "#3" as an event's ID, anything else as its name.
func goalOf(s string) (id, name string) {
	switch {
	case s == "base":
		return "base", "base"
	case s != "" && s[0] == '#':
		return s[1:], ""
	}
	return "", s
}

func amount(s string) *subfive.Micros {
	if s == "" {
		return nil
	}
	m, err := subfive.ParseMicros(s)
	if err != nil {
		panic(err)
	}
	return &m
}

func TestCompare(t *testing.T) {
	const day = 24 * time.Hour
	tests := map[string]struct {
		first facts // the conversion, as it is known
		then  facts // the postback that comes in
		want  relation
	}{
		// 1. The same conversion ID: the same conversion, for ever.
		"same ID, nothing new":                  {facts{id: "a", payout: "42"}, facts{id: "a", payout: "42"}, same},
		"same ID, a month later":                {facts{id: "a", payout: "42"}, facts{id: "a", payout: "42", after: 30 * day}, same},
		"same ID, status moves on":              {facts{id: "a", status: "pending"}, facts{id: "a", status: "approved", after: 9 * day}, moved},
		"same ID, approved is taken back":       {facts{id: "a", status: "approved"}, facts{id: "a", status: "rejected", after: 9 * day}, moved},
		"same ID, an older status comes late":   {facts{id: "a", status: "rejected"}, facts{id: "a", status: "pending"}, same},
		"same ID, another payout":               {facts{id: "a", payout: "42"}, facts{id: "a", payout: "40"}, repriced},
		"same ID, another sale amount":          {facts{id: "a", sale: "99"}, facts{id: "a", sale: "89"}, repriced},
		"same ID, status and payout both new":   {facts{id: "a", status: "pending", payout: "42"}, facts{id: "a", status: "approved", payout: "40"}, moved},
		"same ID, even another goal":            {facts{id: "a", goal: "base"}, facts{id: "a", goal: "Upgrade"}, same},
		"same ID, no payout this time":          {facts{id: "a", payout: "42"}, facts{id: "a"}, same},
		"same ID, first postback had no status": {facts{id: "a"}, facts{id: "a", status: "rejected"}, moved},

		// 2. Both carry a conversion ID, and they differ.
		"other ID, only the status moved on":      {facts{id: "a", status: "pending", payout: "42"}, facts{id: "b", status: "approved", payout: "42"}, moved},
		"other ID, the status would move back":    {facts{id: "a", status: "approved", payout: "42"}, facts{id: "b", status: "pending", payout: "42"}, maybe},
		"other ID, nothing else differs":          {facts{id: "a", payout: "42"}, facts{id: "b", payout: "42"}, maybe},
		"other ID, nothing else is known":         {facts{id: "a"}, facts{id: "b"}, maybe},
		"other ID, other payout (renewal)":        {facts{id: "a", payout: "42"}, facts{id: "b", payout: "10"}, another},
		"other ID, other goal (upsell)":           {facts{id: "a", goal: "base", payout: "42"}, facts{id: "b", goal: "Upgrade", payout: "42"}, another},
		"other ID, other order":                   {facts{id: "a", order: "1"}, facts{id: "b", order: "2"}, another},
		"other ID, other sale amount":             {facts{id: "a", sale: "99"}, facts{id: "b", sale: "89"}, another},
		"other ID, status moved and payout too":   {facts{id: "a", status: "pending", payout: "42"}, facts{id: "b", status: "approved", payout: "40"}, another},
		"other ID, one side has no status at all": {facts{id: "a"}, facts{id: "b", status: "pending"}, maybe},

		// 3. Without two conversion IDs: another goal or order is another conversion.
		"other goal":                        {facts{goal: "base"}, facts{goal: "Upgrade"}, another},
		"other goal ID":                     {facts{goal: "#2"}, facts{goal: "#3"}, another},
		"base by name, event by ID":         {facts{goal: "base"}, facts{goal: "#3"}, another},
		"goal by ID here, by name there":    {facts{goal: "#3", payout: "5"}, facts{goal: "Upgrade", payout: "5"}, same},
		"goal in another case":              {facts{goal: "Upgrade"}, facts{goal: "upgrade"}, same},
		"other order":                       {facts{order: "1", payout: "42"}, facts{order: "2", payout: "42"}, another},
		"no goal parameter beside an event": {facts{goal: "Upgrade", payout: "5"}, facts{payout: "5"}, same},
		"ID on one side only, other order":  {facts{id: "a", order: "1"}, facts{order: "2"}, another},

		// 4. All shared fields but the status are equal.
		"a retry":                               {facts{payout: "42"}, facts{payout: "42", after: time.Minute}, same},
		"a retry with less in it":               {facts{id: "a", goal: "base", payout: "42", status: "pending"}, facts{payout: "42"}, same},
		"a retry a day later to the second":     {facts{payout: "42"}, facts{payout: "42", after: day}, same},
		"the same after more than a day":        {facts{payout: "42"}, facts{payout: "42", after: day + time.Second}, maybe},
		"an empty second postback":              {facts{payout: "42"}, facts{}, same},
		"status moves on within a day":          {facts{status: "pending", payout: "42"}, facts{status: "approved", payout: "42"}, moved},
		"status moves on after more than a day": {facts{status: "pending", payout: "42"}, facts{status: "approved", payout: "42", after: 3 * day}, maybe},
		"an older status comes late, no IDs":    {facts{status: "approved", payout: "42"}, facts{status: "pending", payout: "42"}, same},
		"the network's time runs backwards":     {facts{payout: "42"}, facts{payout: "42", after: -2 * day}, maybe},

		// 5. Only the payout or the sale amount differs.
		"other payout":      {facts{payout: "42"}, facts{payout: "10"}, maybe},
		"other sale amount": {facts{sale: "99", payout: "42"}, facts{sale: "89", payout: "42"}, maybe},
		"zero is a payout":  {facts{payout: "42"}, facts{payout: "0"}, maybe},

		// A rejection's amount is the reversal's: by it alone nothing differs.
		"rejected, for nothing":                         {facts{status: "approved", payout: "42"}, facts{status: "rejected", payout: "0"}, moved},
		"rejected, for less than nothing":               {facts{status: "approved", payout: "42"}, facts{status: "rejected", payout: "-42"}, moved},
		"rejected, for another amount":                  {facts{status: "pending", payout: "42", sale: "99"}, facts{status: "rejected", payout: "10", sale: "0"}, moved},
		"rejected, the first postback had no status":    {facts{payout: "42"}, facts{status: "rejected", payout: "0"}, moved},
		"rejected, same order":                          {facts{order: "1", payout: "42"}, facts{order: "1", status: "rejected", payout: "0"}, moved},
		"rejected, other order":                         {facts{order: "1", payout: "42"}, facts{order: "2", status: "rejected", payout: "0"}, another},
		"rejected, other goal":                          {facts{goal: "base", payout: "42"}, facts{goal: "Upgrade", status: "rejected", payout: "0"}, another},
		"rejected, ID on one side only":                 {facts{id: "a", payout: "42"}, facts{status: "rejected", payout: "0"}, moved},
		"rejected, other ID and amount":                 {facts{id: "a", status: "approved", payout: "42"}, facts{id: "b", status: "rejected", payout: "0"}, another},
		"rejected, same ID and another amount":          {facts{id: "a", status: "approved", payout: "42"}, facts{id: "a", status: "rejected", payout: "0", after: 9 * day}, moved},
		"rejected after more than a day, no IDs":        {facts{status: "approved", payout: "42"}, facts{status: "rejected", payout: "0", after: 2 * day}, maybe},
		"rejected again, for nothing":                   {facts{status: "rejected", payout: "42"}, facts{status: "rejected", payout: "0"}, same},
		"rejected again, same ID":                       {facts{id: "a", status: "rejected", payout: "42"}, facts{id: "a", status: "rejected", payout: "0"}, same},
		"an unknown word for another amount is no news": {facts{status: "pending", payout: "42"}, facts{status: "on hold", payout: "0"}, maybe},
		"approved for another amount, without an ID":    {facts{status: "pending", payout: "42"}, facts{status: "approved", payout: "40"}, maybe},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := compare(tt.then.postback(), tt.first.conversion(), noon.Add(tt.then.after)); got != tt.want {
				t.Errorf("compare = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	base := facts{id: "a", goal: "base", payout: "42", status: "pending"}
	upsell := facts{id: "b", goal: "Upgrade", payout: "10", status: "pending", after: time.Hour}
	tests := map[string]struct {
		group []facts
		then  facts
		want  relation
		which int
	}{
		"the first of a session":                    {nil, base, another, -1},
		"a retry of the base beside an upsell":      {[]facts{base, upsell}, base, same, 0},
		"a retry of the upsell":                     {[]facts{base, upsell}, upsell, same, 1},
		"the upsell by the four-parameter URL":      {[]facts{base, upsell}, facts{payout: "10", after: time.Hour}, same, 1},
		"the base by the four-parameter URL":        {[]facts{base, upsell}, facts{payout: "42"}, same, 0},
		"an amount of neither":                      {[]facts{base, upsell}, facts{payout: "11"}, maybe, 0},
		"a third goal":                              {[]facts{base, upsell}, facts{id: "c", goal: "Renewal", payout: "10"}, another, -1},
		"an approval with an ID of its own":         {[]facts{base, upsell}, facts{id: "c", goal: "Upgrade", payout: "10", status: "approved"}, moved, 1},
		"the same ID wins over the better likeness": {[]facts{{id: "a", payout: "1"}, {payout: "42"}}, facts{id: "a", payout: "42"}, repriced, 0},
		"a rejection by the upsell's amount":        {[]facts{base, upsell}, facts{status: "rejected", payout: "10", after: time.Hour}, moved, 1},
		"a rejection by an amount of neither":       {[]facts{base, upsell}, facts{status: "rejected", payout: "0", after: time.Hour}, maybe, 0},
		"a rejection of the upsell, for nothing":    {[]facts{base, upsell}, facts{goal: "Upgrade", status: "rejected", payout: "0", after: time.Hour}, moved, 1},
		"a sure repeat goes before an unsure one":   {[]facts{{id: "a", payout: "42"}, {payout: "42"}}, facts{id: "c", payout: "42"}, same, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var group []subfive.Conversion
			for _, c := range tt.group {
				group = append(group, c.conversion())
			}
			rel, which := place(tt.then.postback(), group, noon.Add(tt.then.after))
			if rel != tt.want || which != tt.which {
				t.Errorf("place = %v of conversion %d, want %v of %d", rel, which, tt.want, tt.which)
			}
		})
	}
}
