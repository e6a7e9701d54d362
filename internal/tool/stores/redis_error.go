package stores

import "strings"

// explainRedis says what to do about an answer by which a Redis server refuses a
// command, by the word that it begins with, or returns nothing if that is not
// known (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors).
func explainRedis(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "NOAUTH "):
		return "Redis asks for a password: put it into the address of the store, as in redis://USER:PASSWORD@HOST:PORT/DB"
	case strings.Contains(text, "WRONGPASS "):
		return "Redis lets nobody in: check the user and the password in the address of the store"
	case strings.Contains(text, "NOPERM "):
		return "Redis does not allow the user what the store needs: check the ACL of the user"
	case strings.Contains(text, "DB index is out of range"):
		return "Redis has no such database: check the number at the end of the address of the store"
	}
	return ""
}
