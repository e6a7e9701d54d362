// Package privatedir makes folders that only this user can read and change, and
// checks folders and the files in them. On Windows it does not check access
// lists.
package privatedir
