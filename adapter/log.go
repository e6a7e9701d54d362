package adapter

import "log/slog"

// LogValue implements [slog.LogValuer]. Empty fields are left out. The error is
// logged as its text.
func (r Retry) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("attempt", r.Attempt), slog.Duration("wait", r.Wait)}
	if r.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", r.StatusCode))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(append(attrs, slog.String("method", r.Method), slog.String("url", r.URL))...)
}

// LogValue implements [slog.LogValuer]. Empty fields are left out.
func (s PauseState) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("host", s.Host), slog.Time("since", s.Since), slog.Time("until", s.Until)}
	if s.Reason != "" {
		attrs = append(attrs, slog.String("reason", s.Reason))
	}
	if s.Message != "" {
		attrs = append(attrs, slog.String("message", s.Message))
	}
	return slog.GroupValue(attrs...)
}
