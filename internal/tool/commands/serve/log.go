package serve

import (
	"io"
	"log/slog"
)

// requestLogger writes one line for each request, with the time of day but no
// level.
func requestLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			switch {
			case len(groups) > 0:
			case a.Key == slog.TimeKey:
				return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05.000"))
			case a.Key == slog.LevelKey, a.Key == slog.MessageKey:
				return slog.Attr{}
			}
			return a
		},
	}))
}
