package profiles

import (
	"context"
	"errors"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// summaryPage is the number of summaries in a page.
const summaryPage = 10_000

// place is a store with the keys that it had when it was opened.
type place struct {
	spotipie.Store
	keys      []spotipie.Key
	summaries map[spotipie.Key]spotipie.Summary // nil: not asked for yet
}

// List implements [spotipie.Store] without asking the store again.
func (p *place) List(context.Context) ([]spotipie.Key, error) { return p.keys, nil }

// places are the opened stores of the profiles.
type places struct {
	opened map[address]*place
	close  []func() error
}

// address identifies a store.
type address struct {
	store   string
	exposed bool
}

// of returns the store that is set.
func (p *places) of(ctx context.Context, s *settings.Settings) (*place, error) {
	at := address{s.Store.Value, s.Exposed.IsOn()}
	if found, ok := p.opened[at]; ok {
		return found, nil
	}
	store, closeStore, err := stores.Open(ctx, s, stores.Options{})
	if err != nil {
		return nil, err
	}
	keys, err := store.List(ctx)
	if err != nil && len(keys) == 0 {
		return nil, errors.Join(stores.Failed(s, "reading", err), closeStore())
	}
	opened := &place{Store: store, keys: keys}
	if p.opened == nil {
		p.opened = map[address]*place{}
	}
	p.opened[at], p.close = opened, append(p.close, closeStore)
	return opened, nil
}

// closeAll closes the stores.
func (p *places) closeAll() error {
	var errs []error
	for _, closeStore := range p.close {
		errs = append(errs, closeStore())
	}
	return errors.Join(errs...)
}

// summary returns the summary of a record. The first call reads all of them. A
// record without one may be damaged; loading it shows that.
func (p *place) summary(ctx context.Context, key spotipie.Key) (summary spotipie.Summary, found bool) {
	if p.summaries == nil {
		p.summaries = summariesOf(ctx, p.Store)
	}
	summary, found = p.summaries[key]
	return summary, found
}

// summariesOf returns the summaries of a store; if the store fails, those
// before that.
func summariesOf(ctx context.Context, store spotipie.Store) map[spotipie.Key]spotipie.Summary {
	found := map[spotipie.Key]spotipie.Summary{}
	for query := (spotipie.SummaryQuery{Limit: summaryPage}); ; {
		page, err := spotipie.Summaries(ctx, store, query)
		if err != nil {
			return found
		}
		for _, summary := range page.Summaries {
			found[summary.Key] = summary
		}
		if query.After = page.Next; query.After == "" {
			return found
		}
	}
}
