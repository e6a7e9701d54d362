package spotipie

// RequireScope tells before a request whether the session's token has the
// scopes it needs. It returns nil, [ErrNotAuthorized] if there is no token, or
// an [*InsufficientScopeError] with the scopes needed, those the token has and
// those missing.
func RequireScope(s Session, needed ...Scope) error {
	token := s.CurrentToken()
	if token == nil {
		return ErrNotAuthorized
	}
	current := token.Scope()
	missing := current.Missing(needed)
	if len(missing) == 0 {
		return nil
	}
	return &InsufficientScopeError{Needed: Scopes(needed).Normalize(), Current: current, Missing: missing}
}
