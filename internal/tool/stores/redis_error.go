package stores

import "strings"

// explainRedis says what to do when a Redis server has refused a command. It looks
// at the first word of the answer, and returns nothing if it does not know it
// (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors).
func explainRedis(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "NOAUTH "):
		return "Redis needs a password: put it into the address of the store, as in redis://USER:PASSWORD@HOST:PORT/DB"
	case strings.Contains(text, "WRONGPASS "):
		return "Redis refuses the login: check the user and the password in the address of the store"
	case strings.Contains(text, "NOPERM "):
		return "Redis does not allow the user to do what the store needs: check the ACL of the user"
	case strings.Contains(text, "DB index is out of range"):
		return "Redis has no such database: check the number at the end of the address of the store"
	}
	return ""
}
