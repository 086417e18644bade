// Package pages is what people look at in a browser: the overview, a page per
// server, their live updates, the configuration, runbooks and dashboards.
package pages
