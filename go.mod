module github.com/spotipie/spotipie

go 1.26.0
