package filestore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/spotipie/spotipie"
)

// Endings of the files of a key.
const (
	recordSuffix = ".json"
	lockSuffix   = ".lock" // of Lock
	swapSuffix   = ".swap" // of Swap and Delete
	turnSuffix   = ".turn" // after the ending of a lock: the file of the next turn
	tempSuffix   = ".tmp"
)

const (
	maxReadable = 40
	hashBytes   = 16
)

// baseName returns the name of a key's files without the suffix: the readable
// characters of the profile, and a hash of the whole key. It has only
// characters that every file system accepts and distinguishes.
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

// baseOfRecord returns the base name in the name of a record's file. ok is
// false for the names of other files, which may be in the same folder.
func baseOfRecord(name string) (base string, ok bool) {
	base, ok = strings.CutSuffix(name, recordSuffix)
	return base, ok && isBaseName(base)
}

// baseOfTemp is baseOfRecord for temporary files: the base name, a dot,
// anything without a dot, and tempSuffix.
func baseOfTemp(name string) (base string, ok bool) {
	name, ok = strings.CutSuffix(name, tempSuffix)
	base, random, dot := strings.Cut(name, ".")
	return base, ok && dot && isBaseName(base) && !strings.Contains(random, ".")
}

// baseOfLock is baseOfRecord for the files of locks, and returns their suffix.
func baseOfLock(name string) (base, suffix string, ok bool) {
	for _, suffix := range []string{lockSuffix, swapSuffix, lockSuffix + turnSuffix, swapSuffix + turnSuffix} {
		if base, ok := strings.CutSuffix(name, suffix); ok && isBaseName(base) {
			return base, suffix, true
		}
	}
	return "", "", false
}

func isBaseName(text string) bool {
	const characters = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	i := strings.LastIndexByte(text, '-')
	if i < 1 || strings.Trim(text[:i], characters) != "" {
		return false
	}
	sum, err := hex.DecodeString(text[i+1:])
	return err == nil && len(sum) == hashBytes && text[i+1:] == strings.ToLower(text[i+1:])
}
