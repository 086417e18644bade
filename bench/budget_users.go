package main

import (
	"fmt"
	"strings"
	"time"

	"icws_exporter/probe/icwssim"
)

// The contact centre in which users are counted.
const (
	manyUsers  = 5000
	userEvents = 50 // changes of users a second
)

// measureUsers shows budget 14: what it costs to count many users who do a lot.
func measureUsers(b *bench) error {
	plain, err := b.open(siteOptions{servers: 1, statuses: 50})
	if err != nil {
		return err
	}
	defer plain.close()
	without, err := b.watching(plain, "")
	if err != nil {
		return err
	}
	time.Sleep(b.Settle)
	before, _, err := without.memory()
	without.stop()
	if err != nil {
		return err
	}
	s, err := b.open(siteOptions{
		servers: 1, statuses: 50, users: icwssim.InventUsers(manyUsers, 1),
		settings: fmt.Sprintf("users: {all: true, max_users: %d}", manyUsers),
	})
	if err != nil {
		return err
	}
	defer s.close()
	e, err := b.watching(s, "")
	if err != nil {
		return err
	}
	defer e.stop()
	if err := e.waitFor("counting users", time.Minute, func() bool { return e.counts(manyUsers) }); err != nil {
		return err
	}
	time.Sleep(b.Settle)
	return b.manyChanges(e, s.servers[0], before)
}

// counts reports whether so many users are counted.
func (e *product) counts(users int) bool {
	page, err := e.page()
	return err == nil && strings.Contains(page, fmt.Sprintf(`icws_users_reported{server="server-00000"} %d`, users))
}

func (e *product) page() (string, error) {
	s := newScraper(e.url + "/metrics")
	defer s.close()
	page, err := s.scrape()
	return string(page), err
}

// manyChanges measures the exporter while users change, and what is left of it.
func (b *bench) manyChanges(e *product, server *icwssim.Server, without float64) error {
	heap := func() (float64, error) {
		page, err := e.page()
		if err != nil {
			return 0, err
		}
		return value([]byte(page), "go_memstats_heap_inuse_bytes ")
	}
	first, err := heap()
	if err != nil {
		return err
	}
	began := time.Now()
	spent, err := e.during(func() error {
		for sent := 0; time.Since(began) < b.Watch; time.Sleep(time.Millisecond) {
			for due := int(time.Since(began).Seconds() * userEvents); sent < due; sent++ {
				server.StepShifts(1)
			}
		}
		return nil
	})
	wall := time.Since(began)
	if err != nil {
		return err
	}
	last, err := heap()
	if err != nil {
		return err
	}
	if !e.counts(manyUsers) {
		return fmt.Errorf("users are not counted any more after %s", wall)
	}
	resident, _, err := e.memory()
	if err != nil {
		return err
	}
	at := fmt.Sprintf("%d users, %d changes a second", manyUsers, userEvents)
	b.add(14, at+": CPU", share(spent, wall), 5, "% of a core")
	b.add(14, at+": CPU per change", micros(spent)/(userEvents*wall.Seconds()), none, "µs")
	b.add(14, at+": resident memory more than without users", (resident-without)/1024, none, "KiB")
	b.add(14, at+": growth of the heap in "+wall.Round(time.Second).String(), (last-first)/1024, none, "KiB")
	return nil
}
