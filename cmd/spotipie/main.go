// Command spotipie shows the library at work, and runs its accounts service for
// other programs. Run it without arguments for what it can do.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
