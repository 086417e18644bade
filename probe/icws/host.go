package icws

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxHostBytes = 253

// ValidHost reports whether entry is a plain host, as alternateHostList has them
// (protocol.md, 1.4): a host name, an IPv4 address, or an IPv6 address with or
// without brackets, and optionally a port, which an IPv6 address needs brackets
// for. The log-on goes to such a host, so nothing else is let through.
func ValidHost(entry string) bool {
	if entry == "" || len(entry) > maxHostBytes {
		return false
	}
	name, port := splitPort(entry)
	if port != "" {
		if n, err := strconv.ParseUint(port[1:], 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && isIPv6(inner)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return !strings.Contains(name, "%")
	}
	return isHostName(name)
}

// splitPort splits the port off, with its colon. A bare IPv6 address has none.
func splitPort(entry string) (name, port string) {
	i := strings.LastIndexByte(entry, ':')
	if i < 0 || strings.HasSuffix(entry, "]") || isIPv6(entry) {
		return entry, ""
	}
	return entry[:i], entry[i:]
}

func isIPv6(name string) bool {
	address, err := netip.ParseAddr(name)
	return err == nil && address.Is6() && address.Zone() == ""
}

// isHostName accepts underscores, which Windows hosts have, and refuses names
// that end like a number: some resolvers take those for addresses.
func isHostName(name string) bool {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return !isNumber(labels[len(labels)-1])
}

// isNumber reports whether a resolver might take the label for a number: decimal,
// octal or hexadecimal, of any length.
func isNumber(label string) bool {
	digits := "0123456789"
	if len(label) > 2 && (label[:2] == "0x" || label[:2] == "0X") {
		label, digits = label[2:], "0123456789abcdefABCDEF"
	}
	return strings.Trim(label, digits) == ""
}

// IsLocal reports whether a host, as ValidHost accepts it, is the machine that asks
// or a neighbour on its link: a loopback, unspecified, link-local or multicast
// address, also within an IPv6 address, or a name that stands for the loopback.
func IsLocal(host string) bool {
	name, _ := splitPort(host)
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if address, err := netip.ParseAddr(name); err == nil {
		return isLocalAddress(address)
	}
	labels := strings.Split(name, ".")
	return slices.Contains(localHosts, labels[0]) || slices.Contains(localDomains, labels[len(labels)-1])
}

// What hosts files and resolvers call the loopback.
var (
	localHosts   = []string{"localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback", "loopback"}
	localDomains = []string{"localhost", "localdomain", "localdomain4", "localdomain6"}
)

// The prefixes of IPv6 whose last four bytes are an IPv4 address: the deprecated
// compatible addresses, and those of a translator.
var holdIPv4 = []netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96")}

func isLocalAddress(a netip.Addr) bool {
	a = a.Unmap()
	for _, prefix := range holdIPv4 {
		if bytes := a.As16(); a.Is6() && prefix.Contains(a) && !a.IsLoopback() {
			a = netip.AddrFrom4([4]byte(bytes[12:]))
		}
	}
	isThisNetwork := a.Is4() && a.As4()[0] == 0 // 0.0.0.0/8, which some systems take for the loopback
	return isThisNetwork || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast()
}

const hostPlaceholder = "{host}"

var (
	errURLHost     = errors.New("the host is not valid, want a name or an address, with or without a port")
	errURLTemplate = errors.New("the URL is not valid, want one like https://{host}:8019 or https://proxy/app/api/{host}")
)

// ExpandURL puts host into a template of a base URL. As the URL's host it is
// replaced together with the template's port when it has a port of its own; as a
// segment of the path, where a proxy looks for it (protocol.md, 5.4), it is
// inserted as it is. A template without {host} is the URL itself. No error repeats
// the template.
func ExpandURL(template, host string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(template, "://")
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if strings.Contains(rest, hostPlaceholder) && !ValidHost(host) {
		return nil, errURLHost
	}
	if strings.Contains(authority, "@") {
		return nil, errURLTemplate
	}
	if strings.Contains(authority, hostPlaceholder) {
		authority = expandAuthority(authority, host)
	}
	path = strings.ReplaceAll(path, hostPlaceholder, url.PathEscape(host))
	u, err := url.Parse(scheme + "://" + authority + path)
	if err != nil {
		return nil, errURLTemplate
	}
	if u.Scheme != "http" && u.Scheme != "https" || !ValidHost(u.Host) ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(u.Path, "{}") {
		return nil, errURLTemplate
	}
	return u, nil
}

func expandAuthority(authority, host string) string {
	name, port := splitPort(host)
	if isIPv6(name) {
		name = "[" + name + "]"
	}
	before, templatePort := splitPort(authority)
	if port == "" {
		port = templatePort
	}
	return strings.ReplaceAll(before, hostPlaceholder, name) + port
}
