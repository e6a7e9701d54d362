package spotipie

import "context"

// RequireScope tells before a request whether the session's token has the
// scopes it needs. With nothing in memory it looks into the session's store, in
// at most ten seconds. It returns nil, [ErrNotAuthorized] if there is no token,
// an [*InsufficientScopeError] with the scopes needed, those the token has and
// those missing, or what kept it from looking.
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
