package webapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode"
)

// marshal is json.Marshal without HTML escapes.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// decode reads one JSON value and keeps its numbers as they are written.
func decode(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON value")
	}
	return value, nil
}

func indent(b *bytes.Buffer, data []byte) error { return json.Indent(b, data, "", "  ") }

// printer writes for a terminal. It replaces control characters, since the text
// may come from anyone who can name a playlist. Each Write must have complete
// characters.
type printer struct {
	w        io.Writer
	coloured bool
}

// Write implements io.Writer.
func (p printer) Write(text []byte) (int, error) {
	if _, err := p.w.Write(harmless(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// writeJSON writes JSON, in colours if they are wanted.
func (p printer) writeJSON(data []byte) error {
	data = harmless(data)
	if p.coloured && json.Valid(data) {
		data = coloured(data)
	}
	_, err := p.w.Write(data)
	return err
}

func harmless(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
