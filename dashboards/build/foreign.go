package main

import "icws_exporter/exporter/collect"

// Metrics that are not of our table: of Prometheus itself and of every Go process.
var (
	// labelService is on all alerts of alerts/.
	labelService = collect.Label{Name: "service", Values: []string{"icws"}}

	alerts = &collect.Family{
		Name: "ALERTS",
		Labels: []collect.Label{
			{Name: "alertname"}, {Name: "alertstate", Values: []string{"pending", "firing"}}, {Name: "severity"},
			labelService, {Name: "server"},
		},
	}
	alertsForState = &collect.Family{
		Name:   "ALERTS_FOR_STATE",
		Labels: []collect.Label{{Name: "alertname"}, {Name: "severity"}, labelService, {Name: "server"}},
	}
	// budgetOfMonth is recorded by icws.slo.yaml; like an alert, it names no exporter.
	budgetOfMonth = &collect.Family{
		Name: "job_server:icws_availability_budget:left30d", Labels: []collect.Label{{Name: "server"}},
	}
	up             = &collect.Family{Name: "up"}
	scrapeDuration = &collect.Family{Name: "scrape_duration_seconds"}
	scrapeSamples  = &collect.Family{Name: "scrape_samples_scraped"}

	goroutines      = &collect.Family{Name: "go_goroutines"}
	heapAllocated   = &collect.Family{Name: "go_memstats_heap_alloc_bytes"}
	processMemory   = &collect.Family{Name: "process_resident_memory_bytes"}
	processCPU      = &collect.Family{Name: "process_cpu_seconds_total", Type: collect.Counter}
	processStart    = &collect.Family{Name: "process_start_time_seconds"}
	processOpenFDs  = &collect.Family{Name: "process_open_fds"}
	processMaxFDs   = &collect.Family{Name: "process_max_fds"}
	goGCDurationSum = &collect.Family{Name: "go_gc_duration_seconds_sum", Type: collect.Counter}
)

// foreign are all of them.
var foreign = []*collect.Family{
	alerts, alertsForState, budgetOfMonth, up, scrapeDuration, scrapeSamples, goroutines, heapAllocated,
	processMemory, processCPU, processStart, processOpenFDs, processMaxFDs, goGCDurationSum,
}
