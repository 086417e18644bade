package main

import "icws_exporter/exporter/collect"

// labelService is on all alerts of alerts/.
var labelService = collect.Label{Name: "service", Values: []string{"icws"}}

// Metrics that are not of our table: of Prometheus itself, of the rules of alerts/
// and of every Go process.
var (
	alertsActive = &collect.Family{
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
	unavailable = recorded("job_server:icws_unavailable:avg5m")
	unwatched   = recorded("job_server:icws_unwatched:avg5m")
	budgetLeft  = recorded("job_server:icws_availability_budget:left30d")

	up             = &collect.Family{Name: "up"}
	scrapeDuration = &collect.Family{Name: "scrape_duration_seconds"}
	scrapeSamples  = &collect.Family{Name: "scrape_samples_scraped"}

	goroutines     = &collect.Family{Name: "go_goroutines"}
	heapAllocated  = &collect.Family{Name: "go_memstats_heap_alloc_bytes"}
	processMemory  = &collect.Family{Name: "process_resident_memory_bytes"}
	processCPU     = &collect.Family{Name: "process_cpu_seconds_total", Type: collect.Counter}
	processStart   = &collect.Family{Name: "process_start_time_seconds"}
	processOpenFDs = &collect.Family{Name: "process_open_fds"}
	processMaxFDs  = &collect.Family{Name: "process_max_fds"}
)

// ofNoExporter are those whose series need not name an exporter.
var ofNoExporter = []*collect.Family{alertsActive, alertsForState, unavailable, unwatched, budgetLeft}

func recorded(name string) *collect.Family {
	return &collect.Family{Name: name, Labels: []collect.Label{{Name: "server"}}}
}
