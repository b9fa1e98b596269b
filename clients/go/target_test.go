package frontdesk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

func TestATargetThatCannotBeMeantIsRefusedAndToldWhatIsWrong(t *testing.T) {
	raw, err := os.ReadFile("../../tests/contract/vectors/targets.json")
	if err != nil {
		t.Fatal(err)
	}
	var known []struct{ Name, Fault string }
	if err := json.Unmarshal(raw, &known); err != nil || len(known) == 0 {
		t.Fatal("no targets", err)
	}
	for _, each := range known {
		told := ""
		if client, err := Dial(each.Name); err != nil {
			told = err.Error()
		} else {
			_ = client.Close()
		}
		want := ""
		if each.Fault != "" {
			want = "frontdesk: target: " + each.Fault
		}
		if told != want && !(each.Fault == "" && each.Name == "xds:///frontdesk") { // a scheme that a program may register
			t.Errorf("%s: %q, want %q", each.Name, told, want)
		}
	}
}

func TestAnHTTPServerIsToldFromOneThatWantsTLS(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	client, err := Dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = client.Route(ctx, &frontdeskv1.RouteRequest{Query: Ask("hi")})
	var failed *Error
	if !errors.As(err, &failed) || !strings.HasPrefix(failed.Message, "the server speaks HTTP there, and gRPC on another port (") {
		t.Fatal(err)
	}
}

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
