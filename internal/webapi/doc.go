// Package webapi is what `spotipie api` does between its flags and the library:
// it makes one request of the Web API out of a path and fields, follows the
// pages of its answer, and prints them, filtered by a jq expression or not.
//
// [Call] is one such request. [Fields] are the values of -f and -F, [Filter] is
// that of --jq, and [Target] says what a path is relative to.
package webapi
