package check

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"icws_exporter/exporter/advice"
)

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
	if left < advice.CertificateSoon {
		return warned(text, advise(advice.CertificateExpiring, nameOf(first)))
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

// explainTLS says why a handshake with the host of a URL failed, and what to do.
func explainTLS(err error, at *url.URL) (detail, what string) {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name) && name.Certificate != nil:
		return explainName(name.Certificate, at.Hostname())
	case errors.As(err, &authority):
		return explainAuthority(err, authority, address(at))
	case errors.As(err, &invalid):
		return explainInvalid(invalid)
	case errors.As(err, &record):
		return "the answer is no TLS", advise(advice.NoTLS, "")
	default:
		return explain(err)
	}
}

func explainName(c *x509.Certificate, host string) (detail, what string) {
	if len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) == 0 {
		return fmt.Sprintf("the certificate of %s has no subject alternative name (SAN), and its common name does not count", nameOf(c)),
			advise(advice.NoSubjectName, host)
	}
	return fmt.Sprintf("the certificate is for %s and not for %s", list(namesOf(c)), host),
		advise(advice.OtherName, host)
}

func explainInvalid(invalid x509.CertificateInvalidError) (detail, what string) {
	switch invalid.Reason {
	case x509.Expired:
		return invalid.Error(), advise(advice.Expired, "")
	case x509.NotAuthorizedToSign:
		return explainNoCA(nameOf(invalid.Cert))
	case x509.IncompatibleUsage:
		return fmt.Sprintf("the certificate of %s is not for servers: its extended key usage is something else", nameOf(invalid.Cert)),
			advise(advice.NotForServers, "")
	default:
		return invalid.Error(), advise(advice.NotValid, "")
	}
}

func explainNoCA(issuer string) (detail, what string) {
	return fmt.Sprintf("the certificate of %s signed the server's and may not sign others: it is no CA certificate (basic constraints CA:TRUE, key usage keyCertSign)", issuer),
		advise(advice.NoAuthority, "")
}

// adviseAlert goes by the text: crypto/tls has no types for what the other side
// complains of.
func adviseAlert(err error) string {
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case says("certificate required"), says("bad certificate"), says("unknown certificate"):
		return advise(advice.WantsOurs, "")
	case says("handshake failure"):
		return advise(advice.OldCiphers, "")
	case says("protocol version"):
		return advise(advice.OldTLS, "")
	default:
		return advise(advice.TLS, "")
	}
}

func explainAuthority(err error, authority x509.UnknownAuthorityError, host string) (detail, what string) {
	certificate, shown := authority.Cert, []*x509.Certificate{authority.Cert}
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) && len(verification.UnverifiedCertificates) > 0 {
		shown = verification.UnverifiedCertificates
		certificate = shown[0]
	}
	switch weak := weaklySigned(shown); {
	case certificate == nil:
		return "the certificate is signed by an authority that is not known here", advise(advice.UnknownSigner, host)
	case weak != nil:
		return fmt.Sprintf("the certificate of %s is signed with %s, which is broken and not accepted", nameOf(weak), weak.SignatureAlgorithm),
			advise(advice.WeakSignature, "")
	case strings.Contains(authority.Error(), "cannot sign this kind of certificate"): // it has no type
		return explainNoCA(issuerOf(certificate))
	case isSelfIssued(certificate):
		return fmt.Sprintf("the certificate of %s is signed by itself and not trusted here; its SHA-256 fingerprint is %s", nameOf(certificate), fingerprint(certificate)),
			advise(advice.SelfSigned, host)
	default:
		return fmt.Sprintf("the certificate of %s is signed by %s, which is not known here; its SHA-256 fingerprint is %s", nameOf(certificate), issuerOf(certificate), fingerprint(certificate)),
			advise(advice.UnknownSigner, host)
	}
}

// address is the host and the port of a URL, as openssl wants them.
func address(at *url.URL) string {
	if at.Port() != "" {
		return at.Host
	}
	return at.Host + ":443"
}

// fingerprint is what openssl and browsers show as SHA-256 of a certificate.
func fingerprint(c *x509.Certificate) string {
	var pairs []string
	for _, b := range sha256.Sum256(c.Raw) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":")
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
