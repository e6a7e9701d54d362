// Package privatedir makes folders that nobody but this user can get at, and
// looks whether a folder, or a file in it, is one. On Windows it does not look at
// access lists.
package privatedir
