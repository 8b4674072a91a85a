package sandbox

import (
	"encoding/hex"
	"fmt"
	"time"
)

// goalBase is the goal of a sale itself.
const goalBase = "base"

// Tell makes up the shots of one story, of a click on an ad of Meta's.
func (t *Traffic) Tell(story Story, clickID string) []Shot {
	return t.Follow(Visit{AdClick{Platform: soldByMeta, Raw: "IwAR" + clickID}, story}, clickID)
}

// Follow makes up what the network says about a visit, in order. clickID is the
// tracker's ID of the visit's click.
func (t *Traffic) Follow(v Visit, clickID string) []Shot {
	base := t.sale(clickID)
	s := session{visit: v, fate: fateOf(v.Story), known: map[string]bool{}}
	switch v.Story {
	case StoryBase, StoryLateClick, StoryOldClick:
		s.add(postbackMain, base, goalBase)
	case StoryRepeat:
		for range 2 + t.rand.IntN(2) {
			s.add(postbackMain, base, goalBase)
		}
	case StorySecondURL:
		first, second := postbackMain, postbackGuide
		if t.rand.IntN(2) == 0 {
			first, second = second, first
		}
		s.add(first, base, goalBase)
		s.add(second, base, goalBase)
	case StoryUpsell:
		s.add(postbackMain, base, goalBase)
		for i, name := range []string{"Upgrade", "Add-on & extras"} {
			event := t.event(base, fmt.Sprint(7+i), name)
			for range 1 + t.rand.IntN(2) {
				s.add(postbackEvents, event, name)
			}
		}
	case StoryRebill:
		s.add(postbackMain, base, goalBase)
		again := t.sale(clickID)
		again.TransactionID = base.TransactionID
		s.add(postbackMain, again, "again")
		s.add(postbackMain, base, goalBase)
	case StoryApproved:
		s.add(postbackMain, base, goalBase)
		base.Status = statusApproved
		s.change(postbackMain, base, goalBase)
	case StoryRejected:
		s.add(postbackMain, base, goalBase)
		base.Status, base.ConversionID = statusRejected, t.id()
		s.change(postbackMain, base, goalBase)
	case StoryLiteralMacro:
		s.add(postbackWrong, base, goalBase)
	case StoryEmptyClickID:
		base.Sub[4] = ""
		s.add(postbackMain, base, goalBase)
	case StoryUnknownClick:
		base.Sub[4] = t.clickID()
		s.add(postbackMain, base, goalBase)
	case StoryTooEarly:
		s.add(postbackTimed, base, goalBase).Ago = time.Hour
	case StoryDirect:
		base.Sub[4] = v.Click.Raw
		s.add(postbackDirect+v.Click.Platform, base, goalBase)
	case StoryGarbage:
		s.add(postbackGarbage, base, "")
	}
	return s.shots
}

// The statuses that a network changes to.
const (
	statusApproved = "approved"
	statusRejected = "rejected"
)

// fateOf is what becomes of a story's conversions.
func fateOf(story Story) Fate {
	switch story {
	case StoryLiteralMacro, StoryEmptyClickID, StoryGarbage:
		return FateNone
	case StoryUnknownClick:
		return FateUnknown
	case StoryOldClick:
		return FateOld
	case StoryTooEarly:
		return FateEarly
	case StoryDirect:
		return FateDirect
	case StoryBase, StoryRepeat, StorySecondURL, StoryUpsell, StoryRebill, StoryApproved, StoryRejected, StoryLateClick:
	}
	return FateMatched
}

// session collects the shots of one click session.
type session struct {
	visit Visit
	fate  Fate
	known map[string]bool
	shots []Shot
}

// add adds a shot about the conversion that has that key in its session: its
// goal, or another word; "" is none.
func (s *session) add(postbackID string, c Conversion, key string) *Shot {
	truth := Truth{Matched: s.fate == FateMatched, Fate: s.fate, Platform: s.visit.Click.Platform, Goal: goalBase, Value: c.Payout}
	if c.EventName != "" {
		truth.Goal = c.EventName
	}
	if key != "" {
		truth.Key = c.TransactionID + " " + key
		truth.First = !s.known[key]
		s.known[key] = true
	}
	s.shots = append(s.shots, Shot{Story: s.visit.Story, PostbackID: postbackID, Conversion: c, Truth: truth})
	return &s.shots[len(s.shots)-1]
}

func (s *session) change(postbackID string, c Conversion, key string) {
	s.add(postbackID, c, key).Truth.Change = true
}

// sale makes up a base conversion on a session of its own. Its payout is no
// other sale's, so that two sales of a session are never mistaken for one.
func (t *Traffic) sale(clickID string) Conversion {
	t.n++
	c := Conversion{
		Type: TypeConversion, TransactionID: t.id(), ConversionID: t.id(), OfferID: t.offerID,
		OrderID: fmt.Sprintf("order-%d", t.n), Payout: fmt.Sprintf("%d.%02d", 20+t.n/100%50, t.n%100),
		SaleAmount: "99.90", Status: "pending",
	}
	c.Sub[0], c.Sub[4] = "sfw", clickID
	return c
}

// event makes up something that followed a sale.
func (t *Traffic) event(sale Conversion, id, name string) Conversion {
	e := sale
	e.Type, e.ConversionID, e.EventID, e.EventName = TypeEvent, t.id(), id, name
	e.OrderID += "-" + id
	e.Payout = "5." + id + "0"
	return e
}

// id is 32 hex digits, as Everflow's IDs are.
func (t *Traffic) id() string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(t.rand.Uint32())
	}
	return hex.EncodeToString(b)
}

func (t *Traffic) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[t.rand.IntN(len(alphabet))]
	}
	return string(b)
}
