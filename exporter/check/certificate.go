package check

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"icws_exporter/probe/icws"
)

// soon is how long before its end a certificate is warned of.
const soon = 30 * 24 * time.Hour

// certificateFinding describes a connection that is trusted.
func certificateFinding(state tls.ConnectionState, now time.Time) finding {
	version := tls.VersionName(state.Version)
	if len(state.PeerCertificates) == 0 {
		return good("%s", version)
	}
	first := state.PeerCertificates[0]
	for _, c := range state.PeerCertificates {
		if c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	left := first.NotAfter.Sub(now)
	text := fmt.Sprintf("%s, %s; expires in %d days, on %s", version, chain(state.PeerCertificates),
		int(left/(24*time.Hour)), first.NotAfter.UTC().Format(time.DateOnly))
	if left < soon {
		return warned(text, "renew the certificate of "+nameOf(first)+" before it expires: then nothing can connect any more")
	}
	return finding{status: OK, detail: text}
}

// chain names the certificate and who issued each.
func chain(certificates []*x509.Certificate) string {
	names := []string{"certificate of " + nameOf(certificates[0])}
	for _, c := range certificates {
		issuer := "issued by " + issuerOf(c)
		if isSelfIssued(c) {
			issuer = "issued by itself"
		}
		names = append(names, issuer)
	}
	return list(names)
}

func isSelfIssued(c *x509.Certificate) bool { return c.Subject.String() == c.Issuer.String() }

func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	default:
		return c.Subject.String()
	}
}

func issuerOf(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}

// explainTLS says why a handshake with host failed, and what to do.
func explainTLS(err error, host string) (detail, advice string) {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name) && name.Certificate != nil:
		return explainName(name.Certificate, host)
	case errors.As(err, &authority):
		return explainAuthority(err, authority)
	case errors.As(err, &invalid):
		return explainInvalid(invalid)
	case errors.As(err, &record):
		return "the answer is no TLS", "the port speaks plain HTTP or something else: " + ports
	default:
		return explain(err)
	}
}

const reissue = "; no setting of the exporter replaces that"

func explainName(c *x509.Certificate, host string) (detail, advice string) {
	if len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) == 0 {
		return fmt.Sprintf("the certificate of %s has no subject alternative name (SAN), and its common name does not count", nameOf(c)),
			"give the server a certificate with " + host + " as a subject alternative name" + reissue
	}
	return fmt.Sprintf("the certificate is for %s and not for %s", list(namesOf(c)), host),
		"name the host as the certificate does, or set http.tls_config.server_name to a name of the certificate"
}

func explainInvalid(invalid x509.CertificateInvalidError) (detail, advice string) {
	switch invalid.Reason {
	case x509.Expired:
		return invalid.Error(), "renew the certificate of the server; if it is new, check the clock of this machine"
	case x509.NotAuthorizedToSign:
		return explainNoCA(nameOf(invalid.Cert))
	case x509.IncompatibleUsage:
		return fmt.Sprintf("the certificate of %s is not for servers: its extended key usage is something else", nameOf(invalid.Cert)),
			"give the server a certificate whose extended key usage has serverAuth" + reissue
	default:
		return invalid.Error(), "the server needs another certificate"
	}
}

func explainNoCA(issuer string) (detail, advice string) {
	return fmt.Sprintf("the certificate of %s signed the server's and may not sign others: it is no CA certificate (basic constraints CA:TRUE, key usage keyCertSign)", issuer),
		"issue a CA certificate and let that sign the server's, or name the server's own certificate as http.tls_config.ca_file"
}

// adviseAlert goes by the text: crypto/tls has no types for what the other side
// complains of.
func adviseAlert(err error) string {
	const ours = "set http.tls_config.cert_file and key_file"
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case says("certificate required"), says("bad certificate"), says("unknown certificate"):
		return "the server wants a certificate of ours: " + ours
	case says("handshake failure"):
		return "the server has only ciphers that are no longer offered: if it knows only the RSA key exchange, GODEBUG=tlsrsakex=1 in the exporter's environment " +
			"(and with this check) brings that back, for 3DES it is tls3des=1, until the server has newer ones; or it wants a certificate of ours (" + ours + ")"
	case says("protocol version"):
		return "the server has only old versions of TLS; if it cannot be updated set http.tls_config.min_version"
	default:
		return reasonAdvice[icws.FailTLS]
	}
}

func explainAuthority(err error, authority x509.UnknownAuthorityError) (detail, advice string) {
	certificate, shown := authority.Cert, []*x509.Certificate{authority.Cert}
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) && len(verification.UnverifiedCertificates) > 0 {
		shown = verification.UnverifiedCertificates
		certificate = shown[0]
	}
	const advised = "and name it as http.tls_config.ca_file"
	switch weak := weaklySigned(shown); {
	case certificate == nil:
		return "the certificate is signed by an authority that is not known here", "get the certificate of the authority " + advised
	case weak != nil:
		return fmt.Sprintf("the certificate of %s is signed with %s, which is broken and not accepted", nameOf(weak), weak.SignatureAlgorithm),
			"have the certificate issued anew, with a SHA-256 signature" + reissue
	case strings.Contains(authority.Error(), "cannot sign this kind of certificate"): // it has no type
		return explainNoCA(issuerOf(certificate))
	case isSelfIssued(certificate):
		return fmt.Sprintf("the certificate of %s is signed by itself and not trusted here", nameOf(certificate)),
			"get the certificate from who runs the server " + advised
	default:
		return fmt.Sprintf("the certificate of %s is signed by %s, which is not known here", nameOf(certificate), issuerOf(certificate)),
			"get the certificate of " + issuerOf(certificate) + " " + advised
	}
}

// weaklySigned returns the first certificate whose signature nobody accepts. That of
// one which signs itself is not looked at.
func weaklySigned(certificates []*x509.Certificate) *x509.Certificate {
	for _, c := range certificates {
		if c == nil || isSelfIssued(c) {
			continue
		}
		switch c.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
			return c
		}
	}
	return nil
}

func namesOf(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, nameOf(c))
	}
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return names
}
