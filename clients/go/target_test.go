package frontdesk

import "testing"

func TestThisMachineIsToldFromOthers(t *testing.T) {
	for target, want := range map[string]bool{
		"localhost:50051": true, "LOCALHOST": true, "127.0.0.1:50051": true, "127.8.0.1:1": true, "[::1]:50051": true, "::1": true,
		"dns:localhost:1": true, "dns:///127.0.0.1:1": true, "ipv4:127.0.0.1:1,127.0.0.2:1": true, "ipv6:[::1]:1": true,
		"unix:/run/x.sock": true, "unix-abstract:x": true, "passthrough:///127.0.0.1:1": true,
		"frontdesk:50051": false, "127.0.0.1.example.org:1": false, "localhost.example.org:1": false, "dns:///frontdesk:1": false,
		"dns://10.0.0.1/localhost:1": false, "ipv4:127.0.0.1:1,10.0.0.1:1": false, "[2001:db8::1]:1": false, "10.0.0.1:1": false,
	} {
		wantEqual(t, isLocal(target), want)
	}
}
