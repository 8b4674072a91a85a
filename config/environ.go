package config

import (
	"net/netip"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/parser"
)

// environment lays the SUBFIVE_ variables over the settings. A variable that is
// empty counts as not set, as orchestrators pass those that nobody filled.
//
// The names come from the same tags as the file's keys, and the values are read
// by the same code, so that no setting can be missing here.
func (r *reader) environment(s *Server) {
	r.variables = map[string]string{}
	r.overlay(reflect.ValueOf(s).Elem(), "")
}

func (r *reader) overlay(v reflect.Value, path string) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		at := join(path, tag.Get("yaml"))
		if v.Field(i).Kind() == reflect.Struct {
			r.overlay(v.Field(i), at)
			continue
		}
		name := VariableName(at)
		value, _ := r.env(name)
		if tag.Get("secret") != "" {
			name, value = r.secretFile(name, value)
		}
		if value != "" {
			r.variables[at] = name
			r.fromVariable(v.Field(i), value, at)
		}
	}
}

// VariableName returns the environment variable of the server setting at a
// path: "tls.mode" → SUBFIVE_TLS_MODE.
func VariableName(path string) string {
	return "SUBFIVE_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// secretFile reads the secret from the file that NAME_FILE names, when NAME
// itself does not hold it.
func (r *reader) secretFile(name, value string) (from, secret string) {
	path, _ := r.env(name + "_FILE")
	if path == "" {
		return name, value
	}
	if value != "" {
		r.problems = append(r.problems, Problem{File: name + "_FILE", What: "set besides " + name, Do: "unset one of the two"})
		return name, value
	}
	data, err := os.ReadFile(path)
	if err != nil {
		r.problems = append(r.problems, Problem{File: name + "_FILE", What: err.Error(), Do: "name a file that the server may read"})
		return name, ""
	}
	return name + "_FILE", strings.TrimRight(string(data), "\r\n")
}

func (r *reader) fromVariable(v reflect.Value, value, path string) {
	switch {
	case v.Type() == reflect.TypeFor[[]netip.Prefix]():
		words := strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })
		v.Set(reflect.ValueOf(r.proxies(words, path)))
	case v.Kind() == reflect.Slice:
		r.listVariable(v, value, path)
	default:
		if trouble := set(v, value); trouble != nil {
			r.report(path, trouble.what, trouble.do)
		}
	}
}

// listVariable reads a list of mappings as it would stand in the file, in one
// line: [{host: go.example.com, role: click}].
func (r *reader) listVariable(v reflect.Value, value, path string) {
	file, err := parser.ParseBytes([]byte(value), 0, parser.AllowDuplicateMapKey())
	if err != nil || len(file.Docs) != 1 {
		r.report(path, "not a list as YAML or JSON", "write [{key: value, …}, …] in one line")
		return
	}
	v.SetZero()
	sub := reader{file: r.variables[path], env: r.env, places: map[string]place{}, unread: r.unread}
	if body := file.Docs[0].Body; body != nil {
		sub.value(body, v, path)
	}
	for _, p := range sub.problems {
		p.Line, p.Column, p.Excerpt = 0, 0, ""
		r.problems = append(r.problems, p)
	}
}
