package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie/pgstore"
)

//go:embed schema.sql
var schema string

// openDatabase connects to PostgreSQL and makes missing tables.
func openDatabase(ctx context.Context, address string) (*pgxpool.Pool, error) {
	if address == "" {
		return nil, errors.New("DATABASE_URL is not set: it says where PostgreSQL is, as postgres:///tunekeeper")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("reading DATABASE_URL: %w", err)
	}
	config.ConnConfig.ConnectTimeout = 3 * time.Second // two minutes otherwise
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	if err := migrate(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// migrate makes the tables of the sessions and of the authorizations. Replicas
// may start at the same time.
func migrate(ctx context.Context, db *pgxpool.Pool) error {
	if _, err := db.Exec(ctx, schema); err != nil {
		return fmt.Errorf("making the table of sessions: %w", err)
	}
	store, err := pgstore.New(db, nil)
	if err != nil {
		return err
	}
	return store.Migrate(ctx)
}
