// Calls Complete and StreamComplete in turn at a steady rate, by round robin over the addresses that it is given, until
// its standard input ends. Prints a line of JSON for every call when all have ended.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	frontdesk "github.com/frontdesk/frontdesk/clients/go"
	v1 "github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

type result struct {
	Number       int     `json:"number"`
	Stream       bool    `json:"stream"`
	StartedAt    float64 `json:"started_at"`
	EndedAt      float64 `json:"ended_at"`
	Peer         string  `json:"peer"`
	Reason       string  `json:"reason"` // empty when the whole answer has come
	DecisionID   string  `json:"decision_id"`
	Version      string  `json:"version"`
	TotalNanoUSD int64   `json:"total_nano_usd"`
	OutputTokens int64   `json:"output_tokens"`
}

func main() {
	rate := flag.Float64("rate", 30, "calls a second")
	patience := flag.Duration("patience", 30*time.Second, "deadline of a call")
	flag.Parse()
	builder := manual.NewBuilderWithScheme("given")
	state := resolver.State{}
	for _, address := range flag.Args() {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	builder.InitialState(state)
	client, err := frontdesk.Dial("given:///frontdesk", frontdesk.WithPlaintext(),
		frontdesk.WithDialOptions(grpc.WithResolvers(builder)))
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	var results []result
	var mutex sync.Mutex
	var calls sync.WaitGroup
	ticker := time.NewTicker(time.Duration(float64(time.Second) / *rate))
	defer ticker.Stop()
	for number := 0; ; number++ {
		select {
		case <-ended:
			calls.Wait()
			encoder := json.NewEncoder(os.Stdout)
			for _, one := range results {
				encoder.Encode(one)
			}
			return
		case <-ticker.C:
			calls.Add(1)
			go func() {
				defer calls.Done()
				one := call(client, number, *patience)
				mutex.Lock()
				defer mutex.Unlock()
				results = append(results, one)
			}()
		}
	}
}

func call(client *frontdesk.Client, number int, patience time.Duration) result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	one := result{Number: number, Stream: number%2 == 1, StartedAt: now()}
	query := frontdesk.Ask(fmt.Sprintf("call %d", number))
	labels := map[string]string{"call": strconv.Itoa(number)}
	var answered peer.Peer
	var whole *v1.CompleteResponse
	var err error
	if one.Stream {
		whole, err = streamed(ctx, client, &v1.StreamCompleteRequest{Query: query, Labels: labels}, grpc.Peer(&answered))
	} else {
		whole, err = client.Complete(ctx, &v1.CompleteRequest{Query: query, Labels: labels}, grpc.Peer(&answered))
	}
	one.EndedAt = now()
	if answered.Addr != nil {
		one.Peer = answered.Addr.String()
	}
	one.DecisionID, one.Version = whole.GetDecision().GetDecisionId(), whole.GetDecision().GetRouterVersion()
	one.TotalNanoUSD, one.OutputTokens = whole.GetCost().GetTotalNanoUsd(), whole.GetUsage().GetOutputTokens()
	var failed *frontdesk.Error
	if errors.As(err, &failed) {
		one.Reason = failed.Reason
	} else if err != nil {
		one.Reason = err.Error()
	}
	return one
}

func streamed(
	ctx context.Context, client *frontdesk.Client, request *v1.StreamCompleteRequest, options ...grpc.CallOption,
) (*v1.CompleteResponse, error) {
	stream, err := client.StreamComplete(ctx, request, options...)
	if err != nil {
		return nil, err
	}
	for _, err := range stream.Events() {
		if err != nil {
			return nil, err
		}
	}
	return stream.Completion()
}

func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }
