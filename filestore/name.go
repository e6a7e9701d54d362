package filestore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/spotipie/spotipie"
)

// Endings of the files of a key.
const (
	recordSuffix = ".json"
	lockSuffix   = ".lock" // of Lock
	swapSuffix   = ".swap" // of Swap and Delete
	tempSuffix   = ".tmp"
)

const (
	maxReadable = 40
	hashBytes   = 16
)

// baseName returns the name of a key's files without the suffix: what is
// readable of the profile, and a hash of the whole key. It has only characters
// that file systems neither refuse nor fold.
func baseName(key spotipie.Key) string {
	sum := sha256.Sum256(appendKey(nil, key))
	return readable(key.Profile) + "-" + hex.EncodeToString(sum[:hashBytes])
}

// appendKey appends the key so that no two keys look the same.
func appendKey(b []byte, key spotipie.Key) []byte {
	b = binary.AppendUvarint(b, uint64(len(key.ClientID)))
	b = append(b, key.ClientID...)
	b = binary.AppendUvarint(b, uint64(len(key.Profile)))
	return append(b, key.Profile...)
}

func readable(profile string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(profile) {
		if b.Len() == maxReadable {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	if name := strings.Trim(b.String(), "-"); name != "" {
		return name
	}
	return "profile"
}

// ourNames match the names this package gives, so that other files may be in
// the same folder.
type ourNames struct {
	record, temp *regexp.Regexp
}

func newOurNames() ourNames {
	const base = `^([a-z0-9_-]+-[0-9a-f]{32})`
	return ourNames{
		record: regexp.MustCompile(base + `\.json$`),
		temp:   regexp.MustCompile(base + `\.[^.]*\.tmp$`),
	}
}
