package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"subfive"
)

// scalar reads one plain value. Numbers that go into text keep their spelling,
// leading zeros included.
func (r *reader) scalar(n ast.Node, v reflect.Value, path string) {
	var text string
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = strings.TrimSuffix(n.Value.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		r.cannotRead(path, fmt.Sprintf("%s is %s, where %s is wanted", path, kind(n), wanted(v)), "")
		return
	}
	if strings.ContainsAny(firstRune(text)+lastRune(text), "“”„‟‘’‚«»") {
		r.cannotRead(path, path+" has typographic quotes", `retype them as " or leave them out`)
		return
	}
	if isServer(path) {
		expanded, err := expand(text, func(name string) (string, bool) { value, _ := r.env(name); return value, true })
		if err != nil {
			r.cannotRead(path, path+": "+err.Error(), referenceAdvice)
			return
		}
		if expanded == "" && text != "" && v.Kind() != reflect.String {
			return // ${X} is unset: keep the default
		}
		text = expanded
	} else if err := wellFormed(text); err != nil {
		r.cannotRead(path, path+": "+err.Error(), referenceAdvice)
		return
	}
	if err := set(v, text); err != nil {
		r.cannotRead(path, path+": "+err.what, err.do)
	}
}

// isServer reports whether a path is a server setting's.
func isServer(path string) bool {
	top, _, _ := strings.Cut(path, ".")
	top, _, _ = strings.Cut(top, "[")
	switch top {
	case "networks", "endpoints", "sources", "landing_pages", "offers", "campaigns", "destinations":
		return false
	}
	return true
}

// trouble says why a text is no value of the kind that is wanted.
type trouble struct{ what, do string }

// set gives v the value that text spells.
func set(v reflect.Value, text string) *trouble {
	switch into := v.Addr().Interface().(type) {
	case *subfive.Duration:
		d, err := subfive.ParseDuration(text)
		if err != nil {
			return &trouble{err.Error(), durationAdvice(text)}
		}
		*into = subfive.Duration(d)
		return nil
	case **subfive.Micros:
		return setAmount(into, text)
	case encoding.TextUnmarshaler:
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return &trouble{err.Error(), ""}
		}
		return nil
	}
	switch {
	case v.Kind() == reflect.Pointer: // what is not given differs from zero
		given := reflect.New(v.Type().Elem())
		if err := set(given.Elem(), text); err != nil {
			return err
		}
		v.Set(given)
	case v.Kind() == reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on":
			v.SetBool(true)
		case "false", "no", "off", "":
			v.SetBool(false)
		default:
			return &trouble{fmt.Sprintf("%q is neither true nor false", clip(text)), "write true or false"}
		}
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return &trouble{fmt.Sprintf("%q is not a whole number", clip(text)), "write digits only, such as 100"}
		}
		v.SetInt(int64(n))
	default:
		v.SetString(text)
	}
	return nil
}

func setAmount(into **subfive.Micros, text string) *trouble {
	if strings.TrimSpace(text) == "" {
		*into = nil
		return nil
	}
	amount, err := subfive.ParseMicros(text)
	if err != nil {
		do := "write digits with a dot: 42.50"
		if strings.Contains(text, "${") {
			do = "references work in text only, write the amount itself"
		}
		return &trouble{fmt.Sprintf("%q is %s", clip(text), err), do}
	}
	*into = &amount
	return nil
}

func durationAdvice(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Sprintf("add the unit: %ss, %sm, %sh or %sd", text, text, text, text)
	}
	switch strings.ToLower(text) {
	case "off", "no", "none", "false", "never":
		return `write "" or leave the key out`
	}
	return "units are s, m, h and d, days alone: 90d"
}

// wanted names a field's kind for people.
func wanted(v reflect.Value) string {
	switch v.Addr().Interface().(type) {
	case *subfive.Duration:
		return "a duration such as 72h"
	case **subfive.Micros:
		return "an amount such as 42.50"
	}
	switch {
	case v.Kind() == reflect.Pointer:
		return wanted(reflect.New(v.Type().Elem()).Elem())
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.Int:
		return "a whole number"
	default:
		return "text"
	}
}

func firstRune(s string) string {
	for _, c := range s {
		return string(c)
	}
	return ""
}

func lastRune(s string) string {
	runes := []rune(s)
	if len(runes) == 0 {
		return ""
	}
	return string(runes[len(runes)-1])
}

// clip shortens what was written, for a message of one line.
func clip(s string) string {
	runes := []rune(strings.ReplaceAll(s, "\n", " "))
	if len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return string(runes)
}
