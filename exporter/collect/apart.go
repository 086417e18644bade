package collect

// PerServer reports whether only RenderServer has the families of the servers
// (Options.PerServer).
func (s *Set) PerServer() bool { return s.opts.PerServer }

// RenderServer calls use once with the families of one server. It reports whether
// there is such a server; use is not called when there is none. Only a Set with
// Options.PerServer has any.
func (s *Set) RenderServer(name string, w Want, use func(body []byte)) bool {
	one := s.one(name)
	if one == nil {
		return false
	}
	space, _ := s.scratch.Get().(*scratch)
	if space == nil {
		space = new(scratch)
	}
	defer s.scratch.Put(space)
	p := &space.pages[index(w.Compress)]
	p.isZip = w.Compress
	p.begin(nil)
	sc := s.scrapeOf(one, space.readings)
	p.appendFamilies(w, s.apart, sc, nil)
	p.end(w.Format, noFamilies)
	space.readings = sc.done()
	use(p.bytes())
	return true
}

// scratch is space for pages that are not kept: the page of one server changes with
// nearly every scrape.
type scratch struct {
	pages    [2]page // plain and compressed
	readings []reading
}

// one returns the server by its exact name as the only element, or nothing.
func (s *Set) one(name string) []*ServerMetrics {
	servers := *s.servers.Load()
	i, found := find(servers, name)
	if !found || !s.opts.PerServer {
		return nil
	}
	return servers[i : i+1]
}
