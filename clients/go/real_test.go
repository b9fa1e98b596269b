package frontdesk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

const (
	easyQuery = "What is 2 + 2?"
	hardQuery = "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential " +
		"diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs " +
		"between accuracy and latency."
)

// TestRealServer calls `frontdesk serve` on its embedded pool.
func TestRealServer(t *testing.T) {
	client := dial(t, address(t, "FRONTDESK_ADDRESS"), WithPlaintext())
	get := func(t *testing.T, id string) *frontdeskv1.GetDecisionResponse {
		t.Helper()
		request := &frontdeskv1.GetDecisionRequest{DecisionId: id}
		return must[*frontdeskv1.GetDecisionResponse](t)(client.GetDecision(inTime(t), request))
	}
	var completed *frontdeskv1.CompleteResponse

	interop(t, "Route", "real server", func(t *testing.T) {
		request := &frontdeskv1.RouteRequest{Query: Ask(easyQuery), Labels: map[string]string{"team": "größe"}}
		decision := must[*frontdeskv1.RouteResponse](t)(client.Route(inTime(t), request)).GetDecision()
		wantEqual(t, decision.GetModel(), "small-llm")
		wantEqual(t, strings.HasPrefix(Explain(decision), "small-llm: "), true)
	})
	interop(t, "Route", "real server: typed error", func(t *testing.T) {
		_, err := client.Route(inTime(t), &frontdeskv1.RouteRequest{Query: Ask(easyQuery), Policy: scenario("nowhere", "")})
		wantEqual(t, wantError(t, err, codes.NotFound, "UNKNOWN_ROUTER").Violations[0].Field, "policy.router")
	})
	interop(t, "RouteBatch", "real server", func(t *testing.T) {
		request := &frontdeskv1.RouteBatchRequest{Queries: []*frontdeskv1.Query{Ask(easyQuery), {}, Ask(hardQuery)}}
		results := must[*frontdeskv1.RouteBatchResponse](t)(client.RouteBatch(inTime(t), request)).GetResults()
		wantEqual(t, results[0].GetDecision().GetModel(), "small-llm")
		wantEqual(t, results[1].GetError().GetReason(), "MESSAGES_EMPTY")
		wantEqual(t, results[2].GetDecision().GetModel(), "frontier-llm")
	})
	interop(t, "Complete", "real server", func(t *testing.T) {
		request := &frontdeskv1.CompleteRequest{Query: Ask(easyQuery)}
		completed = must[*frontdeskv1.CompleteResponse](t)(client.Complete(inTime(t), request))
		wantEqual(t, completed.GetCompletionId(), completed.GetDecision().GetDecisionId())
		if Text(completed.GetMessage()) == "" || completed.GetCost().GetTotalNanoUsd() <= 0 {
			t.Fatalf("got %v", completed)
		}
	})
	interop(t, "StreamComplete", "real server", func(t *testing.T) {
		request := &frontdeskv1.StreamCompleteRequest{Query: Ask(easyQuery)}
		stream := must[*Stream](t)(client.StreamComplete(inTime(t), request))
		var kinds []string
		for event, err := range stream.Events() {
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, kind(event))
		}
		if kinds[0] != "started" || kinds[len(kinds)-1] != "completed" || !slices.Contains(kinds, "text_delta") {
			t.Fatalf("events %v", kinds)
		}
		response := must[*frontdeskv1.CompleteResponse](t)(stream.Completion())
		wantEqual(t, Text(response.GetMessage()), Text(completed.GetMessage()))
	})
	interop(t, "StreamComplete", "real server: cancel", func(t *testing.T) {
		stream := must[*Stream](t)(client.StreamComplete(inTime(t), &frontdeskv1.StreamCompleteRequest{Query: Ask(hardQuery)}))
		var id string
		for event, err := range stream.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if started := event.GetStarted(); started != nil {
				id = started.GetCompletionId()
			}
			if event.GetTextDelta() != nil {
				break
			}
		}
		var attempts []*frontdeskv1.Attempt
		for deadline := time.Now().Add(10 * time.Second); len(attempts) == 0 && time.Now().Before(deadline); {
			attempts = get(t, id).GetAttempts()
		}
		wantEqual(t, attempts[0].GetOutcome(), frontdeskv1.AttemptOutcome_ATTEMPT_OUTCOME_CANCELLED)
	})
	interop(t, "ReportOutcome", "real server", func(t *testing.T) {
		request := &frontdeskv1.ReportOutcomeRequest{DecisionId: completed.GetCompletionId(), Quality: proto.Float64(0.5), Source: "go"}
		wantEqual(t, must[*frontdeskv1.ReportOutcomeResponse](t)(client.ReportOutcome(inTime(t), request)).GetReplaced(), false)
		wantEqual(t, must[*frontdeskv1.ReportOutcomeResponse](t)(client.ReportOutcome(inTime(t), request)).GetReplaced(), true)
	})
	interop(t, "GetDecision", "real server", func(t *testing.T) {
		recorded := get(t, completed.GetCompletionId())
		wantEqual(t, recorded.GetCost().GetTotalNanoUsd(), completed.GetCost().GetTotalNanoUsd())
		wantEqual(t, recorded.GetOutcomes()[0].GetQuality(), 0.5)
	})
	interop(t, "ListModels", "real server", func(t *testing.T) {
		models := must[*frontdeskv1.ListModelsResponse](t)(client.ListModels(inTime(t), &frontdeskv1.ListModelsRequest{})).GetModels()
		var names []string
		for _, model := range models {
			names = append(names, model.GetName())
		}
		if want := []string{"code-llm", "frontier-llm", "mid-llm", "small-llm"}; !slices.Equal(names, want) {
			t.Fatalf("models %v", names)
		}
	})
}
