package e2e

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long the tests wait for a page.
const patience = 10 * time.Second

// tab is a tab of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string // every address that was requested
}

// newTab opens a tab in a new profile.
func newTab(t *testing.T) *tab {
	t.Helper()
	needChromium(t)
	return openTab(t, chromium, chromedp.WithNewBrowserContext())
}

// another opens a second tab in the same profile.
func (b *tab) another() *tab {
	b.t.Helper()
	return openTab(b.t, b.ctx)
}

func openTab(t *testing.T, parent context.Context, opts ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, opts...)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	call(b, network.Enable, network.EnableParams{})
	return b
}

// note records the tab's requests.
func (b *tab) note(event any) {
	if e, ok := event.(*network.EventRequestWillBeSent); ok {
		b.mu.Lock()
		b.requests = append(b.requests, e.Request.URL)
		b.mu.Unlock()
	}
}

// run does something in the tab and returns the result.
func run[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return result
}

// call sends the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("the browser: %s: %v", command.Method, err)
	}
	return result
}

// open is for login.Options.Browser. Like a desktop, it does not wait for the
// page.
func (b *tab) open(address string) error {
	_, err := chromedp.Call(b.ctx, page.Navigate, page.NavigateParams{URL: address})
	return err
}

// visit opens an address and waits for the page.
func (b *tab) visit(address string) {
	b.t.Helper()
	run(b, chromedp.Navigate(address))
}

// close closes the tab, as a user would.
func (b *tab) close() {
	b.t.Helper()
	if err := chromedp.Cancel(b.ctx); err != nil {
		b.t.Fatalf("closing the tab: %v", err)
	}
}

// heading waits until the page's heading has a text.
func (b *tab) heading(text string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	var got string
	for time.Now().Before(deadline) {
		var err error
		got, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.readyState === "complete" && document.querySelector("h1")?.textContent || ""`))
		if err == nil && strings.Contains(got, text) { // there is an error while one page replaces another
			return
		}
	}
	b.t.Fatalf("the heading is %q, want %q", got, text)
}

func (b *tab) click(selector string) {
	b.t.Helper()
	run(b, chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) press(keys string) {
	b.t.Helper()
	run(b, chromedp.KeyEvent(keys))
}

// focus presses the Tab key until the element has the focus, as users without a
// mouse do.
func (b *tab) focus(selector string) {
	b.t.Helper()
	for range 20 {
		b.press(kb.Tab)
		if run(b, chromedp.Evaluate[bool](`document.activeElement?.matches(`+quote(selector)+`) ?? false`)) {
			return
		}
	}
	b.t.Fatalf("the keyboard does not get to %s", selector)
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func (b *tab) text() string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string](`document.body.innerText`))
}

// everywhere returns all text that must not have a secret: the page, the address
// bar and the tab's history.
func (b *tab) everywhere() string {
	b.t.Helper()
	all := []string{run(b, chromedp.Evaluate[string](`document.documentElement.outerHTML`)), run(b, chromedp.Location())}
	for _, entry := range run(b, chromedp.NavigationEntries()).Entries {
		if !strings.Contains(entry.URL, "/authorize?") { // where state and challenge belong
			all = append(all, entry.URL)
		}
	}
	return strings.Join(all, "\n")
}

// expectSafe fails the test if the page contains a secret, or if the page lets
// injected scripts run or other injected content load.
func (b *tab) expectSafe(secrets ...string) {
	b.t.Helper()
	everywhere := b.everywhere()
	for _, secret := range append(secrets, "code=", "access_token=") {
		if secret == "" || strings.Contains(everywhere, secret) {
			b.t.Errorf("a secret is in the page or its address (%d characters)", len(secret))
		}
	}
	if ran := run(b, chromedp.Evaluate[[]string](injection, chromedp.EvalAwaitPromise)); len(ran) > 0 {
		b.t.Errorf("the page did not block what was injected: %v", ran)
	}
}

// injection tries what an attacker would try, and returns what was not blocked.
const injection = `(async () => {
	const ran = [], blocked = new Set();
	document.addEventListener("securitypolicyviolation", e => blocked.add(e.effectiveDirective));
	const add = (name, attributes, text) => {
		const e = document.createElement(name);
		for (const key in attributes) e.setAttribute(key, attributes[key]);
		e.textContent = text ?? "";
		document.body.append(e);
		return e;
	};
	add("script", {}, "window.injected = 'a script'");
	add("img", {src: "x:", onerror: "window.injected = 'a handler'"});
	add("style", {}, "body { --injected: yes }");
	add("img", {src: location.origin + "/picture.png"});
	add("iframe", {src: location.origin + "/"});
	add("a", {href: "javascript:window.injected='a link'"}).click();
	await fetch(location.origin + "/").then(() => ran.push("fetch"), () => {});
	await new Promise(done => setTimeout(done, 100));
	if (window.injected) ran.push(window.injected);
	if (getComputedStyle(document.body).getPropertyValue("--injected")) ran.push("a style");
	for (const directive of ["script-src-elem", "script-src-attr", "style-src-elem", "img-src", "frame-src", "connect-src"])
		if (!blocked.has(directive)) ran.push("not blocked: " + directive);
	return ran;
})()`

// expectNothingFromElsewhere fails the test if the tab sent a request to any host
// but those of the given addresses.
func (b *tab) expectNothingFromElsewhere(allowed ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, request := range b.requests {
		known := strings.HasPrefix(request, "data:") || strings.HasPrefix(request, "chrome") || strings.HasPrefix(request, "about:")
		for _, prefix := range allowed {
			known = known || strings.HasPrefix(request, prefix)
		}
		if !known {
			b.t.Errorf("the page asked for %s", request)
		}
	}
}

// A look is one way to display a page.
type look struct {
	name          string
	width, height int64
	scheme        string
	mobile        bool
}

func looks() []look {
	return []look{
		{"light", 800, 640, "light", false},
		{"dark", 800, 640, "dark", false},
		{"phone", 390, 700, "light", true},
		{"phone-dark", 390, 700, "dark", true},
	}
}

// check displays the page in every way. Axe-core must find no violation, and the
// page must fit the width of the window. With SPOTIPIE_SCREENSHOTS it updates the
// screenshots.
func (b *tab) check(name string) {
	b.t.Helper()
	for _, l := range looks() {
		call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.mobile,
		})
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
		})
		b.expectAccessible(name + ", " + l.name)
		if run(b, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)) {
			b.t.Errorf("%s, %s: the page is wider than the window", name, l.name)
		}
		if l.name != "phone-dark" {
			b.screenshot(name + "-" + l.name)
		}
	}
}

// expectAccessible runs axe-core. The page's Content-Security-Policy does not
// apply to it.
func (b *tab) expectAccessible(name string) {
	b.t.Helper()
	source, err := os.ReadFile(axePath())
	if err != nil {
		b.t.Fatal(err)
	}
	run(b, chromedp.Evaluate[chromedp.Void](string(source)))
	violations := run(b, chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.flatMap(
		v => v.nodes.map(n => v.id + " at " + n.target + ": " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
	for _, violation := range violations {
		b.t.Errorf("%s: %s", name, violation)
	}
}
