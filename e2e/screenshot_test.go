package e2e

import (
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// screenshot renews a picture in docs/images, if the tests are asked to.
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
