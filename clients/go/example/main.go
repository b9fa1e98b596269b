// Command example shows a Frontdesk caller's day: route, complete, stream, cancel midway, report an outcome.
//
//	FRONTDESK_ADDRESS=127.0.0.1:50051 go run ./example
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/protobuf/proto"

	frontdesk "github.com/frontdesk/frontdesk/clients/go"
	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	client, err := frontdesk.Dial("") // where FRONTDESK_ADDRESS says
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	fmt.Println("== route")
	routed, err := client.Route(ctx, &frontdeskv1.RouteRequest{Query: frontdesk.Ask("What is 2 + 2?")})
	if err != nil {
		return err
	}
	fmt.Println(frontdesk.Explain(routed.GetDecision()))

	fmt.Println("== complete")
	completed, err := client.Complete(ctx, &frontdeskv1.CompleteRequest{Query: frontdesk.Ask("What is 2 + 2?")})
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s (%d nano-USD)\n",
		completed.GetModel(), frontdesk.Text(completed.GetMessage()), completed.GetCost().GetTotalNanoUsd())

	fmt.Println("== stream")
	if err := stream(ctx, client); err != nil {
		return err
	}
	fmt.Println("== cancel")
	if err := cancelMidway(ctx, client); err != nil {
		return err
	}

	fmt.Println("== outcome")
	reported, err := client.ReportOutcome(ctx, &frontdeskv1.ReportOutcomeRequest{
		DecisionId: completed.GetCompletionId(), Quality: proto.Float64(1), Source: "example",
	})
	if err != nil {
		return err
	}
	fmt.Printf("quality %g recorded for %s\n", reported.GetOutcome().GetQuality(), reported.GetOutcome().GetDecisionId())
	return nil
}

// stream prints the decision first, then the answer as it comes.
func stream(ctx context.Context, client *frontdesk.Client) error {
	stream, err := client.StreamComplete(ctx, &frontdeskv1.StreamCompleteRequest{
		Query: frontdesk.Ask("Fix the bug in this Python function that calculates Fibonacci."),
	})
	if err != nil {
		return err
	}
	for event, err := range stream.Events() {
		if err != nil {
			return err
		}
		switch event := event.GetEvent().(type) {
		case *frontdeskv1.StreamCompleteResponse_Started:
			fmt.Println("decided for", event.Started.GetDecision().GetModel())
		case *frontdeskv1.StreamCompleteResponse_TextDelta:
			fmt.Print(event.TextDelta.GetText())
		case *frontdeskv1.StreamCompleteResponse_AttemptEnded:
			fmt.Println("\n-- handed over to", event.AttemptEnded.GetNextModel())
		case *frontdeskv1.StreamCompleteResponse_Completed:
			fmt.Printf("\n(%d nano-USD)\n", event.Completed.GetCost().GetTotalNanoUsd())
		}
	}
	return nil
}

// cancelMidway gives up at the first piece of text; the provider is cut off too.
func cancelMidway(ctx context.Context, client *frontdesk.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.StreamComplete(ctx, &frontdeskv1.StreamCompleteRequest{
		Query: frontdesk.Ask("Design a comprehensive multi-agent system for medical diagnosis."),
	})
	if err != nil {
		return err
	}
	for event, err := range stream.Events() {
		if errors.Is(err, context.Canceled) {
			fmt.Println("cancelled midway")
			return nil
		}
		if err != nil {
			return err
		}
		if event.GetTextDelta() != nil {
			cancel()
		}
	}
	fmt.Println("the answer was complete before it could be cancelled")
	return nil
}
