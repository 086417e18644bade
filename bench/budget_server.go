package main

import (
	"os"
	"time"
)

const mebi = 1 << 20

// measureOneServer shows budgets 10 and 12: the memory of one server with 10,000
// statuses, its first page, and what it costs to do nothing.
func measureOneServer(b *bench) error {
	const n = 10_000
	s, err := b.open(siteOptions{servers: 1, statuses: n})
	if err != nil {
		return err
	}
	defer s.close()
	few, err := b.open(siteOptions{servers: 1, statuses: 50})
	if err != nil {
		return err
	}
	defer few.close()
	many, took, err := b.firstPages(s)
	if err != nil {
		return err
	}
	little, _, err := b.firstPages(few)
	if err != nil {
		return err
	}
	b.add(12, "from subscribing to 10,000 statuses until they are on the page, the transfer included", millis(took), 100, "ms")
	b.add(12, "the same, CPU more than for 50", millis(many-little), 30, "ms")
	e, err := b.watching(s, "")
	if err != nil {
		return err
	}
	defer e.stop()
	if err := b.settled(e, s); err != nil {
		return err
	}
	file, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	b.add(12, "the stripped binary", float64(file.Size())/1e6, 20, "MB")
	return b.idle(e)
}

// settled measures the memory of a server to which nothing happens, and which resends its list.
func (b *bench) settled(e *product, s *site) error {
	time.Sleep(b.Settle)
	settled, _, err := e.memory()
	if err != nil {
		return err
	}
	own, err := e.status("RssAnon")
	if err != nil {
		return err
	}
	touched, err := e.touched(b.Watch)
	if err != nil {
		return err
	}
	if err := e.forgetPeak(); err != nil {
		return err
	}
	for range 10 {
		s.servers[0].SendFull()
		time.Sleep(500 * time.Millisecond)
	}
	_, peak, err := e.memory()
	if err != nil {
		return err
	}
	b.add(10, "resident memory, one server of 10,000 statuses, settled", settled/mebi, 20, "MiB")
	b.add(10, "of it its own; the rest are pages of the program's file, which the kernel can take back", own/mebi, none, "MiB")
	b.add(10, "of it all that was touched in "+b.Watch.String(), touched/mebi, none, "MiB")
	b.add(10, "the same, peak of ten resyncs in a row", peak/mebi, 28, "MiB")
	return nil
}

// firstPages starts the exporter a few times and looks when the page is complete, and
// what CPU it has taken then.
func (b *bench) firstPages(s *site) (cpu, took time.Duration, err error) {
	var spent, waited []time.Duration
	for range 5 {
		answered := len(s.servers[0].Journal())
		e, err := b.watching(s, "")
		if err != nil {
			return 0, 0, err
		}
		cpu, err := e.cpu()
		e.stop()
		if err != nil {
			return 0, 0, err
		}
		spent = append(spent, cpu)
		for _, x := range s.servers[0].Journal()[answered:] {
			if x.Operation == "subscribe" {
				waited = append(waited, e.ready.Sub(x.Time))
				break
			}
		}
	}
	return median(spent), median(waited), nil
}

// idle measures an exporter to which nothing happens but pings and checks.
func (b *bench) idle(e *product) error {
	began := time.Now()
	spent, err := e.during(func() error { time.Sleep(b.Watch); return nil })
	if err != nil {
		return err
	}
	b.add(12, "nothing happens, one server of 10,000 statuses, delivery checks included", share(spent, time.Since(began)), none, "% of a core")
	return nil
}

// share is the part of one core in per cent.
func share(spent, of time.Duration) float64 { return 100 * spent.Seconds() / of.Seconds() }
