package frontdesk_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	frontdesk "github.com/frontdesk/frontdesk/clients/go"
	"github.com/frontdesk/frontdesk/clients/go/frontdesktest"
	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// fakeCell runs one cell of the interop table that needs no server of tests/interop.
func fakeCell(t *testing.T, rpc string, test func(t *testing.T)) {
	passed := t.Run(rpc, test)
	path := os.Getenv("FRONTDESK_INTEROP_RESULTS")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cell := map[string]any{"language": "Go", "rpc": rpc, "feature": "fake", "passed": passed}
	if err := json.NewEncoder(file).Encode(cell); err != nil {
		t.Fatal(err)
	}
}

func ask(client *frontdesk.Client, text string) (*frontdeskv1.CompleteResponse, error) {
	request := &frontdeskv1.CompleteRequest{Query: frontdesk.Ask(text, frontdesk.Temperature(0))}
	return client.Complete(context.Background(), request)
}

func reasonOf(err error) string {
	var failed *frontdesk.Error
	if errors.As(err, &failed) {
		return failed.Reason
	}
	return ""
}

func TestFake(t *testing.T) {
	ctx := context.Background()
	fakeCell(t, "Complete", func(t *testing.T) {
		desk := frontdesktest.Start(t)
		client := desk.Client(t)
		desk.Answer(
			frontdesktest.Answer{Text: "4", Model: "frontier-llm", ToolCalls: []*frontdeskv1.ToolCall{{Id: "c1", Name: "add"}}},
			frontdesktest.Answer{Code: codes.ResourceExhausted, Reason: frontdesk.ReasonRateLimited, RetryDelay: 1500 * time.Millisecond},
			frontdesktest.Answer{Code: codes.Unavailable, Reason: frontdesk.ReasonShuttingDown},
		)
		completed, err := ask(client, "What is 2 + 2?")
		if err != nil || completed.GetModel() != "frontier-llm" || frontdesk.Text(completed.GetMessage()) != "4" {
			t.Fatal(completed, err)
		}
		if call := completed.GetMessage().GetParts()[1].GetToolCall(); call.GetName() != "add" {
			t.Fatal(completed)
		}
		_, err = ask(client, "Hi.")
		var limited *frontdesk.Error
		if !errors.As(err, &limited) || limited.Reason != frontdesk.ReasonRateLimited || limited.RetryDelay != 1500*time.Millisecond {
			t.Fatal(err)
		}
		if _, err = ask(client, "Hi."); reasonOf(err) != frontdesk.ReasonShuttingDown {
			t.Fatal(err)
		}
		outcome := &frontdeskv1.ReportOutcomeRequest{DecisionId: completed.GetCompletionId(), Quality: proto.Float64(1), Source: "test"}
		if _, err := client.ReportOutcome(ctx, outcome); err != nil {
			t.Fatal(err)
		}
		recorded, err := client.GetDecision(ctx, &frontdeskv1.GetDecisionRequest{DecisionId: completed.GetCompletionId()})
		if err != nil || recorded.GetOutcomes()[0].GetQuality() != 1 || !proto.Equal(recorded.GetCost(), completed.GetCost()) {
			t.Fatal(recorded, err)
		}
		_, err = client.GetDecision(ctx, &frontdeskv1.GetDecisionRequest{DecisionId: "nowhere"})
		if reasonOf(err) != frontdesk.ReasonDecisionNotFound {
			t.Fatal(err)
		}
		if models, err := client.ListModels(ctx, &frontdeskv1.ListModelsRequest{}); err != nil || len(models.GetModels()) != 2 {
			t.Fatal(models, err)
		}
		if answer, err := ask(client, "Hi."); err != nil || frontdesk.Text(answer.GetMessage()) != "An answer." {
			t.Fatal(answer, err)
		}
		first := desk.Requests()[0].(*frontdeskv1.CompleteRequest)
		if !proto.Equal(first.GetQuery(), frontdesk.Ask("What is 2 + 2?", frontdesk.Temperature(0))) {
			t.Fatal(first)
		}
	})
	fakeCell(t, "StreamComplete", func(t *testing.T) {
		desk := frontdesktest.Start(t)
		client := desk.Client(t)
		desk.Answer(
			frontdesktest.Answer{Text: "Four it is."},
			frontdesktest.Answer{Text: "Half an ans", Code: codes.Unavailable, Reason: frontdesk.ReasonUpstreamCut},
		)
		request := &frontdeskv1.StreamCompleteRequest{Query: frontdesk.Ask("2 + 2?")}
		stream, err := client.StreamComplete(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		var said string
		for text, err := range stream.Text() {
			if err != nil {
				t.Fatal(err)
			}
			said += text
		}
		if said != "Four it is." {
			t.Fatal(said)
		}
		broken, err := client.StreamComplete(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		_, err = broken.Completion()
		var failed *frontdesk.Error
		if !errors.As(err, &failed) || failed.Reason != frontdesk.ReasonUpstreamCut || !failed.Failure.GetCommitted() {
			t.Fatal(err)
		}
		if frontdesk.Text(failed.Partial.GetMessage()) != "Half an ans" || failed.CompletionID != failed.Partial.GetCompletionId() {
			t.Fatal(failed.Partial)
		}
	})
}

// completePatiently repeats what the server says may be repeated, later each time, and never past the context's deadline.
func completePatiently(
	ctx context.Context, client *frontdesk.Client, request *frontdeskv1.CompleteRequest,
) (*frontdeskv1.CompleteResponse, error) {
	for attempt := 0; ; attempt++ {
		answer, err := client.Complete(ctx, request)
		var failed *frontdesk.Error
		if !errors.As(err, &failed) || failed.RetryDelay == 0 { // waiting does not help
			return answer, err
		}
		wait := failed.RetryDelay << attempt
		wait += time.Duration(rand.Int64N(int64(wait)/2 + 1)) // so that callers spread
		if end, limited := ctx.Deadline(); limited && time.Now().Add(wait).After(end) {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func TestThePatientCallerWaitsAsToldAndStopsBeforeTheDeadline(t *testing.T) {
	desk := frontdesktest.Start(t)
	client := desk.Client(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request := &frontdeskv1.CompleteRequest{Query: frontdesk.Ask("Hi.")}
	busy := frontdesktest.Answer{Code: codes.ResourceExhausted, Reason: frontdesk.ReasonOverloaded, RetryDelay: 10 * time.Millisecond}
	spent := frontdesktest.Answer{Code: codes.ResourceExhausted, Reason: frontdesk.ReasonBudgetExhausted, RetryDelay: time.Hour}
	desk.Answer(busy, busy, frontdesktest.Answer{Text: "at last"}, spent)
	if answer, err := completePatiently(ctx, client, request); err != nil || frontdesk.Text(answer.GetMessage()) != "at last" {
		t.Fatal(answer, err)
	}
	if _, err := completePatiently(ctx, client, request); reasonOf(err) != frontdesk.ReasonBudgetExhausted {
		t.Fatal(err)
	}
}
