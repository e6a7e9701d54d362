//go:build unix

package config_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spotipie/spotipie/internal/config"
)

func TestReadRefusesPipes(t *testing.T) {
	path := write(t, "", 0o600)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := path + " is not a regular file"
	if _, err := config.Read(path); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Read: got %v", err)
	}
	if err := config.Update(t.Context(), path, setClientID); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Update: got %v", err)
	}
}
