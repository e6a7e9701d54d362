module github.com/spotipie/spotipie/interop

go 1.26.0

require (
	github.com/spotipie/spotipie v0.0.0
	github.com/zmb3/spotify/v2 v2.4.3
	go.uber.org/goleak v1.3.0
	golang.org/x/oauth2 v0.38.0
)

replace github.com/spotipie/spotipie => ..
