package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// settings keeps a destination's settings as text.
func (r *reader) settings(n ast.Node, into *settingsText, path string) {
	before := len(r.problems)
	pairs, ok := r.pairs(n, path)
	if !ok {
		return
	}
	for _, p := range pairs {
		r.places[join(path, p.key)] = p.at
		r.settingsTree(p.value, join(path, p.key))
	}
	if len(r.problems) > before {
		return
	}
	text := outdent(n.String())
	if !sameTree(n, text) {
		r.cannotRead(path, path+" can't be kept as they are written", "write each setting on a line of its own, texts in quotes")
		return
	}
	*into = settingsText(text)
}

// settingsTree finds what no platform's decoder should have to see.
func (r *reader) settingsTree(n ast.Node, path string) {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		pairs, _ := r.pairs(n, path)
		for _, p := range pairs {
			r.places[join(path, p.key)] = p.at
			r.settingsTree(p.value, join(path, p.key))
		}
	case *ast.SequenceNode:
		for _, item := range n.Values {
			r.settingsTree(item, path)
		}
	case *ast.StringNode, *ast.LiteralNode:
		var text string
		r.scalar(n, reflect.ValueOf(&text).Elem(), path)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		r.refuseSpecial(n)
	}
}

// outdent takes the indentation of the first line that has text off all lines.
func outdent(text string) string {
	lines := strings.Split(strings.TrimRight(text, " \n"), "\n")
	indent := -1
	for _, line := range lines {
		bare := strings.TrimLeft(line, " ")
		if bare == "" || bare[0] == '#' {
			continue
		}
		indent = len(line) - len(bare)
		break
	}
	for i, line := range lines {
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = line[min(max(indent, 0), spaces):]
	}
	return strings.Join(lines, "\n") + "\n"
}

// sameTree reports whether text reads as what the node holds.
func sameTree(n ast.Node, text string) bool {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return false
	}
	var want, got any
	if yaml.NodeToValue(n, &want) != nil || yaml.NodeToValue(file.Docs[0].Body, &got) != nil {
		return false
	}
	return reflect.DeepEqual(want, got)
}

// DecodeSettings decodes a destination's settings into a platform's struct with
// yaml tags, with its references filled in. It is strict: an unknown key and a
// variable that is not set are errors. Errors name keys and lines, and never a
// value: it may be a secret.
func DecodeSettings(text string, env Env, into any) error {
	return decodeSettings(text, into, func(value *string, where string) error {
		r := &resolver{env: env}
		r.text(value, where)
		if len(r.problems) > 0 {
			return r.problems[0]
		}
		return nil
	})
}

// DecodeSettingsAnywhere is DecodeSettings for commands that run where the
// server's environment is not: a reference to a variable that is not set stays
// as it is written.
func DecodeSettingsAnywhere(text string, env Env, into any) error {
	return decodeSettings(text, into, func(value *string, where string) error {
		resolved, err := expand(*value, env)
		if err != nil {
			return fmt.Errorf("%s %w: %s", where, err, referenceAdvice)
		}
		*value = resolved
		return nil
	})
}

func decodeSettings(text string, into any, fill func(value *string, where string) error) error {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return settingsError(err, into)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.NullType {
		return nil
	}
	f := &filler{fill: fill}
	body := f.node(file.Docs[0].Body, "settings", reflect.TypeOf(into))
	if len(f.errs) > 0 {
		return errors.Join(f.errs...)
	}
	if err := yaml.NodeToValue(body, into, yaml.DisallowUnknownField()); err != nil {
		return settingsError(err, into)
	}
	return nil
}

// filler fills the references of a tree in, and gives each plain value the kind
// that the struct wants: the library's decoder would turn 007 into the text "7".
type filler struct {
	fill func(value *string, where string) error
	errs []error
}

func (f *filler) node(n ast.Node, path string, want reflect.Type) ast.Node {
	for want != nil && want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			f.node(pair, path, want)
		}
	case *ast.MappingValueNode:
		key := n.Key.GetToken().Value
		n.Value = f.node(n.Value, join(path, key), inner(want, key))
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = f.node(n.Values[i], fmt.Sprintf("%s[%d]", path, i), inner(want, ""))
		}
	case *ast.LiteralNode:
		f.text(&n.Value.Value, path)
	case *ast.StringNode:
		before := n.Value
		f.text(&n.Value, path)
		if n.Value != before && want != nil && !wantsText(want) {
			return retyped(n)
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if want != nil && wantsText(want) {
			return ast.String(token.New(n.GetToken().Value, n.GetToken().Value, n.GetToken().Position))
		}
	}
	return n
}

func (f *filler) text(value *string, path string) {
	if err := f.fill(value, path); err != nil {
		f.errs = append(f.errs, err)
	}
}

// inner returns the type of a struct's field, or of a map's or a list's
// elements; nil when it is not known.
func inner(t reflect.Type, key string) reflect.Type {
	if t == nil {
		return nil
	}
	if kinds(t, reflect.Map, reflect.Slice, reflect.Array) {
		return t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == key {
			return t.Field(i).Type
		}
		if option == "inline" {
			if found := inner(t.Field(i).Type, key); found != nil {
				return found
			}
		}
	}
	return nil
}

// kinds reports whether t is of one of these kinds.
func kinds(t reflect.Type, of ...reflect.Kind) bool { return slices.Contains(of, t.Kind()) }

func wantsText(t reflect.Type) bool {
	return t.Kind() == reflect.String || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// retyped makes a number or a bool of a filled-in text that is one, for a field
// that wants it.
func retyped(n *ast.StringNode) ast.Node {
	file, err := parser.ParseBytes([]byte(n.Value), 0)
	if err != nil || len(file.Docs) != 1 {
		return n
	}
	switch node := file.Docs[0].Body.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node
	}
	return n
}

// settingsError says what is wrong with settings without showing them.
func settingsError(err error, into any) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("settings: %w", err)
	}
	where := fmt.Sprintf("settings, line %d", at.GetToken().Position.Line)
	var unknown *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		key := at.GetToken().Value
		names := tagNames(reflect.TypeOf(into), map[reflect.Type]bool{})
		if name := nearest(key, names); name != "" {
			return fmt.Errorf("%s: unknown key %q — did you mean %q?", where, key, name)
		}
		return fmt.Errorf("%s: unknown key %q — known: %s", where, key, strings.Join(names, ", "))
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s: the value is of another kind than wanted (%s)", where, goKind(mismatch.DstType))
	}
	message := firstLine(at.GetMessage())
	if i := strings.IndexByte(message, '"'); i >= 0 {
		message = message[:i] // what follows is quoted from the settings
	}
	return fmt.Errorf("%s: %s", where, strings.TrimSpace(message))
}

func goKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case wantsText(t):
		return "text"
	case kinds(t, reflect.Bool):
		return "true or false"
	case kinds(t, reflect.Slice, reflect.Array):
		return "a list"
	case kinds(t, reflect.Struct, reflect.Map):
		return "a mapping"
	default:
		return "a number"
	}
}

// tagNames returns the yaml names of a struct and those within it.
func tagNames(t reflect.Type, seen map[reflect.Type]bool) []string {
	for t != nil && kinds(t, reflect.Pointer, reflect.Slice, reflect.Map) {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, tagNames(t.Field(i).Type, seen)...)
	}
	return names
}
