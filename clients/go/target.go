package frontdesk

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
)

// DefaultTarget is called where neither the caller nor FRONTDESK_ADDRESS names another.
const DefaultTarget = "localhost:50051"

// resolved splits a target into scheme and addresses. One that names a name server of its own is nobody's localhost.
var resolved = regexp.MustCompile(`(?s)^(?:(dns|ipv4|ipv6|passthrough):(?:///)?)?(.*)$`)

func targetOf(target string) string {
	if target == "" {
		target = os.Getenv("FRONTDESK_ADDRESS")
	}
	if target == "" {
		return DefaultTarget
	}
	return target
}

// isLocal tells whether the target is on this machine: a unix socket, localhost, or nothing but loopback addresses.
func isLocal(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	parts := resolved.FindStringSubmatch(target)
	addresses := []string{parts[2]}
	if strings.HasPrefix(parts[1], "ipv") {
		addresses = strings.Split(parts[2], ",")
	}
	for _, address := range addresses {
		host := hostOf(address)
		ip, err := netip.ParseAddr(host)
		if !strings.EqualFold(host, "localhost") && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// hostOf is the host of host, host:port, [v6] or [v6]:port.
func hostOf(address string) string {
	if rest, bracketed := strings.CutPrefix(address, "["); bracketed {
		host, _, _ := strings.Cut(rest, "]")
		return host
	}
	if strings.Count(address, ":") == 1 {
		host, _, _ := strings.Cut(address, ":")
		return host
	}
	return address
}
