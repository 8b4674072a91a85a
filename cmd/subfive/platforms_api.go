package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"subfive/config"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/sources"
)

// platformFacts is a platform as the API tells of it.
type platformFacts struct {
	Name        string            `json:"name"`
	Kinds       []string          `json:"kinds"`
	Goals       map[string]string `json:"goals,omitempty"`
	NeedsValue  []string          `json:"needs_value,omitempty"`
	ClickParams []string          `json:"click_params,omitempty"`
	MaxBatch    int               `json:"max_batch,omitempty"`
	MaxAge      string            `json:"max_age,omitempty"`
	DedupWindow string            `json:"dedup_window,omitempty"`
	LimitedUse  bool              `json:"limited_use"`
	TestsCount  []string          `json:"tests_count,omitempty"`
	BeforeLive  []confirmation    `json:"before_live,omitempty"`
	Check       checkFacts        `json:"check"`
	Sample      string            `json:"sample"`
	Settings    []settingField    `json:"settings"`
	Keys        []keyFacts        `json:"keys"`
	Rules       []string          `json:"rules"`
}

type confirmation struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

type checkFacts struct {
	Event     string `json:"event"`
	OnlyAsked bool   `json:"only_asked"`
	Code      string `json:"code,omitempty"`
	Harmless  string `json:"harmless,omitempty"`
	Domains   string `json:"domains,omitempty"`
}

type keyFacts struct {
	Name string `json:"name"`
	Is   string `json:"is"`
	Sent string `json:"sent"`
}

// settingField is one of a platform's settings.
type settingField struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"` // text, flag, number, list, map
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
	Value    string `json:"value,omitempty"` // the sample's
	Note     string `json:"note,omitempty"`
}

// sourceTemplate is what is known of the links of a place where traffic is bought.
type sourceTemplate struct {
	Platform   string        `json:"platform"`
	Where      string        `json:"where"`
	NoRedirect bool          `json:"no_redirect"`
	Tokens     []sourceToken `json:"tokens"`
}

type sourceToken struct {
	Dimension string `json:"dimension"`
	Token     string `json:"token"`
	Unsure    bool   `json:"unsure,omitempty"`
}

// Platforms are all there are, for the REST API.
func (b *backend) Platforms() (any, error) { return knownPlatforms() }

// knownPlatforms never changes while the program runs.
var knownPlatforms = sync.OnceValues(func() (map[string]any, error) {
	platforms := []platformFacts{}
	for _, p := range all.Platforms() {
		f, err := factsOf(p)
		if err != nil {
			return nil, err
		}
		platforms = append(platforms, f)
	}
	templates := []sourceTemplate{}
	for _, t := range sources.Templates() {
		s := sourceTemplate{Platform: t.Platform, Where: t.Where, NoRedirect: t.NoRedirect, Tokens: []sourceToken{}}
		for _, token := range t.Tokens {
			s.Tokens = append(s.Tokens, sourceToken(token))
		}
		templates = append(templates, s)
	}
	return map[string]any{"items": platforms, "sources": templates}, nil
})

func factsOf(p forwarders.Platform) (platformFacts, error) {
	f := platformFacts{
		Name: p.Name, Kinds: words(p.Kinds...), Goals: p.Goals, NeedsValue: p.NeedsValue, ClickParams: p.ClickParams, MaxBatch: p.MaxBatch,
		LimitedUse: p.LimitedUse, TestsCount: p.TestsCount, Sample: p.Sample, Rules: p.Rules, Keys: []keyFacts{},
		Check: checkFacts{Event: p.Check.Event, OnlyAsked: p.Check.OnlyAsked, Code: p.Check.Code, Harmless: p.Check.Harmless, Domains: p.Check.Domains},
	}
	if p.MaxAge > 0 {
		f.MaxAge = span(p.MaxAge)
	}
	if p.DedupWindow > 0 {
		f.DedupWindow = span(p.DedupWindow)
	}
	for _, c := range p.BeforeLive {
		f.BeforeLive = append(f.BeforeLive, confirmation(c))
	}
	for _, k := range p.Keys {
		f.Keys = append(f.Keys, keyFacts{k.Name, k.Is, k.Sent})
	}
	var err error
	if f.Settings, err = settingsOf(p); err != nil {
		return f, fmt.Errorf("read the sample of %s: %w", p.Name, err)
	}
	return f, nil
}

// probeKey is no setting of any platform.
const probeKey = "subfive_probe"

// settingsOf are the settings in a platform's sample: those that it sets, and
// those that a comment offers. What is needed is found by leaving it out.
func settingsOf(p forwarders.Platform) ([]settingField, error) {
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(p.Sample), &tree); err != nil {
		return nil, err
	}
	accepts := func(tree map[string]any) error {
		text, err := yaml.Marshal(tree)
		if err != nil {
			return err
		}
		_, err = p.New(func(into any) error { return config.DecodeSettingsAnywhere(string(text), noEnv, into) }, http.DefaultClient)
		return err
	}
	var fields []settingField
	seen := map[string]bool{}
	for _, line := range sampleLines(p.Sample) {
		if seen[line.path] {
			continue
		}
		set, named := at(tree, line.path)
		if !named {
			set = line.value
			offered := with(tree, line.path, set)
			if err := accepts(offered); err != nil && strings.Contains(err.Error(), "unknown key") {
				continue // it is a comment's own text
			}
		}
		if inner, isMap := set.(map[string]any); isMap && len(inner) > 0 {
			if err := accepts(with(tree, line.path+"."+probeKey, "x")); err != nil && strings.Contains(err.Error(), "unknown key") {
				continue // its own settings are told one by one
			}
			for key := range inner {
				seen[line.path+"."+key] = true
			}
		}
		seen[line.path] = true
		f := settingField{Path: line.path, Kind: kindOfSetting(set), Note: line.note, Value: line.text, Secret: config.SecretSetting(line.path)}
		f.Required = named && f.Kind != "map" && accepts(lacking(tree, line.path)) != nil
		fields = append(fields, f)
	}
	return fields, nil
}

func noEnv(string) (string, bool) { return "", false }

func kindOfSetting(value any) string {
	switch value.(type) {
	case map[string]any, nil: // what a comment offers line by line has none
		return "map"
	case []any:
		return "list"
	case bool:
		return "flag"
	case int, int64, uint64, float64:
		return "number"
	}
	return "text"
}

// sampleLine is a line of a sample that names a setting.
type sampleLine struct {
	path, text, note string
	value            any
}

var settingLine = regexp.MustCompile(`^( *)(# ?)?([a-z][a-z0-9_]*):(?: +(.*))?$`)

// sampleLines are the lines of a sample that name settings, commented out or
// not. A setting's note stands behind it, or in the lines before it.
func sampleLines(sample string) []sampleLine {
	var lines []sampleLine
	var before []string
	parents := map[int]string{}
	for _, raw := range strings.Split(sample, "\n") {
		m := settingLine.FindStringSubmatch(raw)
		if m == nil {
			if note, ok := strings.CutPrefix(strings.TrimSpace(raw), "#"); ok {
				before = append(before, strings.TrimSpace(note))
			} else {
				before = nil
			}
			continue
		}
		depth := len(m[1])
		path := m[3]
		if depth > 0 {
			path = parents[depth-2] + "." + m[3]
		}
		parents[depth] = path
		text, note, _ := cutComment(m[4])
		if note == "" {
			note = strings.Join(before, " ")
		}
		before = nil
		l := sampleLine{path: path, text: text, note: note}
		if yaml.Unmarshal([]byte(text), &l.value) != nil {
			continue
		}
		lines = append(lines, l)
	}
	return lines
}

// cutComment takes a comment off the end of a line.
func cutComment(text string) (value, comment string, found bool) {
	if strings.HasPrefix(text, "#") {
		return "", strings.TrimSpace(text[1:]), true
	}
	value, comment, found = strings.Cut(text, " #")
	return strings.TrimSpace(value), strings.TrimSpace(comment), found
}

// at returns what a path leads to in a tree.
func at(tree map[string]any, path string) (value any, ok bool) {
	first, rest, deeper := strings.Cut(path, ".")
	value, ok = tree[first]
	if !deeper || !ok {
		return value, ok
	}
	inner, _ := value.(map[string]any)
	return at(inner, rest)
}

// with is a tree with a value at a path.
func with(tree map[string]any, path string, value any) map[string]any {
	changed := maps.Clone(tree)
	if changed == nil {
		changed = map[string]any{}
	}
	first, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		changed[first] = value
		return changed
	}
	inner, _ := changed[first].(map[string]any)
	changed[first] = with(inner, rest, value)
	return changed
}

// lacking is a tree without what a path leads to.
func lacking(tree map[string]any, path string) map[string]any {
	changed := maps.Clone(tree)
	first, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		delete(changed, first)
		return changed
	}
	inner, _ := changed[first].(map[string]any)
	changed[first] = lacking(inner, rest)
	return changed
}
