package spotipie

import "context"

// RequireScope checks before a request whether the session's token has the
// scopes that it needs. If there is no token in memory it looks into the
// session's store, for at most ten seconds. It returns nil if the token has the
// scopes, [ErrNotAuthorized] if there is no token, an [*InsufficientScopeError]
// if scopes are missing, or the error of the store.
func RequireScope(s Session, needed ...Scope) error {
	token := s.CurrentToken()
	if token == nil {
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		defer cancel()
		var err error
		if token, err = s.Load(ctx); token == nil {
			if err == nil {
				err = ErrNotAuthorized
			}
			return err
		}
	}
	current := token.Scope()
	missing := current.Missing(needed)
	if len(missing) == 0 {
		return nil
	}
	return &InsufficientScopeError{Needed: Scopes(needed).Normalize(), Current: current, Missing: missing}
}
