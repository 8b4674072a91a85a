package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"subfive"
)

// Secret is one that a resource has, as far as it may be seen.
type Secret struct {
	Path string `json:"path" yaml:"path"` // api_key, settings.access_token
	// Last are the last four characters of one that is long enough to keep the rest
	// a secret.
	Last string `json:"last,omitempty" yaml:"last"`
	// From is the variable that it is taken from, ${META_TOKEN}.
	From string `json:"from,omitempty" yaml:"from"`
}

// revealing is how long a secret is of which four characters may be seen.
const revealing = 12

func newSecret(path, value string) Secret {
	s := Secret{Path: path}
	switch {
	case isReference(value) && onlyReference(value):
		s.From = value
	case len(value) >= revealing && !strings.Contains(value, "://"):
		s.Last = value[len(value)-4:]
	}
	return s
}

// Secrets are those of a resource, one of the root's types by value, by their
// paths.
func Secrets(value any) []Secret {
	var all []Secret
	add := func(path, value string) {
		if value != "" && (hidden(path, value) != value || isReference(value) && secretPath(path)) {
			all = append(all, newSecret(path, value))
		}
	}
	switch v := value.(type) {
	case subfive.Network:
		add("api_key", v.APIKey)
	case subfive.Endpoint:
		add("key", v.Key)
		add("tee", v.Tee)
	case subfive.Destination:
		leaves := map[string]string{}
		settingsTexts(leaves, v.Settings)
		for _, path := range slices.Sorted(maps.Keys(leaves)) {
			add(path, leaves[path])
		}
	}
	return all
}

// ShownSettings are a destination's settings as a tree, with subfive.Hidden in
// place of what is secret.
func ShownSettings(settings string) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(settings), &tree); err != nil {
		return nil, fmt.Errorf("read the stored settings: %s", firstLine(err.Error()))
	}
	return eachLeaf("settings", tree, func(path string, value any) any {
		if text := fmt.Sprint(value); hidden(path, text) != text {
			return hidden(path, text)
		}
		return value
	}).(map[string]any), nil
}

// eachLeaf returns a tree with fn's word for each of its leaves.
func eachLeaf(path string, value any, fn func(path string, value any) any) any {
	switch v := value.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v))
		for key, inner := range v {
			tree[key] = eachLeaf(path+"."+key, inner, fn)
		}
		return tree
	case []any:
		list := make([]any, len(v))
		for i, inner := range v {
			list[i] = eachLeaf(fmt.Sprintf("%s[%d]", path, i), inner, fn)
		}
		return list
	case nil:
		return nil
	}
	return fn(path, value)
}

// keepSettings returns settings as they were sent, with the stored secrets that
// are left out or given as they are shown. An empty one takes it away. Secrets
// go to no other address than they were stored for.
func (r *reader) keepSettings(sent, stored, at string) string {
	var now, old map[string]any
	if yaml.Unmarshal([]byte(sent), &now) != nil || yaml.Unmarshal([]byte(stored), &old) != nil {
		return sent // who reads them says what is wrong
	}
	was := map[string]string{}
	flatten(was, "settings", old)
	full, _ := eachLeaf("settings", now, func(path string, value any) any {
		if before, ok := was[path]; ok && before != "" && fmt.Sprint(value) == hidden(path, before) {
			return leafAt(old, path)
		}
		return value
	}).(map[string]any)
	is := map[string]string{}
	flatten(is, "settings", full)
	elsewhere := moved(was, is)
	if !elsewhere {
		full = withMissing("settings", full, old)
	}
	for path, text := range is {
		kept := text == was[path] && fmt.Sprint(leafAt(now, path)) != text
		if strings.Contains(text, subfive.Hidden) || elsewhere && kept && secretPath(path) {
			r.report(at, fmt.Sprintf("%s: %s holds %s, which stands for what is hidden", at, path, subfive.Hidden),
				"send the real value: it is not stored, or an address changes, and stored secrets are not sent to another address")
		}
	}
	if reflect.DeepEqual(full, now) {
		return sent
	}
	text, err := yaml.Marshal(full)
	if err != nil {
		r.report(at, at+": settings can't be written: "+firstLine(err.Error()), "send all of them")
		return sent
	}
	return string(text)
}

// moved reports whether the settings name an address to call that they did not
// name there. A page that events name is not called.
func moved(was, is map[string]string) bool {
	for path, text := range is {
		if strings.Contains(text, "://") && !strings.HasSuffix(path, "event_source_url") && was[path] != text {
			return true
		}
	}
	return false
}

// withMissing adds the secrets of old that now does not name.
func withMissing(path string, now, old map[string]any) map[string]any {
	if now == nil {
		now = map[string]any{}
	}
	for key, value := range old {
		inner := path + "." + key
		below, isTree := value.(map[string]any)
		given, named := now[key]
		switch givenTree, ok := given.(map[string]any); {
		case isTree && (ok || !named):
			if merged := withMissing(inner, givenTree, below); len(merged) > 0 {
				now[key] = merged
			}
		case !named && !isTree && secretPath(inner):
			now[key] = value
		}
	}
	return now
}

// leafAt returns what a path of flatten leads to.
func leafAt(tree map[string]any, path string) (found any) {
	eachLeaf("settings", tree, func(at string, value any) any {
		if at == path {
			found = value
		}
		return value
	})
	return found
}

// SecretSetting reports whether a setting of a platform is kept from sight, by
// what its path is called.
func SecretSetting(path string) bool { return secretPath(path) }
