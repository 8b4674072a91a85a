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

// Action is what apply does to a resource.
type Action string

// The actions. A resource that is gone is archived, never deleted.
const (
	ActionAdd     Action = "add"
	ActionChange  Action = "change"
	ActionArchive Action = "archive"
)

// Difference is one thing that differs between two setups. A resource that is
// added or archived has one without a field; a changed one has one a field.
// Secrets are subfive.Hidden.
type Difference struct {
	Action Action `json:"action"`
	Kind   string `json:"kind"` // as in the file: destinations
	ID     string `json:"id"`
	Field  string `json:"field,omitempty"` // settings.access_token, value.from
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
}

// String returns the difference as one line.
func (d Difference) String() string {
	switch d.Action {
	case ActionAdd:
		return fmt.Sprintf("+ %s/%s", d.Kind, d.ID)
	case ActionArchive:
		return fmt.Sprintf("- %s/%s (archived)", d.Kind, d.ID)
	case ActionChange:
	}
	return fmt.Sprintf("~ %s/%s: %s: %s → %s", d.Kind, d.ID, d.Field, orNothing(d.Old), orNothing(d.New))
}

func orNothing(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// Diff returns what would make the new setup of the old one: kind by kind in
// the file's order, and by ID. Both should be complete.
func Diff(before, after subfive.Setup) []Difference {
	var all []Difference
	was, is := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range was.NumField() {
		kind := was.Type().Field(i).Tag.Get("yaml")
		if kind == "-" {
			continue
		}
		all = append(all, diffKind(kind, was.Field(i), is.Field(i))...)
	}
	return all
}

func diffKind(kind string, before, after reflect.Value) []Difference {
	was, is := byID(before), byID(after)
	ids := map[string]bool{}
	for id := range was {
		ids[id] = true
	}
	for id := range is {
		ids[id] = true
	}
	var all []Difference
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		old, existed := was[id]
		now, exists := is[id]
		switch {
		case !existed:
			all = append(all, Difference{Action: ActionAdd, Kind: kind, ID: id})
		case !exists:
			all = append(all, Difference{Action: ActionArchive, Kind: kind, ID: id})
		default:
			all = append(all, diffFields(kind, id, old, now)...)
		}
	}
	return all
}

// byID returns the resources of a list that are not archived.
func byID(list reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range list.Len() {
		resource := list.Index(i)
		if at := resource.FieldByName("ArchivedAt"); at.IsValid() && !at.IsNil() {
			continue
		}
		all[resource.FieldByName("ID").String()] = resource
	}
	return all
}

func diffFields(kind, id string, old, now reflect.Value) []Difference {
	was, is := texts(old), texts(now)
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was[name] != is[name] {
			all = append(all, Difference{
				Action: ActionChange, Kind: kind, ID: id, Field: name,
				Old: hidden(name, was[name]), New: hidden(name, is[name]),
			})
		}
	}
	return all
}

// texts returns a resource's fields as text, by name.
func texts(resource reflect.Value) map[string]string {
	all := map[string]string{}
	for i := range resource.NumField() {
		name := resource.Type().Field(i).Tag.Get("yaml")
		value := resource.Field(i)
		switch {
		case resource.Type().Field(i).Name == "Settings":
			settingsTexts(all, value.String())
		case name == "-":
		case value.Kind() == reflect.Struct:
			for inner, text := range texts(value) {
				all[name+"."+inner] = text
			}
		default:
			all[name] = text(value)
		}
	}
	return all
}

// text writes one field as the file would.
func text(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return fmt.Sprint(v.Elem().Interface()) // that it is 0 was said
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			return ""
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case v.Kind() == reflect.Struct && !isText(v):
		return inline(v)
	case v.Kind() == reflect.Map:
		if v.Len() == 0 {
			return ""
		}
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(keysOf(v))) {
			parts = append(parts, key+": "+text(v.MapIndex(reflect.ValueOf(key))))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		if v.IsZero() {
			return ""
		}
		return fmt.Sprint(v.Interface())
	}
}

// settingsTexts adds a platform's settings, each by its path.
func settingsTexts(all map[string]string, settings string) {
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(settings), &tree); err != nil {
		all["settings"] = settings // not ours to judge; the whole is hidden
		return
	}
	flatten(all, "settings", tree)
}

func flatten(all map[string]string, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(all, path+"."+key, inner)
		}
	case []any:
		for i, inner := range value {
			flatten(all, fmt.Sprintf("%s[%d]", path, i), inner)
		}
	case nil:
	default:
		all[path] = fmt.Sprint(value)
	}
}

// hidden replaces a secret. A reference is none: it only names a variable. Of a
// web address, the query may hold one.
func hidden(path, value string) string {
	inSettings := strings.HasPrefix(path, "settings")
	switch {
	case value == "" || isReference(value) && onlyReference(value):
		return value
	case path == "settings", secretPath(path):
		return subfive.Hidden
	case inSettings && strings.Contains(value, "://"), path == "tee":
		address, _, has := strings.Cut(value, "?")
		if scheme, rest, ok := strings.Cut(address, "://"); ok {
			if _, host, user := strings.Cut(rest, "@"); user {
				address = scheme + "://" + subfive.Hidden + "@" + host
			}
		}
		if has {
			address += "?" + subfive.Hidden
		}
		return address
	}
	return value
}

// onlyReference reports whether value is one ${NAME} and nothing else.
func onlyReference(value string) bool {
	return strings.HasPrefix(value, "${") && strings.IndexByte(value, '}') == len(value)-1
}

// secretPath reports whether any step of a path is called like a secret.
func secretPath(path string) bool {
	for step := range strings.SplitSeq(path, ".") {
		if secretName.MatchString(step) {
			return true
		}
	}
	return false
}

// isText reports whether a value has a text form of its own.
func isText(v reflect.Value) bool {
	_, ok := v.Interface().(fmt.Stringer)
	return ok
}

// inline writes a part of a resource as the file would in one line, without what
// is not set.
func inline(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		if t := text(v.Field(i)); t != "" {
			parts = append(parts, v.Type().Field(i).Tag.Get("yaml")+": "+t)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// keysOf are the keys of a map of texts.
func keysOf(v reflect.Value) map[string]bool {
	keys := map[string]bool{}
	for _, key := range v.MapKeys() {
		keys[key.String()] = true
	}
	return keys
}
