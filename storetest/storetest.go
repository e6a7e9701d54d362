// Package storetest is the contract of [spotipie.Store] as a test suite. Each
// guarantee of the contract is one subtest, named for it:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) spotipie.Store { return openMyStore(t) })
//	}
package storetest

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// patience is how long the suite waits for something that must happen.
const patience = 30 * time.Second

// moment is how long it watches for something that must not happen.
const moment = 100 * time.Millisecond

// Run tests a store. It calls open once for each subtest, which must return an
// empty store. To test a store that several processes share, let open return a
// store that spreads its calls over several clients.
func Run(t *testing.T, open func(t *testing.T) spotipie.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s spotipie.Store)
	}{
		{"Load finds nothing in an empty store and it is no error", loadEmpty},
		{"Load returns what Swap saved, whole", loadReturnsSaved},
		{"Swap with version 0 fails if there is a record", swapNewTwice},
		{"Swap with an old version fails and changes nothing", swapOldVersion},
		{"Swap with a version fails if there is no record", swapMissing},
		{"the version inside the record is no condition of Swap", swapIgnoresRecordVersion},
		{"a new version exceeds the one inside the record", versionsExceedWhatWasSeen},
		{"what Swap takes Load returns, however large, and what it refuses changes nothing", largeRecords},
		{"of many Swaps at once with one version one succeeds", swapRace},
		{"a version never comes back, not even after Delete", versionsAreNew},
		{"Load during Swaps returns one record or the other", loadDuringSwaps},
		{"Load knows of every save that has ended before it", loadsKnowOfSaves},
		{"times keep their microseconds", timesAreKept},
		{"a sealed record is kept whole", sealedIsKept},
		{"Delete removes the record", deleteRemoves},
		{"Delete of nothing is no error", deleteNothing},
		{"Load tells a deletion from what was never there", deletionIsRemembered},
		{"Delete of nothing is remembered", deletionOfNothingIsRemembered},
		{"DeleteVersion deletes a record that nobody has saved since, and no other", deleteVersion},
		{"keys are kept apart, whatever characters they have", keysApart},
		{"List returns the keys of all records", list},
		{"Summaries tell of every record that is wanted, once", summaries},
		{"Summaries tell of what is there all the time while others save and delete", summariesDuringSwaps},
		{"Summaries refuse what is not the end of a page", summariesAfterNothing},
		{"CopyStore copies all records in and out, and leaves what is newer", copyInAndOut},
		{"Lock lets one holder in at a time", lockExcludes},
		{"Lock of one key does not wait for that of another", lockPerKey},
		{"Lock ends with its context and holds nothing then", lockCancelled},
		{"Lock holds up no Load and no Swap", lockHoldsUpNothing},
		{"unlock may be called more than once", unlockTwice},
		{"unlock works after the context of Lock has ended", unlockAfterContext},
		{"all who wait for a lock get in but those who give up", lockQueue},
		{"Check of a lock that is held succeeds and changes nothing", check},
		{"Check of a lock that is not held fails", checkWithoutLock},
		{"a watcher is told of every last change, until its context ends", watch},
		{"who watches all changes is told of every last one, until the context ends", watchChanges},
		{"an ended context ends every method", endedContext},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}
