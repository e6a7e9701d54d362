package webapi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/webapi"
)

// add adds fields. Fields that start with F: are typed.
func add(t *testing.T, fields []string) (*webapi.Fields, error) {
	t.Helper()
	read := func(name string) ([]byte, error) {
		if name != "file.txt" {
			return nil, errors.New("no such file")
		}
		return []byte("from the file"), nil
	}
	f := &webapi.Fields{}
	for _, field := range fields {
		var err error
		if text, ok := strings.CutPrefix(field, "F:"); ok {
			err = f.AddTyped(text, read)
		} else {
			err = f.Add(field)
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

func TestFieldsJSON(t *testing.T) {
	for name, test := range map[string]struct {
		fields []string
		want   string
	}{
		"text":             {[]string{"name=Sunday"}, `{"name":"Sunday"}`},
		"empty text":       {[]string{"name="}, `{"name":""}`},
		"equals sign":      {[]string{"q=a=b"}, `{"q":"a=b"}`},
		"brackets in text": {[]string{"q=a[b]"}, `{"q":"a[b]"}`},
		"text stays text":  {[]string{"a=1", "b=true", "c=null", "d=@file.txt"}, `{"a":"1","b":"true","c":"null","d":"@file.txt"}`},
		"typed":            {[]string{"F:a=1", "F:b=true", "F:c=null", "F:d=false", "F:e=-20"}, `{"a":1,"b":true,"c":null,"d":false,"e":-20}`},
		"typed text":       {[]string{"F:a=01", "F:b=1.5", "F:c=x", "F:d=", "F:e=0x1"}, `{"a":"01","b":"1.5","c":"x","d":"","e":"0x1"}`},
		"a large number":   {[]string{"F:a=12345678901234567890"}, `{"a":12345678901234567890}`},
		"file":             {[]string{"F:a=@file.txt"}, `{"a":"from the file"}`},
		"object":           {[]string{"F:offset[position]=5", "F:offset[x][y]=6"}, `{"offset":{"position":5,"x":{"y":6}}}`},
		"list":             {[]string{"uris[]=a", "uris[]=b"}, `{"uris":["a","b"]}`},
		"empty list":       {[]string{"uris[]"}, `{"uris":[]}`},
		"list in an object": {
			[]string{"a[b][]=1", "a[b][]=2"}, `{"a":{"b":["1","2"]}}`,
		},
		"objects in a list": {
			[]string{"tracks[][uri]=a", "tracks[][at]=1", "tracks[][uri]=b"},
			`{"tracks":[{"at":"1","uri":"a"},{"uri":"b"}]}`,
		},
		"lists in objects in a list": {
			[]string{"t[][p][]=1", "t[][p][]=2", "t[][u]=a", "t[][u]=b"},
			`{"t":[{"p":["1","2"],"u":"a"},{"u":"b"}]}`,
		},
		"lists in a list": {[]string{"a[][]=1", "a[][]=2"}, `{"a":[["1"],["2"]]}`},
		"no HTML escapes": {[]string{"a=<&>"}, `{"a":"<&>"}`},
		"null in objects": {[]string{"F:a[b]=null", "a[c]=1"}, `{"a":{"b":null,"c":"1"}}`},
		"a key's text":    {[]string{"a b=1", "ü=2"}, `{"a b":"1","ü":"2"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := add(t, test.fields)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.JSON()
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestFieldsQuery(t *testing.T) {
	for name, test := range map[string]struct {
		fields []string
		want   string
	}{
		"none":  {nil, ""},
		"texts": {[]string{"q=a b&c", "type=track"}, "q=a+b%26c&type=track"},
		"typed": {[]string{"F:limit=5", "F:force=true"}, "force=true&limit=5"},
		"list":  {[]string{"ids[]=a", "F:ids[]=1", "ids[]=c"}, "ids=a%2C1%2Cc"},
		"empty": {[]string{"ids[]"}, "ids="},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := add(t, test.fields)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Query()
			if err != nil || got.Encode() != test.want {
				t.Errorf("got %q, %v, want %q", got.Encode(), err, test.want)
			}
			if f.Empty() != (test.fields == nil) {
				t.Errorf("Empty: got %v", f.Empty())
			}
		})
	}
}

func TestFieldsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		fields []string
		want   string
	}{
		"no value":             {[]string{"name"}, `"name" has no =VALUE`},
		"no key":               {[]string{"=value"}, "no key"},
		"no name":              {[]string{"[a]=value"}, "no key"},
		"open bracket":         {[]string{"a[b=1"}, "is not a key"},
		"text after brackets":  {[]string{"a[b]c=1"}, "is not a key"},
		"bracket in brackets":  {[]string{"a[[b]]=1"}, "is not a key"},
		"twice":                {[]string{"a=1", "a=2"}, `"a" is given twice`},
		"text, then object":    {[]string{"a=1", "a[b]=2"}, `"a[b]" contradicts the fields before it`},
		"null, then object":    {[]string{"F:a=null", "a[b]=2"}, `"a[b]" contradicts the fields before it`},
		"object, then list":    {[]string{"a[b]=1", "a[]=2"}, `"a[]" contradicts the fields before it`},
		"list, then object":    {[]string{"a[]=1", "a[b]=2"}, `"a[b]" contradicts the fields before it`},
		"missing file":         {[]string{"F:a=@nothing"}, `"a": no such file`},
		"too many levels":      {[]string{"a" + strings.Repeat("[a]", 40) + "=1"}, "too many levels"},
		"nothing at all":       {[]string{""}, "no key"},
		"a list without value": {[]string{"a[b]"}, "no =VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := add(t, test.fields)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	for name, test := range map[string]struct{ field, want string }{
		"object":         {"a[b]=1", "is an object"},
		"null":           {"F:a=null", "is null"},
		"list in a list": {"a[][]=1", "list in a list"},
	} {
		t.Run("query, "+name, func(t *testing.T) {
			f, err := add(t, []string{test.field})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Query(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error with %q", got, err, test.want)
			}
		})
	}
}

// Any fields are refused or make valid JSON.
func FuzzFields(f *testing.F) {
	f.Add("a[b][]=1", "a[b][][c]=2")
	f.Add("a[][b]=1", "a[][b][]=2")
	f.Add("a=1", "a[]")
	f.Fuzz(func(t *testing.T, first, second string) {
		var fields webapi.Fields
		none := func(string) ([]byte, error) { return nil, nil }
		if fields.AddTyped(first, none) != nil || fields.Add(second) != nil {
			return
		}
		if _, err := fields.JSON(); err != nil {
			t.Errorf("%q, %q: %v", first, second, err)
		}
		_, _ = fields.Query()
	})
}
