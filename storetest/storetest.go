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

// moment is how long the suite watches for something that must not happen.
const moment = 100 * time.Millisecond

// Run tests a store. It calls open once for each subtest, which must return an
// empty store. To test a store that several processes share, let open return a
// store that spreads its calls over several clients.
func Run(t *testing.T, open func(t *testing.T) spotipie.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s spotipie.Store)
	}{
		{"Load finds nothing in an empty store, without an error", loadEmpty},
		{"Load returns the complete record that Swap saved", loadReturnsSaved},
		{"Swap with version 0 fails if there is a record", swapNewTwice},
		{"Swap with an old version fails and changes nothing", swapOldVersion},
		{"Swap with a version fails if there is no record", swapMissing},
		{"Swap ignores the version inside the record as a condition", swapIgnoresRecordVersion},
		{"a new version exceeds the one inside the record", versionsExceedWhatWasSeen},
		{"Load returns every record that Swap accepts, however large, and a refused one changes nothing", largeRecords},
		{"one of many Swaps at once with the same version succeeds", swapRace},
		{"a version never comes back, not even after Delete", versionsAreNew},
		{"Load during Swaps returns one record or the other", loadDuringSwaps},
		{"Load returns every save that ended before it began", loadsKnowOfSaves},
		{"times keep their microseconds", timesAreKept},
		{"a sealed record is kept whole", sealedIsKept},
		{"Delete removes the record", deleteRemoves},
		{"Delete of a missing record is no error", deleteNothing},
		{"Load distinguishes a deleted record from one that never existed", deletionIsRemembered},
		{"Delete of a missing record is remembered", deletionOfNothingIsRemembered},
		{"DeleteVersion deletes only a record that nobody has saved since", deleteVersion},
		{"keys are kept apart, whatever characters they have", keysApart},
		{"List returns the keys of all records", list},
		{"Summaries list every wanted record once", summaries},
		{"Summaries list every record that exists all the time while others save and delete", summariesDuringSwaps},
		{"Summaries refuse an After that is not the Next of a page", summariesAfterNothing},
		{"CopyStore copies all records in and out, and keeps newer ones", copyInAndOut},
		{"Lock lets one holder in at a time", lockExcludes},
		{"Lock of one key does not wait for the lock of another", lockPerKey},
		{"Lock ends with its context and then holds no lock", lockCancelled},
		{"Lock does not block Load and Swap", lockHoldsUpNothing},
		{"unlock may be called more than once", unlockTwice},
		{"unlock works after the context of Lock has ended", unlockAfterContext},
		{"all waiters get the lock except those who give up", lockQueue},
		{"Check of a held lock succeeds and changes nothing", check},
		{"Check of a lock that is not held fails", checkWithoutLock},
		{"a watcher gets the last change of its key, until its context ends", watch},
		{"a watcher of all changes gets the last change of every key, until its context ends", watchChanges},
		{"an ended context ends every method", endedContext},
		{"a context that ends meanwhile ends every method, and leaves the old record or the new one", contextThatEndsMeanwhile},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}
