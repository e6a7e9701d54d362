package storeaddress_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/storeaddress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedactedAndKept(t *testing.T) {
	for name, test := range map[string]struct{ address, shown, kept string }{
		"no password":        {"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
		"password":           {"redis://:hush@h:1/0", "redis://:xxxxx@h:1/0", "redis://h:1/0"},
		"user and password":  {"postgres://u:hush@h/d", "postgres://u:xxxxx@h/d", "postgres://u@h/d"},
		"escaped password":   {"redis://:hush%2F%40@h/0", "redis://:xxxxx@h/0", "redis://h/0"},
		"parameter":          {"postgres://u@h/d?password=hush&sslmode=disable", "postgres://u@h/d?password=xxxxx&sslmode=disable", "postgres://u@h/d?sslmode=disable"},
		"key's password":     {"postgres://u@h/d?sslpassword=hush", "postgres://u@h/d?sslpassword=xxxxx", "postgres://u@h/d"},
		"other capitals":     {"postgres://u@h/d?Password=hush", "postgres://u@h/d?Password=xxxxx", "postgres://u@h/d"},
		"file of passwords":  {"postgres://u@h/d?passfile=%2Fp", "postgres://u@h/d?passfile=%2Fp", "postgres://u@h/d?passfile=%2Fp"},
		"password in a file": {"redis://u@h/0?password_file=%2Fp&sentinel_password_file=q", "redis://u@h/0?password_file=%2Fp&sentinel_password_file=q", "redis://u@h/0?password_file=%2Fp&sentinel_password_file=q"},
		"socket":             {"unix://u:hush@/run/redis.sock", "unix://u:xxxxx@/run/redis.sock", "unix://u@/run/redis.sock"},
		"empty password":     {"redis://u:@h/0", "redis://u:@h/0", "redis://u:@h/0"},
		"not to be read":     {"redis://u:hu%sh@h/0", "redis://…", "redis://…"},
		"nor its parameters": {"postgres://u@h/d?password=hu%sh", "postgres://…", "postgres://…"},
		"nor with ;":         {"postgres://u@h/d?a=b;password=hush", "postgres://…", "postgres://…"},
		"folder":             {"file:/a/100%zz", "file:/a/100%zz", "file:/a/100%zz"},
		"folder with colons": {"file:/a:hush@b", "file:/a:hush@b", "file:/a:hush@b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := storeaddress.Redacted(test.address); got != test.shown {
				t.Errorf("shown as %s, want %s", got, test.shown)
			}
			if got := storeaddress.Kept(test.address); got != test.kept {
				t.Errorf("kept as %s, want %s", got, test.kept)
			}
		})
	}
}

// A password that is not escaped would be read as a host, path or fragment, and shown.
func TestUnescapedPasswordsAreRefused(t *testing.T) {
	for _, address := range []string{
		"redis://:12/SECRET@h/0", "redis://u:12#SECRET@h", "redis://:9?SECRET@h", "postgres://app:12/SECRET@h/app", "redis://u:a b@h:x",
	} {
		if _, err := storeaddress.Parse(address); err == nil {
			t.Errorf("%s is taken", address)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error has the password: %v", address, err)
		}
	}
}

func TestHasPassword(t *testing.T) {
	for address, want := range map[string]bool{
		"redis://h":                      false,
		"redis://:hush@h/0":              true,
		"redis://:@h/0":                  false,
		"postgres://u@h/d?sslpassword=x": true,
		"postgres://u@h/d?password=%":    true, // nobody knows
		"file:/a:hush@b":                 false,
		"":                               false,
	} {
		if got := storeaddress.HasPassword(address); got != want {
			t.Errorf("%s: got %t, want %t", address, got, want)
		}
	}
}

// TestAListOfHostsWithoutTheLastPort checks that the error is not about passwords.
func TestAListOfHostsWithoutTheLastPort(t *testing.T) {
	for address, lacking := range map[string]bool{
		"postgres://app@a:5432,b/db":          true,
		"postgres://app:hush@a:5432,b:1,c/db": true,
		"postgres://a:5432,b?sslmode=disable": true,
		"postgres://app@a:5432,b:5433/db":     false,
		"postgres://app@a,b/db":               false,
		"postgres://app@a,b:5433/db":          false,
	} {
		_, err := storeaddress.Parse(address)
		if told := err != nil && strings.Contains(err.Error(), "HOST1:5432,HOST2:5432"); told != lacking {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "special characters")) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
