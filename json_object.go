package spotipie

import (
	"bytes"
	"encoding/json"
)

// parseJSONObject reads the members of a JSON object. Numbers are json.Number,
// and what is neither a string, a number, null nor a list of those stays in
// JSON. Of members with the same name the last one counts. The decoder of
// encoding/json takes five times as long for a map, and its structs have names
// in any case of letters.
func parseJSONObject(data []byte) (map[string]any, error) {
	text := bytes.Trim(bytes.TrimPrefix(data, []byte(byteOrderMark)), jsonSpace)
	switch {
	case !json.Valid(text):
		return nil, notOneObject(text)
	case string(text) == "null":
		return nil, &TokenFormatError{Reason: "it is null"}
	case text[0] != '{':
		return nil, &TokenFormatError{Reason: "it is not a JSON object"}
	}
	m := make(map[string]any)
	for members := (jsonValues{text[1 : len(text)-1]}); ; {
		name, ok := members.next()
		if !ok {
			return m, nil
		}
		value, _ := members.next()
		m[jsonString(name)] = jsonValue(value)
	}
}

// notOneObject returns what is wrong with a text that is not one JSON value. It
// does not quote it.
func notOneObject(text []byte) error {
	var m map[string]json.RawMessage
	if json.NewDecoder(bytes.NewReader(text)).Decode(&m) == nil {
		return &TokenFormatError{Reason: "it has data after the JSON object"}
	}
	return &TokenFormatError{Reason: "it is not a JSON object"}
}

// byteOrderMark is at the beginning of files that editors on Windows have written. A
// parser may ignore it (RFC 8259 section 8.1).
const byteOrderMark = "\ufeff"

const jsonSpace = " \t\r\n" // RFC 8259 section 2

// jsonValues are the values of a JSON array or object, with commas and colons
// between them. They must be valid.
type jsonValues struct{ text []byte }

// next returns the next value, in JSON.
func (v *jsonValues) next() (value []byte, ok bool) {
	end, depth := 0, 0
	for ; end < len(v.text) && (depth > 0 || v.text[end] != ',' && v.text[end] != ':'); end++ {
		switch v.text[end] {
		case '"':
			end += quoteEnd(v.text[end:])
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	value = bytes.Trim(v.text[:end], jsonSpace)
	v.text = v.text[min(end+1, len(v.text)):]
	return value, len(value) > 0
}

// quoteEnd returns where the string ends with which text begins.
func quoteEnd(text []byte) int {
	end := 1
	for ; text[end] != '"'; end++ {
		if text[end] == '\\' {
			end++
		}
	}
	return end
}

func jsonValue(text []byte) any {
	if text[0] != '[' {
		return jsonScalar(text)
	}
	list := []any{}
	for items := (jsonValues{text[1 : len(text)-1]}); ; {
		item, ok := items.next()
		if !ok {
			return list
		}
		list = append(list, jsonScalar(item))
	}
}

func jsonScalar(text []byte) any {
	switch c := text[0]; {
	case c == '"':
		return jsonString(text)
	case c == 'n':
		return nil
	case c == '-' || c >= '0' && c <= '9':
		return json.Number(text)
	}
	return json.RawMessage(text)
}

func jsonString(text []byte) string {
	inner := text[1 : len(text)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 { // escapes, and what may not be UTF-8
			var s string
			_ = json.Unmarshal(text, &s) // it is valid
			return s
		}
	}
	return string(inner)
}
