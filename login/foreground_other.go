//go:build !unix

package login

import "os"

func isForeground(*os.File) bool { return true }
