// Package webapi does the work of `spotipie api`: it makes a request of the Web
// API from a path and fields, follows the pages of its answer, and prints them,
// optionally filtered by a jq expression.
//
// [Call] is such a request. [Fields] are the values of -f and -F, [Filter] is
// the value of --jq, and [Target] makes a URL from a path.
package webapi
