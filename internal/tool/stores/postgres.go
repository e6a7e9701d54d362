package stores

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/pgstore"
)

const (
	// connectTimeout is how long a host may take to answer, unless the address or
	// the environment sets it. It is shorter than the time that the store gives a
	// request, so that a request can go on to the next host.
	connectTimeout = 3 * time.Second
	// A connection is closed if it does not answer for probes times probeEvery.
	probeEvery, probes = 5 * time.Second, 3
)

func openPostgres(ctx context.Context, s *settings.Settings, migrate bool) (spotipie.Store, func() error, error) {
	cfg, err := pgxpool.ParseConfig(s.Store.Value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w, such as postgres://app@127.0.0.1/app", errAddress)
	}
	setDefaults(cfg.ConnConfig, s.Store.Value)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	closePool := func() error { pool.Close(); return nil }
	store, err := pgstore.New(pool, nil)
	if err == nil && migrate {
		err = store.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, closePool, nil
}

// setDefaults sets what the address leaves out: how long to wait for a host that
// does not answer, and to use the host that accepts writes if there are several.
func setDefaults(cfg *pgx.ConnConfig, address string) {
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{
		Timeout:         cfg.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: probeEvery, Interval: probeEvery, Count: probes},
	}
	cfg.DialFunc = dialer.DialContext
	if hasSeveralHosts(cfg) && !saysWhichHost(address) {
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
}

func hasSeveralHosts(cfg *pgx.ConnConfig) bool {
	for _, other := range cfg.Fallbacks { // or the same host without TLS
		if other.Host != cfg.Host || other.Port != cfg.Port {
			return true
		}
	}
	return false
}

func saysWhichHost(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Query().Has("target_session_attrs") || os.Getenv("PGTARGETSESSIONATTRS") != ""
}
