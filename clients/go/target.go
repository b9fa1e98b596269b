package frontdesk

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// DefaultTarget is called where neither the caller nor FRONTDESK_ADDRESS names another.
const DefaultTarget = "localhost:50051"

const lastPort = 65535

var (
	// resolved splits a target into scheme and addresses. One that names a name server of its own is nobody's localhost.
	resolved    = regexp.MustCompile(`(?s)^(?:(dns|ipv4|ipv6|passthrough):(?:///)?)?(.*)$`)
	url         = regexp.MustCompile(`(?i)^(?:https?|grpcs?)://([^/?#]*)`)
	otherScheme = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://`)
	unixHost    = regexp.MustCompile(`^unix://[^/]`)
)

// targetOf is the target, or else that of FRONTDESK_ADDRESS, or else the default one. It fails where gRPC would not understand what
// is meant.
func targetOf(target string) (string, error) {
	if target == "" {
		target = os.Getenv("FRONTDESK_ADDRESS")
	}
	if target == "" {
		return DefaultTarget, nil
	}
	if fault := faultOf(target); fault != "" {
		return "", fmt.Errorf("frontdesk: target: %s %s", target, fault)
	}
	return target, nil
}

// isLocal tells whether the target is on this machine: a unix socket, localhost, or nothing but loopback addresses.
func isLocal(target string) bool {
	for _, called := range endpointsOf(target) {
		if !called.isLoopback() {
			return false
		}
	}
	return true
}

// faultOf tells what is wrong with a target, if anything.
func faultOf(target string) string {
	if parts := url.FindStringSubmatch(target); parts != nil {
		return "is a URL; write " + parts[1]
	}
	if strings.HasPrefix(target, "/") {
		return "is a path; write unix:" + target
	}
	if unixHost.MatchString(target) {
		return "names a host; write unix:" + strings.TrimPrefix(target, "unix:/")
	}
	for _, called := range endpointsOf(target) {
		if !called.hasPort && called.isLoopback() {
			return "names no port"
		}
		if port, err := strconv.ParseUint(called.port, 10, 16); called.hasPort && (err != nil || port == 0) {
			return fmt.Sprintf("has port '%s', which is not in 1 to %d", called.port, lastPort)
		}
	}
	return ""
}

// endpoint is host, host:port, [v6], [v6]:port or v6.
type endpoint struct {
	host, port string
	hasPort    bool
}

// endpointsOf are the endpoints which a target names; none for a unix socket.
func endpointsOf(target string) []endpoint {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return nil
	}
	parts := resolved.FindStringSubmatch(target)
	if parts[1] == "" && otherScheme.MatchString(target) {
		return []endpoint{{host: target}}
	}
	texts := []string{parts[2]}
	if strings.HasPrefix(parts[1], "ipv") {
		texts = strings.Split(parts[2], ",")
	}
	endpoints := make([]endpoint, len(texts))
	for i, text := range texts {
		endpoints[i] = endpointOf(text)
	}
	return endpoints
}

func endpointOf(text string) endpoint {
	if rest, bracketed := strings.CutPrefix(text, "["); bracketed {
		host, behind, _ := strings.Cut(rest, "]")
		return endpoint{host, strings.TrimPrefix(behind, ":"), behind != ""}
	}
	if strings.Count(text, ":") > 1 {
		return endpoint{host: text}
	}
	host, port, hasPort := strings.Cut(text, ":")
	return endpoint{host, port, hasPort}
}

func (e endpoint) isLoopback() bool {
	ip, err := netip.ParseAddr(e.host)
	return strings.EqualFold(e.host, "localhost") || (err == nil && ip.IsLoopback())
}
