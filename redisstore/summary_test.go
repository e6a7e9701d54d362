package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestSummariesLeaveOutWhatIsNoRecord(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	storecheck.Swap(t, store, 0, "one")
	for i, command := range [][]any{
		{"SET", "", "x"},
		{"HSET", "", "colour", "blue"},
		{"HSET", "", "format", "2", "version", "7", "record", "{}"},
		{"HSET", "", "format", "1", "version", "new", "record", "{}"},
		{"HSET", "", "format", "1", "version", "7", "record", `{"authorized_at":`},
		{"HSET", "", "format", "1", "version", "7"},
		{"HSET", "", "format", "1", "version", "7", "deleted", "1"},
	} {
		command[1] = fmt.Sprintf("%s{client:%d}:record", opts.Prefix, i)
		if err := client.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"{no colon}:record", "{%zz:%zz}:record", "{client:x}:lock"} {
		if err := client.Set(t.Context(), opts.Prefix+name, "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	page, err := spotipie.Summaries(t.Context(), store, spotipie.SummaryQuery{})
	if err != nil || len(page.Summaries) != 1 || page.Summaries[0].Key != storecheck.Key() {
		t.Errorf("%v, %v; want the one record", page, err)
	}
}

// In a fleet that is being updated, older programs publish the tag of a record that they have saved,
// and know no other notice.
func TestNoticesBesideAnOlderVersion(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	channel := opts.Prefix + "changed"
	changes, err := store.WatchChanges(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	older := client.Subscribe(t.Context(), channel)
	t.Cleanup(func() { _ = older.Close() })
	if _, err := older.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish := func(message string) {
		t.Helper()
		if err := client.Publish(t.Context(), channel, message).Err(); err != nil {
			t.Fatal(err)
		}
	}
	version := storecheck.Swap(t, store, 0, "one")
	publish("client:ada") // by an older program, that has saved it again
	publish("released client:ada")
	for _, garbage := range []string{"", " ", "x", "client:ada x", "%zz:%zz 7"} {
		publish(garbage)
	}
	publish("client:last")

	ada := storecheck.Key()
	want := []spotipie.Change{{Key: ada, Version: version}, {Key: ada}, {Key: ada}, {Key: spotipie.Key{ClientID: "client", Profile: "last"}}}
	for i, change := range want {
		select {
		case got := <-changes:
			if got != change {
				t.Errorf("change %d is %v, want %v", i, got, change)
			}
		case <-time.After(storecheck.Patience):
			t.Fatalf("not told of change %d", i)
		}
	}
	heard := 0
	for message := range older.Channel() {
		if message.Payload == "client:ada" {
			heard++
		}
		if message.Payload == "client:last" {
			break
		}
	}
	if heard != 2 {
		t.Errorf("an older program hears %d notices that it understands, want 2", heard)
	}
}
