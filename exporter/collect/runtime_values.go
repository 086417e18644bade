package collect

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"icws_exporter/exporter/process"
)

// runtimeValues is one reading of what go_* and process_* show.
type runtimeValues struct {
	samples []metrics.Sample
	gc      debug.GCStats
	process process.Usage
	// The values of the family that is being written.
	values []float64
}

// The metrics of package runtime that are read, by what they are called here.
const (
	rmObjects = iota
	rmUnused
	rmFree
	rmReleased
	rmStacks
	rmOSStacks
	rmSpansInUse
	rmSpansFree
	rmCachesInUse
	rmCachesFree
	rmBuckets
	rmCollector
	rmOther
	rmTotal
	rmAllocBytes
	rmAllocs
	rmFrees
	rmTiny
	rmHeapObjects
	rmGoal
	rmPercent
	rmLimit
	rmProcs
	numRuntimeMetrics
)

var runtimeNames = [numRuntimeMetrics]string{
	rmObjects:     "/memory/classes/heap/objects:bytes",
	rmUnused:      "/memory/classes/heap/unused:bytes",
	rmFree:        "/memory/classes/heap/free:bytes",
	rmReleased:    "/memory/classes/heap/released:bytes",
	rmStacks:      "/memory/classes/heap/stacks:bytes",
	rmOSStacks:    "/memory/classes/os-stacks:bytes",
	rmSpansInUse:  "/memory/classes/metadata/mspan/inuse:bytes",
	rmSpansFree:   "/memory/classes/metadata/mspan/free:bytes",
	rmCachesInUse: "/memory/classes/metadata/mcache/inuse:bytes",
	rmCachesFree:  "/memory/classes/metadata/mcache/free:bytes",
	rmBuckets:     "/memory/classes/profiling/buckets:bytes",
	rmCollector:   "/memory/classes/metadata/other:bytes",
	rmOther:       "/memory/classes/other:bytes",
	rmTotal:       "/memory/classes/total:bytes",
	rmAllocBytes:  "/gc/heap/allocs:bytes",
	rmAllocs:      "/gc/heap/allocs:objects",
	rmFrees:       "/gc/heap/frees:objects",
	rmTiny:        "/gc/heap/tiny/allocs:objects",
	rmHeapObjects: "/gc/heap/objects:objects",
	rmGoal:        "/gc/heap/goal:bytes",
	rmPercent:     "/gc/gogc:percent",
	rmLimit:       "/gc/gomemlimit:bytes",
	rmProcs:       "/sched/gomaxprocs:threads",
}

func newRuntimeValues() *runtimeValues {
	v := &runtimeValues{samples: make([]metrics.Sample, numRuntimeMetrics)}
	for i, name := range runtimeNames {
		v.samples[i].Name = name
	}
	v.gc.PauseQuantiles = make([]time.Duration, 5)
	return v
}

// read reads everything once; false when something cannot be read.
func (v *runtimeValues) read() bool {
	metrics.Read(v.samples)
	for i := range v.samples {
		if v.samples[i].Value.Kind() != metrics.KindUint64 {
			return false
		}
	}
	debug.ReadGCStats(&v.gc)
	return v.process.Read()
}

// sum adds metrics of package runtime.
func sum(which ...int) func(*runtimeValues) {
	return func(v *runtimeValues) {
		total := uint64(0)
		for _, i := range which {
			total += v.samples[i].Value.Uint64()
		}
		v.set(float64(total))
	}
}

func (v *runtimeValues) set(values ...float64) { v.values = append(v.values[:0], values...) }

// goReaders set the values of the samples of a family of client_golang's Go
// collector, in their order, from the same sources.
var goReaders = map[string]func(*runtimeValues){
	"go_gc_duration_seconds": func(v *runtimeValues) {
		v.values = v.values[:0]
		for _, pause := range v.gc.PauseQuantiles {
			v.values = append(v.values, pause.Seconds())
		}
		v.values = append(v.values, v.gc.PauseTotal.Seconds(), float64(v.gc.NumGC))
	},
	"go_info":       func(v *runtimeValues) { v.set(1) },
	"go_goroutines": func(v *runtimeValues) { v.set(float64(runtime.NumGoroutine())) },
	"go_threads": func(v *runtimeValues) {
		n, _ := runtime.ThreadCreateProfile(nil)
		v.set(float64(n))
	},
	"go_memstats_last_gc_time_seconds": func(v *runtimeValues) { v.set(float64(v.gc.LastGC.UnixNano()) / 1e9) },

	"go_gc_gogc_percent":              sum(rmPercent),
	"go_gc_gomemlimit_bytes":          sum(rmLimit),
	"go_sched_gomaxprocs_threads":     sum(rmProcs),
	"go_memstats_alloc_bytes":         sum(rmObjects),
	"go_memstats_alloc_bytes_total":   sum(rmAllocBytes),
	"go_memstats_sys_bytes":           sum(rmTotal),
	"go_memstats_mallocs_total":       sum(rmAllocs, rmTiny),
	"go_memstats_frees_total":         sum(rmFrees, rmTiny),
	"go_memstats_heap_alloc_bytes":    sum(rmObjects),
	"go_memstats_heap_sys_bytes":      sum(rmObjects, rmUnused, rmReleased, rmFree),
	"go_memstats_heap_idle_bytes":     sum(rmReleased, rmFree),
	"go_memstats_heap_inuse_bytes":    sum(rmObjects, rmUnused),
	"go_memstats_heap_released_bytes": sum(rmReleased),
	"go_memstats_heap_objects":        sum(rmHeapObjects),
	"go_memstats_stack_inuse_bytes":   sum(rmStacks),
	"go_memstats_stack_sys_bytes":     sum(rmStacks, rmOSStacks),
	"go_memstats_mspan_inuse_bytes":   sum(rmSpansInUse),
	"go_memstats_mspan_sys_bytes":     sum(rmSpansInUse, rmSpansFree),
	"go_memstats_mcache_inuse_bytes":  sum(rmCachesInUse),
	"go_memstats_mcache_sys_bytes":    sum(rmCachesInUse, rmCachesFree),
	"go_memstats_buck_hash_sys_bytes": sum(rmBuckets),
	"go_memstats_gc_sys_bytes":        sum(rmCollector),
	"go_memstats_other_sys_bytes":     sum(rmOther),
	"go_memstats_next_gc_bytes":       sum(rmGoal),
}

// processReaders are the same for its process collector, where we know what it reads.
// process_start_time_seconds never changes.
var processReaders = map[string]func(*runtimeValues){
	"process_cpu_seconds_total":            func(v *runtimeValues) { v.set(v.process.CPU.Seconds()) },
	"process_max_fds":                      func(v *runtimeValues) { v.set(v.process.MostFiles) },
	"process_network_receive_bytes_total":  func(v *runtimeValues) { v.set(v.process.Received) },
	"process_network_transmit_bytes_total": func(v *runtimeValues) { v.set(v.process.Sent) },
	"process_open_fds":                     func(v *runtimeValues) { v.set(v.process.OpenFiles) },
	"process_resident_memory_bytes":        func(v *runtimeValues) { v.set(v.process.Resident) },
	"process_virtual_memory_bytes":         func(v *runtimeValues) { v.set(v.process.Virtual) },
	"process_virtual_memory_max_bytes":     func(v *runtimeValues) { v.set(v.process.MostVirtual) },
}
