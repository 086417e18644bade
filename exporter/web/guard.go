package web

import "net/http"

// readOnly lets GET and HEAD through and refuses every other method.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "This page can only be read: use GET or HEAD.", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// securityHeaders have their canonical names. Nobody changes the values.
var securityHeaders = http.Header{
	"Content-Security-Policy": {"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
	// With no-referrer a browser would say no origin when it sends our own forms.
	"Referrer-Policy":        {"same-origin"},
	"X-Content-Type-Options": {"nosniff"},
	"X-Frame-Options":        {"deny"},
}

// secure sets the security headers, except those that the operator's web
// configuration file has set already.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, value := range securityHeaders {
			if len(header[name]) == 0 {
				header[name] = value
			}
		}
		next.ServeHTTP(w, r)
	})
}
