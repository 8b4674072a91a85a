package screens

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fieldView is a field as the form shows it.
type fieldView struct {
	field
	Value   string
	Checked bool
	Options []option
	Secret  *secretView
	// Wrong: what was refused speaks of it.
	Wrong bool
}

// ID is the element's.
func (f fieldView) ID() string {
	return "f-" + strings.NewReplacer(":", "-", ".", "-").Replace(f.Name())
}

// Long reports whether the text has several lines.
func (f fieldView) Long() bool {
	return f.Kind == kindMap || f.Kind == kindMapList || f.Kind == kindLong
}

// Take is the name of the box that takes a secret away.
func (f fieldView) Take() string { return "take:" + f.Path }

// option is one of those that can be chosen.
type option struct {
	Value, Text string
	Chosen      bool
}

// secretView is what may be seen of a secret.
type secretView struct {
	Last  string    `json:"last"`
	From  string    `json:"from"`
	SetBy string    `json:"set_by"`
	SetAt time.Time `json:"set_at"`
	Path  string    `json:"path"`
}

// partView is a group of a resource's parts, each with its fields in a row.
type partView struct {
	Group, Title, Hint string
	Items              []itemView
}

// itemView is one part.
type itemView struct {
	Name   string
	Fields []fieldView
	Paths  []itemView // a rule's own
}

// viewer makes the fields of a form.
type viewer struct {
	tree    tree
	ids     map[string][]string // of the lists that can be chosen from
	secrets []secretView
	problem string
}

// viewer reads what the form's choices are.
func (r *request) viewer(k kind, t tree, problem *Refused) (viewer, error) {
	v := viewer{tree: t, ids: map[string][]string{}}
	if problem != nil {
		v.problem = problem.What
	}
	if err := convert(t["secrets"], &v.secrets); err != nil {
		return v, err
	}
	lists := []string{}
	for _, f := range k.Fields {
		lists = append(lists, f.Of)
	}
	if len(k.Groups) > 0 {
		lists = append(lists, "landing_pages", "offers")
	}
	for _, list := range lists {
		if _, known := v.ids[list]; known || list == "" {
			continue
		}
		ids, err := r.idsOf(list)
		if err != nil {
			return v, err
		}
		v.ids[list] = ids
	}
	return v, nil
}

// idsOf are the IDs of a list that is in use.
func (r *request) idsOf(list string) ([]string, error) {
	var answer struct {
		Items []struct {
			ID            string `json:"id"`
			DestinationID string `json:"destination_id"`
			Archived      bool   `json:"archived"`
		}
	}
	path := "/" + list
	if list == "destinations" {
		path += "?limit=1000"
	}
	if err := r.get(path, nil, &answer); err != nil {
		return nil, err
	}
	ids := []string{}
	for _, item := range answer.Items {
		if !item.Archived {
			ids = append(ids, item.ID+item.DestinationID)
		}
	}
	return ids, nil
}

func (v viewer) field(f field) fieldView {
	value := at(v.tree, f.Path)
	view := fieldView{field: f, Value: textOf(f.Kind, value), Checked: value == true, Wrong: v.wrong(f)}
	switch f.Kind {
	case kindSecret:
		view.Value = ""
		for i := range v.secrets {
			if v.secrets[i].Path == f.Path {
				view.Secret = &v.secrets[i]
			}
		}
		if text := textOf("", value); text != "" && !strings.Contains(text, "***") {
			view.Value = text // what he wrote a moment ago
		}
	case kindChoice, kindChecks:
		view.Options = v.options(f, value)
	case kindSwitch:
		view.Options = []option{{Value: "", Text: "as the platform does"}, {"true", "yes", value == true}, {"false", "no", value == false}}
	}
	return view
}

// options are what can be chosen, and what is: that stays even where it can't be
// chosen any more.
func (v viewer) options(f field, value any) []option {
	chosen := []string{}
	if list, ok := value.([]any); ok {
		for _, item := range list {
			chosen = append(chosen, fmt.Sprint(item))
		}
	} else if text := textOf("", value); text != "" {
		chosen = append(chosen, text)
	}
	words := slices.Concat(f.Choices, v.ids[f.Of])
	for _, c := range chosen {
		if !slices.Contains(words, c) {
			words = append(words, c)
		}
	}
	all := []option{}
	if f.Kind == kindChoice && (!f.Required || len(chosen) == 0) {
		all = append(all, option{})
	}
	for _, w := range words {
		all = append(all, option{Value: w, Text: f.word(w), Chosen: slices.Contains(chosen, w)})
	}
	return all
}

// word writes a word of ours as people say it; IDs stay as they are.
func (f field) word(word string) string {
	if f.Of == "" {
		return words(word)
	}
	return word
}

// wrong reports whether a refusal speaks of a field.
func (v viewer) wrong(f field) bool {
	for _, way := range []string{"." + f.Path + ":", "." + f.Path + " ", " " + f.Path + " ", " " + f.Path + ":", ": " + f.Path} {
		if v.problem != "" && strings.Contains(v.problem+" ", way) {
			return true
		}
	}
	return false
}

func (v viewer) fields(all []field) []fieldView {
	views := make([]fieldView, len(all))
	for i, f := range all {
		views[i] = v.field(f)
	}
	return views
}

// pathFields are those of one way through a campaign.
func pathFields(prefix string) []field {
	return []field{
		{Kind: kindText, Path: prefix + "id", Label: "Name"},
		{Kind: kindNumber, Path: prefix + "weight", Label: "Weight"},
		{Kind: kindChoice, Path: prefix + "landing", Label: "Landing page", Of: "landing_pages"},
		{Kind: kindChoice, Path: prefix + "offer", Label: "Offer", Of: "offers"},
	}
}

// paths are a group's ways, with room for more.
func (v viewer) paths(group string, room int) []itemView {
	list, _ := at(v.tree, group).([]any)
	var items []itemView
	for i := range len(list) + room {
		prefix := group + "." + strconv.Itoa(i) + "."
		items = append(items, itemView{Name: strconv.Itoa(i + 1), Fields: v.fields(pathFields(prefix))})
	}
	return items
}

func conditionFields(prefix string) []field {
	when := prefix + "when."
	return []field{
		{Kind: kindText, Path: prefix + "id", Label: "Name", Short: true},
		{Kind: kindList, Path: when + "country", Label: "Country", Short: true, Hint: "US, CA"},
		{Kind: kindList, Path: when + "device", Label: "Device", Short: true, Hint: "phone, tablet, desktop"},
		{Kind: kindList, Path: when + "os", Label: "System", Short: true, Hint: "ios, android, windows, macos, linux, chromeos"},
		{Kind: kindList, Path: when + "browser", Label: "Browser", Short: true, Hint: "safari, chrome, facebook, …"},
		{Kind: kindList, Path: when + "language", Label: "Language", Short: true, Hint: "en, or en-US"},
		{Kind: kindList, Path: when + "days", Label: "Days", Short: true, Hint: "mon, tue, …"},
		{Kind: kindText, Path: when + "hours", Label: "Hours", Short: true, Hint: "08:00-20:00"},
		{Kind: kindText, Path: when + "timezone", Label: "In time zone", Short: true, Hint: "Left out: the source’s."},
		{Kind: kindMapList, Path: when + "params", Label: "Link’s parameters", Hint: "A line each: name: value, value."},
	}
}

// Called is the part's name, its first field.
func (i itemView) Called() string { return i.Fields[0].Value }

// parts are a campaign's paths and rules.
func (v viewer) parts(k kind) []partView {
	if len(k.Groups) == 0 {
		return nil
	}
	rules, _ := at(v.tree, "rules").([]any)
	var items []itemView
	for i := range len(rules) + 1 {
		prefix := "rules." + strconv.Itoa(i) + "."
		items = append(items, itemView{
			Name: strconv.Itoa(i + 1), Fields: v.fields(conditionFields(prefix)), Paths: v.paths(prefix+"paths", 1),
		})
	}
	return []partView{
		{"paths", "Paths", "Visitors are shared out by weight, 100 each unless you say so. Without a path all go to the landing page or the offer above. A row without a name is no path.", v.paths("paths", 2)},
		{"rules", "Rules", "The first rule that fits a visitor sends him by its own paths. None of them looks at who seems to review ads. A rule without a name is none.", items},
	}
}
