package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"
)

// writeTable writes the model's numbers for an average hour and the busiest hour.
func writeTable(w io.Writer, p plan, bytesPerSession float64) error {
	fmt.Fprintf(w, "%s users of one app, %s of them active on a day (%s visits of %d requests, %s apart); %d replicas.\n\n",
		number(float64(p.users)), percent(p.active), number(p.visits), p.requests, p.gap, p.replicas)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	calm, busy := p.at(1), p.at(p.peak)
	fmt.Fprintf(tw, "\taverage hour\tbusiest hour (%s times)\n", number(p.peak))
	line := func(name, unit string, value func(traffic) float64) {
		fmt.Fprintf(tw, "%s\t%s%s\t%s%s\n", name, number(value(calm)), unit, number(value(busy)), unit)
	}
	line("requests of users", "/s", traffic.requestRate)
	line("token requests", "/s", func(t traffic) float64 { return t.renewals().all })
	line("  for which a user waits", "/s", func(t traffic) float64 { return t.renewals().waits })
	line("  to keep tokens warm", "/s", func(t traffic) float64 { return t.renewals().warm })
	line("store: loads", "/s", func(t traffic) float64 { return t.storeCalls().loads })
	line("  of users who were not in memory", "/s", traffic.coldLoads)
	line("  of what other replicas have renewed", "/s", func(t traffic) float64 { return t.storeCalls().looks })
	line("store: locks, checks, swaps, unlocks, of each", "/s", func(t traffic) float64 { return t.storeCalls().locks })
	line("store: notices delivered", "/s", func(t traffic) float64 { return t.storeCalls().notices })
	line("store: busy connections", "", func(t traffic) float64 {
		s := t.storeCalls()
		return (s.loads + 2*s.locks + s.checks + s.swaps) * p.storeTakes.Seconds()
	})
	line("sessions in memory, each replica", "", traffic.resident)
	line("  memory", " MB", func(t traffic) float64 { return t.resident() * bytesPerSession / 1e6 })
	line("a replica restarts: it loads at first", "/s", traffic.restartLoads)
	line("the store restarts: all replicas look at all", " loads", func(t traffic) float64 { return t.resident() * float64(p.replicas) })
	line("  which takes", " s", func(t traffic) float64 { return t.resident() * p.storeTakes.Seconds() / lookers })
	line("all of the last hour come with expired tokens", " users", func(t traffic) float64 { return t.herd().users })
	line("  token requests then, at most", "/s", func(t traffic) float64 { return t.herd().perSec })
	line("  until all have a token", " s", func(t traffic) float64 { return t.herd().seconds })
	line("  served before they give up waiting", " %", func(t traffic) float64 { return 100 * t.herd().inTime })
	if err := tw.Flush(); err != nil {
		return err
	}
	c := p.consents()
	_, err := fmt.Fprintf(w, "\nSix months: %s consents end on an average day (%s an hour), and %s on the day six months after the launch,\n"+
		"on which %s of the users signed in. Months differ: those of 28, 29, 30 and 31 August all end on the last of February.\n"+
		"A session in memory takes %.0f bytes with its strings: measured.\n"+
		"Token requests are limited to %d at a time for each replica, each of which takes %s; a call of the store takes %s.\n",
		number(c.average), number(c.average/24), number(c.launch), percent(p.launchShare), bytesPerSession, p.tokenRequests,
		p.endpointTakes, p.storeTakes.Round(time.Microsecond))
	return err
}

func percent(share float64) string { return number(100*share) + " %" }

// number formats a number with at least three digits, and with commas.
func number(value float64) string {
	if value < 100 {
		digits := max(0, 2-int(math.Floor(math.Log10(max(value, 1)))))
		text := strconv.FormatFloat(value, 'f', digits, 64)
		if short, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(short, 'f', -1, 64)
		}
		return text
	}
	digits := strconv.FormatFloat(math.Round(value), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
