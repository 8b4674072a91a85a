package screens

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// finding is one thing that the doctor finds wrong.
type finding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Where    string `json:"where"`
	Why      string `json:"why"`
	Fix      string `json:"fix"`
	Level    string `json:"level"`
	See      string `json:"see"`
}

// Tone is how loud it is.
func (f finding) Tone() string {
	switch f.Severity {
	case "error":
		return "bad"
	case "warning":
		return "warn"
	}
	return ""
}

// Said is what is wrong: an ID that it begins with stays as it is.
func (f finding) Said() string {
	if _, id, ok := strings.Cut(f.Where, " "); ok && strings.HasPrefix(f.What, id) || f.Where != "" && strings.HasPrefix(f.What, f.Where) {
		return f.What
	}
	return capital(f.What)
}

// Glyph is the shape of its tone.
func (f finding) Glyph() string {
	switch f.Severity {
	case "error":
		return "dead"
	case "warning":
		return "no"
	}
	return "in"
}

// remedy is the page where something is mended.
type remedy struct{ Text, Path string }

// remedies are of findings that a list shows best.
var remedies = map[string]remedy{
	"dead_deliveries":      {"Look at the dead", "/outbound?status=dead"},
	"payout_above_max":     {"Look at them", "/outbound?status=skipped&reason_code=payout_above_max"},
	"literal_macros":       {"Look at them", "/inbound?reading=literal_macro"},
	"empty_click_ids":      {"Look at them", "/inbound?reading=empty_click_id"},
	"foreign_click_ids":    {"Look at them", "/inbound?reading=foreign"},
	"malformed_postbacks":  {"Look at them", "/inbound?reading=malformed"},
	"unmatched_click_ids":  {"Look at them", "/inbound?verdict=unmatched"},
	"cpc_postbacks":        {"Look at them", "/inbound?verdict=not_a_conversion"},
	"wrong_path_postbacks": {"Look at them", "/inbound?reading=quarantined"},
	"wrong_key_postbacks":  {"Look at them", "/inbound?reading=quarantined"},
	"too_many_postbacks":   {"Look at them", "/inbound?reading=quarantined"},
}

// Remedy is where it is mended; without a path it is not on a page of ours.
func (f finding) Remedy() remedy {
	if r, ok := remedies[f.Code]; ok {
		return r
	}
	kind, id, ok := strings.Cut(f.Where, " ")
	switch kind {
	case "endpoint", "campaign", "destination", "source", "offer", "network":
		if ok && !strings.ContainsAny(id, " ,/") {
			return remedy{"Open " + id, "/" + kind + "s/" + id}
		}
	}
	if f.Level == "link" {
		return remedy{"Open the links", "/campaigns"}
	}
	return remedy{}
}

// checkUp is what the doctor says about the set-up and its traffic.
type checkUp struct {
	CheckedAt     time.Time `json:"checked_at"`
	Since         time.Time `json:"since"`
	Healthy       bool      `json:"healthy"`
	Findings      []finding `json:"findings"`
	FailureBudget []struct {
		EndpointID string    `json:"endpoint_id"`
		InARow     int       `json:"in_a_row"`
		Limit      int       `json:"limit"`
		LastAt     time.Time `json:"last_at"`
		LastStatus int       `json:"last_status"`
	} `json:"failure_budget"`
	LookedAt struct {
		Postbacks  int `json:"postbacks"`
		Clicks     int `json:"clicks"`
		Deliveries int `json:"deliveries"`
	} `json:"looked_at"`
}

// examined is what the doctor says about a postback URL.
type examined struct {
	Form      string    `json:"form"`
	URL       string    `json:"url"`
	Findings  []finding `json:"findings"`
	Corrected string    `json:"corrected"`
}

// followed is a link, hop by hop.
type followed struct {
	Hops []struct {
		URL         string   `json:"url"`
		Status      int      `json:"status"`
		Location    string   `json:"location"`
		How         string   `json:"how"`
		FirstByteMS int64    `json:"first_byte_ms"`
		Kept        []string `json:"kept"`
		Lost        []string `json:"lost"`
		Failed      string   `json:"failed"`
		Ours        bool     `json:"ours"`
	} `json:"hops"`
	EndsAt    string    `json:"ends_at"`
	Network   bool      `json:"network"`
	Stopped   bool      `json:"stopped"`
	Slot      string    `json:"slot"`
	SlotValue string    `json:"slot_value"`
	Findings  []finding `json:"findings"`
}

// doctorPage is the page's data: a check-up, or what was pasted.
type doctorPage struct {
	CheckUp  *checkUp
	Pasted   string
	Examined *examined
	Followed *followed
	Fault    *Refused
}

// Title is the page's sentence.
func (p doctorPage) Title() string {
	what, found := "the set-up", p.Findings()
	switch {
	case p.Fault != nil:
		return "That can’t be examined"
	case p.Examined != nil:
		what = "this postback URL"
		if p.Examined.Form == "captured" {
			what = "this postback"
		}
	case p.Followed != nil:
		what = "this link"
	}
	errors, warnings := 0, 0
	for _, f := range found {
		switch f.Severity {
		case "error":
			errors++
		case "warning":
			warnings++
		}
	}
	switch {
	case errors > 0:
		return plural(errors, "thing", "things") + " to fix in " + what + also(warnings)
	case warnings > 0:
		return plural(warnings, "thing", "things") + " to look at in " + what
	}
	return "Nothing is wrong with " + what + " that the doctor can see"
}

func also(warnings int) string {
	if warnings == 0 {
		return ""
	}
	return ", " + number(warnings) + " more to look at"
}

// Findings are what was found.
func (p doctorPage) Findings() []finding {
	switch {
	case p.Examined != nil:
		return p.Examined.Findings
	case p.Followed != nil:
		return p.Followed.Findings
	case p.CheckUp != nil:
		return p.CheckUp.Findings
	}
	return nil
}

func (s *Screens) routeDoctor(inside gin.IRoutes) {
	inside.GET("/doctor", s.page(doctor))
	inside.POST("/doctor", s.page(examine))
}

// doctor shows what is wrong with the set-up and its traffic.
func doctor(r *request) (page, error) {
	p := doctorPage{CheckUp: &checkUp{}}
	err := r.get("/doctor", nil, p.CheckUp)
	return page{Name: "doctor", Title: "Doctor", Data: p}, err
}

// examine shows what is wrong with what was pasted. It may hold a key, so that it
// is not in the page's address.
func examine(r *request) (page, error) {
	p := doctorPage{Pasted: strings.TrimSpace(r.PostForm("text"))}
	body := map[string]any{"url": p.Pasted}
	var err error
	switch {
	case p.Pasted == "":
		err = &Refused{Status: http.StatusBadRequest, What: "nothing was pasted", Do: "paste a postback URL, a query that arrived, or the link that visitors click"}
	case r.PostForm("as") == "link":
		p.Followed = &followed{}
		if r.PostForm("network") != "" {
			body["follow_network"] = true
		}
		err = r.send(http.MethodPost, "/doctor/link", body, p.Followed)
	default:
		p.Examined = &examined{}
		err = r.send(http.MethodPost, "/doctor", body, p.Examined)
	}
	if refused, ok := refusal(err); ok {
		p.Examined, p.Followed, p.Fault = nil, nil, refused
		return page{Name: "doctor", Title: "Doctor", Data: p, Status: refused.Status}, nil
	}
	return page{Name: "doctor", Title: "Doctor", Data: p}, err
}
