package config

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// We walk the tree ourselves: the library's decoder stops at its first error,
// and turns numbers that should be text (007) into other text.

// document reads the whole file.
func (r *reader) document(root ast.Node, into *document) {
	r.value(root, reflect.ValueOf(into).Elem(), "")
}

// fields returns a struct's fields by their keys, those of inlined structs too.
func fields(v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range v.NumField() {
		key, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			for k, f := range fields(v.Field(i)) {
				if _, own := all[k]; !own {
					all[k] = f
				}
			}
		case key != "" && key != "-":
			all[key] = v.Field(i)
		}
	}
	return all
}

// value reads a node into v. What is null or missing keeps its default.
func (r *reader) value(n ast.Node, v reflect.Value, path string) {
	if _, known := r.places[path]; !known {
		r.places[path] = placeOf(n)
	}
	switch n.(type) {
	case *ast.NullNode:
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		r.unread[path] = true
		r.refuseSpecial(n)
		return
	}
	switch into := v.Addr().Interface().(type) {
	case *settingsText:
		r.settings(n, into, path)
		return
	case *[]netip.Prefix:
		var words []string
		r.value(n, reflect.ValueOf(&words).Elem(), path)
		*into = r.proxies(words, path)
		return
	case encoding.TextUnmarshaler:
		r.scalar(n, v, path)
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		r.structure(n, v, path)
	case v.Kind() == reflect.Slice:
		r.list(n, v, path)
	case v.Kind() == reflect.Map:
		r.mapping(n, v, path)
	default:
		r.scalar(n, v, path)
	}
}

func (r *reader) structure(n ast.Node, v reflect.Value, path string) {
	pairs, ok := r.pairs(n, path)
	if !ok {
		return
	}
	known := fields(v)
	for _, pair := range pairs {
		f, ok := known[pair.key]
		if !ok {
			r.reportAt(pair.at, fmt.Sprintf("unknown key %q%s", pair.key, within(path)), r.didYouMean(pair.key, known, path))
			continue
		}
		at := join(path, pair.key)
		r.places[at] = pair.at
		r.value(pair.value, f, at)
	}
}

func (r *reader) list(n ast.Node, v reflect.Value, path string) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		r.cannotRead(path, fmt.Sprintf("%s is %s, where a list is wanted", path, kind(n)), listAdvice(n, v))
		return
	}
	items := reflect.MakeSlice(v.Type(), 0, len(sequence.Values))
	for i, item := range sequence.Values {
		element := reflect.New(v.Type().Elem()).Elem()
		at := fmt.Sprintf("%s[%d]", path, i)
		if p := placeOf(item); p.line > 0 {
			r.places[at] = p
		}
		if item == nil || item.Type() == ast.NullType {
			r.cannotRead(at, at+" is empty", "delete the dash, or write something behind it")
		} else {
			r.value(item, element, at)
		}
		items = reflect.Append(items, element)
	}
	v.Set(items)
}

func (r *reader) mapping(n ast.Node, v reflect.Value, path string) {
	pairs, ok := r.pairs(n, path)
	if !ok {
		return
	}
	m := reflect.MakeMap(v.Type())
	for _, pair := range pairs {
		at := join(path, pair.key)
		r.places[at] = pair.at
		element := reflect.New(v.Type().Elem()).Elem()
		r.value(pair.value, element, at)
		m.SetMapIndex(reflect.ValueOf(pair.key), element)
	}
	v.Set(m)
}

// pair is one "key: value".
type pair struct {
	key   string
	at    place
	value ast.Node
}

// pairs returns the pairs of a mapping, and reports keys that come twice.
func (r *reader) pairs(n ast.Node, path string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.cannotRead(path, fmt.Sprintf("%s is %s, where keys with values are wanted", orFile(path), kind(n)), "write  key: value  lines below it")
		return nil, false
	}
	first := map[string]place{}
	pairs := make([]pair, 0, len(values))
	for _, value := range values {
		p := pair{at: placeOf(value.Key), value: value.Value}
		switch key := value.Key.(type) {
		case *ast.StringNode:
			p.key = key.Value
		case *ast.MergeKeyNode, *ast.MappingKeyNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
			r.unread[path] = true
			r.refuseSpecial(value.Key)
			continue
		default:
			p.key = value.Key.GetToken().Value // 1: and true: are keys of goals
		}
		if earlier, twice := first[p.key]; twice {
			r.reportAt(p.at, fmt.Sprintf("%q is written twice%s", p.key, within(path)), fmt.Sprintf("keep one; the other is in line %d", earlier.line))
			continue
		}
		first[p.key] = p.at
		pairs = append(pairs, p)
	}
	return pairs, true
}

// refuseSpecial reports YAML's anchors, aliases, merges and tags: in files of
// buyers they are passwords without quotes.
func (r *reader) refuseSpecial(n ast.Node) {
	r.reportAt(placeOf(n), "anchors (&), aliases (*), merges (<<), tags (!) and complex keys (?) are not used here",
		"put the value in quotes, or write out what it stands for")
}

func (r *reader) didYouMean(key string, known map[string]reflect.Value, path string) string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	if name := nearest(key, names); name != "" {
		r.unread[join(path, name)] = true // so that nobody says it is missing
		return fmt.Sprintf("did you mean %q?", name)
	}
	if strings.HasPrefix(path, "destinations[") {
		return "the platform's own settings go below settings:"
	}
	return "known here: " + strings.Join(names, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func within(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	default:
		return "text"
	}
}

func listAdvice(n ast.Node, v reflect.Value) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "write a dash before each part:  - id: …"
	}
	if v.Type().Elem().Kind() == reflect.String {
		return fmt.Sprintf("write [%s]", clip(n.GetToken().Value))
	}
	return "write a dash before each part, or [] for none"
}
