// Calls Route again and again over the addresses that it is given, balanced by the load that their answers report, and
// prints how many calls each address got.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	v1 "github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/weightedroundrobin"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const (
	balancing = `{"loadBalancingConfig": [{"weighted_round_robin": {"blackoutPeriod": "0s", "weightUpdatePeriod": "0.1s"}}]}`
	// Calls by which the loads become known, and calls that are counted: so many, however long a busy machine takes.
	learning = 600
	counting = 600
	pause    = 2 * time.Millisecond
)

func main() {
	builder := manual.NewBuilderWithScheme("given")
	state := resolver.State{}
	for _, address := range os.Args[1:] {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	builder.InitialState(state)
	connection, err := grpc.NewClient("given:///frontdesk", grpc.WithResolvers(builder),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(balancing))
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	client := v1.NewRouterServiceClient(connection)
	counts := map[string]int{}
	for call := 0; call < learning+counting; call++ {
		var answered peer.Peer
		query := &v1.Query{Messages: []*v1.Message{{
			Role:  v1.Role_ROLE_USER,
			Parts: []*v1.ContentPart{{Part: &v1.ContentPart_Text{Text: "What is 2 + 2?"}}},
		}}}
		_, err := client.Route(context.Background(), &v1.RouteRequest{Query: query}, grpc.Peer(&answered), grpc.WaitForReady(true))
		if err != nil {
			panic(err)
		}
		if call >= learning {
			counts[answered.Addr.String()]++
		}
		time.Sleep(pause)
	}
	json.NewEncoder(os.Stdout).Encode(counts)
}
