package webapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Fields are the parameters of a request, given one by one as KEY=VALUE. They
// become the query or a JSON body. A key may name a place in the body: a[b]=1
// is {"a":{"b":1}}, a[]=1 appends to the list a. The zero value has no fields.
type Fields struct {
	values map[string]any
}

// maxDepth is how many levels a key may have.
const maxDepth = 32

// Empty reports whether no field was added.
func (f *Fields) Empty() bool { return len(f.values) == 0 }

// Add adds a field with a string value.
func (f *Fields) Add(field string) error {
	return f.add(field, func(value string) (any, error) { return value, nil })
}

// AddTyped adds a field and converts its value: true, false, null and whole
// numbers become JSON values, and @NAME becomes a string with what read returns
// for NAME. Everything else is a string.
func (f *Fields) AddTyped(field string, read func(name string) ([]byte, error)) error {
	return f.add(field, func(value string) (any, error) { return typed(value, read) })
}

// isWholeNumber reports whether text is a JSON number without fraction and
// exponent (RFC 8259 section 6).
func isWholeNumber(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
}

func typed(value string, read func(name string) ([]byte, error)) (any, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if isWholeNumber(value) {
		return json.Number(value), nil
	}
	if name, ok := strings.CutPrefix(value, "@"); ok {
		data, err := read(name)
		return string(data), err
	}
	return value, nil
}

func (f *Fields) add(field string, convert func(string) (any, error)) error {
	key, text, hasValue := strings.Cut(field, "=")
	steps, err := parseKey(key)
	if err != nil {
		return err
	}
	if !hasValue {
		if steps[len(steps)-1] != "" {
			return fmt.Errorf("%q has no =VALUE", key)
		}
		return f.put(key, steps, nil, true)
	}
	value, err := convert(text)
	if err != nil {
		return fmt.Errorf("%q: %w", key, err)
	}
	return f.put(key, steps, value, false)
}

// parseKey splits a[b][] into a, b and an empty step.
func parseKey(key string) ([]string, error) {
	name, rest, _ := strings.Cut(key, "[")
	steps := []string{name}
	if len(name) < len(key) {
		rest = "[" + rest
	}
	for rest != "" {
		step, after, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]")
		if !ok || rest[0] != '[' || strings.Contains(step, "[") {
			return nil, fmt.Errorf("%q is not a key such as name, name[part] or name[]", key)
		}
		steps, rest = append(steps, step), after
	}
	switch {
	case name == "":
		return nil, fmt.Errorf("%q has no key before the =", key)
	case len(steps) > maxDepth:
		return nil, errors.New("a key has too many levels")
	}
	return steps, nil
}

// put stores the value, or an empty list, at the place that steps name.
func (f *Fields) put(key string, steps []string, value any, emptyList bool) error {
	if f.values == nil {
		f.values = map[string]any{}
	}
	var root any = f.values
	changed, err := place(root, steps, value, emptyList)
	if err != nil {
		return fmt.Errorf("%q %w", key, err)
	}
	f.values = changed.(map[string]any) // the first step is never empty
	return nil
}

var errClash = errors.New("contradicts the fields before it")

// place returns container with the value added. A container is nil, a
// map[string]any or a []any.
func place(container any, steps []string, value any, emptyList bool) (any, error) {
	step, rest := steps[0], steps[1:]
	if step == "" {
		return appendTo(container, rest, value, emptyList)
	}
	object, ok := container.(map[string]any)
	if !ok && container != nil {
		return nil, errClash
	}
	if object == nil {
		object = map[string]any{}
	}
	old, exists := object[step]
	if len(rest) == 0 {
		if exists {
			return nil, errors.New("is given twice: use []= for lists")
		}
		object[step] = value
		return object, nil
	}
	if exists && old == nil {
		return nil, errClash // null was requested
	}
	changed, err := place(old, rest, value, emptyList)
	object[step] = changed
	return object, err
}

// appendTo adds to a list. A field of an object (a[][b]=1) is added to the last
// object of the list, unless that already has this field.
func appendTo(container any, rest []string, value any, emptyList bool) (any, error) {
	list, ok := container.([]any)
	if !ok && container != nil {
		return nil, errClash
	}
	if len(rest) == 0 {
		if emptyList {
			return append([]any{}, list...), nil
		}
		return append(list, value), nil
	}
	if len(list) > 0 {
		last, isObject := list[len(list)-1].(map[string]any)
		old, has := last[rest[0]]
		_, isList := old.([]any)
		if isObject && rest[0] != "" && (!has || len(rest) > 1 && isList) {
			_, err := place(last, rest, value, emptyList)
			return list, err
		}
	}
	added, err := place(nil, rest, value, emptyList)
	return append(list, added), err
}

// JSON returns the fields as a JSON object.
func (f *Fields) JSON() ([]byte, error) { return marshal(f.values) }

// Query returns the fields as the parameters of a query. A list becomes one
// value with commas, since the Web API expects several ids, types or markets in
// this form. Objects are not possible in a query.
func (f *Fields) Query() (url.Values, error) {
	values := url.Values{}
	for key, value := range f.values {
		text, err := queryText(value)
		if err != nil {
			return nil, fmt.Errorf("%q %w", key, err)
		}
		values.Set(key, text)
	}
	return values, nil
}

func queryText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			if _, nested := item.([]any); nested {
				return "", errors.New("is a list in a list, which a query cannot have")
			}
			var err error
			if texts[i], err = queryText(item); err != nil {
				return "", err
			}
		}
		return strings.Join(texts, ","), nil
	case nil:
		return "", errors.New("is null, which a query cannot have")
	}
	return "", errors.New("is an object, which a query cannot have: choose a METHOD with a body")
}
