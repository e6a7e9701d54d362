package accounts

import (
	"net/http"
	"strconv"
	"time"
)

// The windows over which Spotify counts requests of the Web API: 30 seconds for
// an app (https://developer.spotify.com/documentation/web-api/concepts/rate-limits),
// and, as observed, about a day for a developer account in development mode.
const (
	rateWindow  = 30 * time.Second
	quotaWindow = 24 * time.Hour
)

// requestLog is the times of the requests in a rolling window. Service.mu
// guards it.
type requestLog struct{ times []time.Time }

// wait returns how long it takes until another request is allowed: 0 if it is
// allowed now, or if there is no limit.
func (l *requestLog) wait(now time.Time, limit int, window time.Duration) time.Duration {
	expired := 0
	for expired < len(l.times) && now.Sub(l.times[expired]) >= window {
		expired++
	}
	l.times = l.times[expired:]
	if limit == 0 || len(l.times) < limit {
		return 0
	}
	return window - now.Sub(l.times[len(l.times)-limit])
}

func (l *requestLog) add(now time.Time, limit int) {
	if limit > 0 {
		l.times = append(l.times, now)
	}
}

// withinLimits counts a request of an app, or refuses it with 429. It is
// assumed that a refused request does not count.
func (s *Service) withinLimits(w http.ResponseWriter, app *App) bool {
	quota := 0
	if s.opts.DevelopmentMode != nil {
		quota = s.opts.DevelopmentMode.DailyQuota
	}
	s.mu.Lock()
	now := s.Now()
	perApp, perDeveloper := logOf(s.rates, app.ClientID), logOf(s.quotas, app.Developer)
	quotaWait := perDeveloper.wait(now, quota, quotaWindow)
	rateWait := perApp.wait(now, s.opts.RateLimit, rateWindow)
	if quotaWait == 0 && rateWait == 0 {
		perApp.add(now, s.opts.RateLimit)
		perDeveloper.add(now, quota)
	}
	s.mu.Unlock()
	switch {
	case quotaWait > 0:
		writeQuotaExceeded(w, quotaWait)
	case rateWait > 0:
		writeRateLimited(w, rateWait)
	default:
		return true
	}
	return false
}

func logOf(logs map[string]*requestLog, key string) *requestLog {
	if logs[key] == nil {
		logs[key] = &requestLog{}
	}
	return logs[key]
}

func writeRateLimited(w http.ResponseWriter, retryAfter time.Duration) {
	w.Header().Set("Retry-After", wholeSeconds(retryAfter))
	writeAPIError(w, http.StatusTooManyRequests, messageRateLimited)
}

// writeQuotaExceeded answers as Spotify documents since 2026-07-23
// (https://developer.spotify.com/documentation/web-api/references/changes/july-2026).
func writeQuotaExceeded(w http.ResponseWriter, retryAfter time.Duration) {
	w.Header().Set("Retry-After", wholeSeconds(retryAfter))
	writeAPIJSON(w, apiError{Status: http.StatusTooManyRequests, Message: messageTooMany, Reason: reasonQuota})
}

// wholeSeconds rounds up to one or more.
func wholeSeconds(d time.Duration) string {
	seconds := int64((d + time.Second - 1) / time.Second)
	return strconv.FormatInt(max(seconds, 1), 10)
}
