package spotipie

import "fmt"

// check tells whether this session may use a stored record.
func (r rules) check(key Key, rec Record) error {
	mismatch := func(format string, args ...any) error {
		return &RecordMismatchError{Key: key, isUsers: rec.isUsers(), Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case rec.Sealed != nil:
		return &RecordMismatchError{Key: key, isSealed: true, Reason: fmt.Sprintf(
			"it is sealed with the key %q: wrap the store with package seal and that key", foreignText(rec.Sealed.Key))}
	case rec.Token == nil || rec.Token.secrets == nil:
		return mismatch("it holds no token: delete it and authorize again")
	case rec.ClientID != r.clientID:
		return mismatch("it belongs to client id %q, not %q: authorize again", foreignText(rec.ClientID), r.clientID)
	case rec.Flow != "" && rec.Flow != r.flow:
		return mismatch("it was obtained by the flow %q, and this session's is %q: give each flow a profile of its own", foreignText(string(rec.Flow)), r.flow)
	case rec.Flow == "" && r.flow == FlowClientCredentials && rec.Token.RefreshToken() != "":
		return mismatch("it is a user's, and this session is the app's own: give each a profile of its own")
	}
	// What the user was asked for and did not grant is no reason to ask again.
	if missing := rec.RequestedScope.Missing(rec.Token.scope.Missing(r.scope)); len(missing) > 0 {
		return mismatch("its token lacks the scope %s: authorize again", missing)
	}
	return nil
}

// isUsers reports whether a record is of a user's login.
func (r Record) isUsers() bool {
	return r.Token != nil && r.Token.RefreshToken() != ""
}
