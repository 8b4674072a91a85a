package screens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// tree is a resource as the API has it: a JSON object.
type tree = map[string]any

// readTree reads a resource with its numbers as they are written: an ad account's
// of seventeen digits is no float, and a form would save the rounded one.
func readTree(data []byte) (t tree, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return t, d.Decode(&t)
}

// A form's field is called KIND:PATH, "list:send_on" or "number:paths.0.weight".
// The kinds say what its text is in JSON. One that is empty is left out.
const (
	kindText    = "text"
	kindLong    = "long" // text of several lines, as it is
	kindNumber  = "number"
	kindFlag    = "flag"    // a box to tick
	kindSwitch  = "switch"  // yes, no, or neither
	kindList    = "list"    // with commas
	kindChecks  = "checks"  // boxes to tick, each a value
	kindMap     = "map"     // a line each: name: value
	kindMapList = "maplist" // a line each: name: value, value
	kindSecret  = "secret"  // left out: stays as it is
	kindChoice  = "choice"  // text, one of some
)

// none says that a list is empty on purpose, where left out means a default.
const none = "none"

// valueOf is what a field's text is in JSON, nil where it says nothing.
func valueOf(kind string, texts []string) any {
	text := strings.TrimSpace(strings.ReplaceAll(strings.Join(texts, "\n"), "\r\n", "\n"))
	switch {
	case text == "":
		return nil
	case kind == kindFlag:
		return true
	case kind == kindSwitch:
		return text == "true"
	case kind == kindNumber:
		if n := json.Number(text); isNumber(n) {
			return n
		}
	case kind == kindList:
		if text == none {
			return []any{}
		}
		return listOf(text)
	case kind == kindChecks:
		return listOf(text)
	case kind == kindMap, kind == kindMapList:
		return mapOf(kind, text)
	}
	return text
}

// isNumber reports whether JSON can have it as it is written.
func isNumber(n json.Number) bool {
	_, err := n.Float64()
	return err == nil && json.Valid([]byte(n))
}

func listOf(text string) any {
	list := []any{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

func mapOf(kind, text string) any {
	m := tree{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case name == "":
		case kind == kindMapList:
			values := listOf(value)
			if values == nil {
				values = []any{}
			}
			m[name] = values
		default:
			m[name] = value
		}
	}
	return m
}

// textOf is a JSON value as its field shows it.
func textOf(kind string, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		if len(v) == 0 && kind == kindList {
			return none
		}
		texts := make([]string, len(v))
		for i, item := range v {
			texts[i] = fmt.Sprint(item)
		}
		return strings.Join(texts, ", ")
	case tree:
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, name+": "+textOf("", v[name]))
		}
		return strings.Join(lines, "\n")
	}
	return fmt.Sprint(v)
}

// at is what a path leads to in a tree, nil if nothing.
func at(t any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch v := t.(type) {
		case tree:
			t = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(v) {
				return nil
			}
			t = v[n]
		default:
			return nil
		}
	}
	return t
}

// put writes a value at a path, and takes away what is there for nil.
func put(t tree, path string, value any) {
	first, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		if value == nil {
			delete(t, first)
		} else {
			t[first] = value
		}
		return
	}
	inner, ok := t[first].(tree)
	if !ok {
		if value == nil {
			return
		}
		inner = tree{}
		t[first] = inner
	}
	if put(inner, rest, value); len(inner) == 0 {
		delete(t, first)
	}
}

// copyOf is a tree of its own.
func copyOf(t tree) tree {
	c := tree{}
	for name, value := range t {
		if inner, ok := value.(tree); ok {
			value = copyOf(inner)
		}
		c[name] = value
	}
	return c
}

// filled is a resource with what a form says in place of what it was. What the
// form has no field for stays. Groups are lists whose items the form has fields
// for, "paths": they are the form's alone.
func filled(stored tree, form url.Values, fields, groups []string) tree {
	t := copyOf(stored)
	for _, name := range fields {
		kind, path, _ := strings.Cut(name, ":")
		value := valueOf(kind, form[name])
		switch {
		case kind == kindSecret && form.Get("take:"+path) != "":
			value = ""
		case kind == kindSecret && value == nil:
			continue // as it is
		}
		put(t, path, value)
	}
	for _, group := range groups {
		put(t, group, itemsOf(group+".", form))
	}
	return t
}

// itemsOf reads a group: its items that have any field filled in, in their
// order.
func itemsOf(prefix string, form url.Values) any {
	items := map[int]tree{}
	inner := map[int]map[string]bool{}
	for name := range form {
		kind, path, ok := strings.Cut(name, ":")
		rest, within := strings.CutPrefix(path, prefix)
		number, field, deeper := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if !ok || !within || !deeper || err != nil {
			continue
		}
		if items[n] == nil {
			items[n], inner[n] = tree{}, map[string]bool{}
		}
		if group, more, nested := strings.Cut(field, "."); nested && isIndex(more) {
			inner[n][group] = true
			continue
		}
		put(items[n], field, valueOf(kind, form[name]))
	}
	list := []any{}
	for _, n := range slices.Sorted(maps.Keys(items)) {
		for group := range inner[n] {
			put(items[n], group, itemsOf(prefix+strconv.Itoa(n)+"."+group+".", form))
		}
		if len(items[n]) > 0 {
			list = append(list, items[n])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// isIndex reports whether a path begins with an item's number.
func isIndex(path string) bool {
	number, _, _ := strings.Cut(path, ".")
	_, err := strconv.Atoi(number)
	return err == nil
}
