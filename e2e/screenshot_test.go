package e2e

import (
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// screenshot updates a picture in docs/images if SPOTIPIE_SCREENSHOTS is set.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	if os.Getenv("SPOTIPIE_SCREENSHOTS") != "1" {
		return
	}
	png := run(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join("..", "docs", "images", name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
