package frontdesk

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// These tests call the servers that tests/interop starts; see tests/interop/scripted_server.py for the scenarios.

const utf8Text = "Grüße, 漢字 и 😀\u0000 e\u0301"

// interop runs one cell of the interop table and records how it went.
func interop(t *testing.T, rpc, feature string, test func(t *testing.T)) {
	t.Helper()
	passed := t.Run(rpc+"/"+feature, test)
	appendLine(t, "FRONTDESK_INTEROP_RESULTS", map[string]any{"language": "Go", "rpc": rpc, "feature": feature, "passed": passed})
}

// appendLine adds a JSON object to the file which the variable names.
func appendLine(t *testing.T, variable string, value map[string]any) {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		return
	}
	file := must[*os.File](t)(os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644))
	defer file.Close()
	if err := json.NewEncoder(file).Encode(value); err != nil {
		t.Fatal(err)
	}
}

func address(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("%s is not set; tests/interop sets it", variable)
	}
	return value
}

func dial(t *testing.T, target string, options ...Option) *Client {
	t.Helper()
	client, err := Dial(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func scripted(t *testing.T) *Client {
	t.Helper()
	return dial(t, address(t, "FRONTDESK_SCRIPTED_ADDRESS"), WithPlaintext())
}

func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func scenario(name, key string) *frontdeskv1.RoutingPolicy {
	return &frontdeskv1.RoutingPolicy{Router: name, AffinityKey: key}
}

func routeIn(name, key string) *frontdeskv1.RouteRequest {
	return &frontdeskv1.RouteRequest{Query: Ask("Hi."), Policy: scenario(name, key)}
}

func completeIn(name, key, text string) *frontdeskv1.CompleteRequest {
	return &frontdeskv1.CompleteRequest{Query: Ask(text), Policy: scenario(name, key)}
}

func streamIn(name, key, text string) *frontdeskv1.StreamCompleteRequest {
	return &frontdeskv1.StreamCompleteRequest{Query: Ask(text), Policy: scenario(name, key)}
}

func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantError(t *testing.T, err error, code codes.Code, reason string) *Error {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != code || failed.Reason != reason || status.Code(err) != code {
		t.Fatalf("got %v, want %s %s", err, code, reason)
	}
	return failed
}

func wantEqual[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// label is what GetDecision tells of the calls with an affinity key.
func label(t *testing.T, client *Client, key, name string) string {
	t.Helper()
	request := &frontdeskv1.GetDecisionRequest{DecisionId: key}
	return must[*frontdeskv1.GetDecisionResponse](t)(client.GetDecision(inTime(t), request)).GetLabels()[name]
}

// seen is what the server saw of a call of the scenario "metadata".
type seen struct {
	Metadata    map[string]string `json:"metadata"`
	SecondsLeft *float64          `json:"seconds_left"`
	Port        int               `json:"port"`
}

func seenBy(t *testing.T, decision *frontdeskv1.Decision) seen {
	t.Helper()
	var s seen
	if err := json.Unmarshal([]byte(decision.GetReason()), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoute(t *testing.T) {
	client := scripted(t)
	route := func(t *testing.T, client *Client, name, key string) *frontdeskv1.Decision {
		t.Helper()
		return must[*frontdeskv1.RouteResponse](t)(client.Route(inTime(t), routeIn(name, key))).GetDecision()
	}
	interop(t, "Route", "call", func(t *testing.T) {
		decision := route(t, client, "default", "")
		wantEqual(t, decision.GetModel(), "small-llm")
		wantEqual(t, decision.GetCandidates()[0].GetPredictedQuality(), 0.8)
	})
	interop(t, "Route", "utf-8", func(t *testing.T) {
		wantEqual(t, route(t, client, "default", "größe-漢-😀").GetDecisionId(), "größe-漢-😀")
	})
	interop(t, "Route", "newer server", func(t *testing.T) {
		wantEqual(t, route(t, client, "newer", "").GetPath()[0].GetVerdict(), 99)
	})
	interop(t, "Route", "typed error", func(t *testing.T) {
		_, err := client.Route(inTime(t), routeIn("error:MESSAGES_EMPTY", ""))
		failed := wantError(t, err, codes.InvalidArgument, "MESSAGES_EMPTY")
		wantEqual(t, failed.Violations[0], FieldViolation{"query.messages[0].name", "größe: The query holds no message.", "MESSAGES_EMPTY"})
		_, err = client.Route(inTime(t), routeIn("error:RATE_LIMITED", ""))
		wantEqual(t, wantError(t, err, codes.ResourceExhausted, "RATE_LIMITED").RetryDelay, 1500*time.Millisecond)
	})
	interop(t, "Route", "retry", func(t *testing.T) {
		route(t, client, "flaky:2", "go-flaky")
		wantEqual(t, label(t, client, "go-flaky", "calls"), "3")
	})
	interop(t, "Route", "retry forbidden", func(t *testing.T) {
		_, err := client.Route(inTime(t), routeIn("refusing", "go-refusing"))
		wantError(t, err, codes.Unavailable, "UPSTREAM_FAILED")
		wantEqual(t, label(t, client, "go-refusing", "calls"), "1")
	})
	interop(t, "Route", "metadata", func(t *testing.T) {
		target := address(t, "FRONTDESK_SCRIPTED_ADDRESS")
		s := seenBy(t, route(t, dial(t, target, WithPlaintext(), WithToken("secret")), "metadata", ""))
		wantEqual(t, s.Metadata["authorization"], "Bearer secret")
		if !strings.HasPrefix(s.Metadata["user-agent"], "frontdesk-go/"+Version) {
			t.Fatalf("user agent %q", s.Metadata["user-agent"])
		}
		if s.SecondsLeft == nil || *s.SecondsLeft > 21 || *s.SecondsLeft < 1 {
			t.Fatalf("the deadline did not arrive: %v", s.SecondsLeft)
		}
	})
	interop(t, "Route", "TLS", func(t *testing.T) {
		pem := must[[]byte](t)(os.ReadFile(address(t, "FRONTDESK_SCRIPTED_CERTIFICATE")))
		target := address(t, "FRONTDESK_SCRIPTED_TLS_ADDRESS")
		s := seenBy(t, route(t, dial(t, target, WithRootCertificates(pem), WithToken("secret")), "metadata", ""))
		wantEqual(t, s.Metadata["authorization"], "Bearer secret")
	})
	interop(t, "Route", "round robin", func(t *testing.T) {
		addresses := []resolver.Address{
			{Addr: address(t, "FRONTDESK_SCRIPTED_ADDRESS")}, {Addr: address(t, "FRONTDESK_SCRIPTED_ADDRESS_2")},
		}
		names := manual.NewBuilderWithScheme("frontdesk-test")
		names.InitialState(resolver.State{Addresses: addresses})
		both := dial(t, names.Scheme()+":///", WithPlaintext(), WithDialOptions(grpc.WithResolvers(names)))
		ports := map[int]bool{}
		for deadline := time.Now().Add(10 * time.Second); len(ports) < 2 && time.Now().Before(deadline); {
			ports[seenBy(t, route(t, both, "metadata", "")).Port] = true
		}
		wantEqual(t, len(ports), 2)
	})
}

func TestConnection(t *testing.T) {
	scriptedAddress, tlsAddress := address(t, "FRONTDESK_SCRIPTED_ADDRESS"), address(t, "FRONTDESK_SCRIPTED_TLS_ADDRESS")
	authorization := func(t *testing.T, options ...Option) string {
		t.Helper()
		request := routeIn("metadata", "")
		response := must[*frontdeskv1.RouteResponse](t)(dial(t, scriptedAddress, options...).Route(inTime(t), request))
		return seenBy(t, response.GetDecision()).Metadata["authorization"]
	}
	unavailable := func(t *testing.T, cause, target string, options ...Option) {
		t.Helper()
		_, err := dial(t, target, options...).Route(inTime(t), routeIn("default", ""))
		failed := wantError(t, err, codes.Unavailable, "UNAVAILABLE")
		if !strings.HasPrefix(failed.Message, cause+" (") {
			t.Fatalf("got %q", failed.Message)
		}
	}
	interop(t, "Route", "environment", func(t *testing.T) {
		real := must[*frontdeskv1.RouteResponse](t)(dial(t, "").Route(inTime(t), &frontdeskv1.RouteRequest{Query: Ask(easyQuery)}))
		wantEqual(t, real.GetDecision().GetModel(), "small-llm")
		wantEqual(t, authorization(t), "Bearer "+os.Getenv("FRONTDESK_TOKEN"))
	})
	interop(t, "Route", "token source", func(t *testing.T) {
		tokens := []string{"first", "second\n"}
		client := dial(t, scriptedAddress, WithTokenSource(func(context.Context) (string, error) {
			if len(tokens) == 0 {
				return "", errors.New("expired")
			}
			token := tokens[0]
			tokens = tokens[1:]
			return token, nil
		}))
		for _, want := range []string{"Bearer first", "Bearer second"} {
			response := must[*frontdeskv1.RouteResponse](t)(client.Route(inTime(t), routeIn("metadata", "")))
			wantEqual(t, seenBy(t, response.GetDecision()).Metadata["authorization"], want)
		}
		_, err := client.Route(inTime(t), routeIn("metadata", ""))
		wantError(t, err, codes.Unauthenticated, "UNAUTHENTICATED")
	})
	interop(t, "Route", "token refused", func(t *testing.T) {
		wantEqual(t, authorization(t, WithToken("secret\n")), "Bearer secret")
		_, err := Dial(scriptedAddress, WithToken("se\ncret"))
		if err == nil || strings.Contains(err.Error(), "cret") || !strings.Contains(err.Error(), "character 3 is") {
			t.Fatalf("got %v", err)
		}
	})
	interop(t, "Route", "untrusted certificate", func(t *testing.T) {
		unavailable(t, "the server's certificate is not trusted", tlsAddress, WithTLS(&tls.Config{MinVersion: tls.VersionTLS12}))
	})
	interop(t, "Route", "plaintext against TLS", func(t *testing.T) {
		unavailable(t, "the server closes connections in plain text: it may want TLS", tlsAddress)
	})
	interop(t, "Route", "nobody listens", func(t *testing.T) {
		unavailable(t, "nobody listens there", "127.0.0.1:9")
	})
	interop(t, "Route", "closed client", func(t *testing.T) {
		client := dial(t, scriptedAddress)
		wantEqual(t, client.Close(), nil)
		wantEqual(t, client.Close(), nil)
		_, err := client.Route(inTime(t), routeIn("default", ""))
		wantError(t, err, codes.FailedPrecondition, ReasonClientClosed)
		_, err = client.StreamComplete(inTime(t), streamIn("default", "", "Hi."))
		wantError(t, err, codes.FailedPrecondition, ReasonClientClosed)
	})
	interop(t, "Route", "JSON", func(t *testing.T) {
		response := must[*frontdeskv1.RouteResponse](t)(dial(t, scriptedAddress).Route(inTime(t), routeIn("default", "")))
		var written struct {
			Model      string
			Candidates []struct{ PredictedQuality float64 }
		}
		wantEqual(t, json.Unmarshal([]byte(must[string](t)(ToJSON(response.GetDecision()))), &written), nil)
		wantEqual(t, written.Model, "small-llm")
		wantEqual(t, written.Candidates[0].PredictedQuality, 0.8)
	})
}

func TestRouteBatch(t *testing.T) {
	client := scripted(t)
	interop(t, "RouteBatch", "call", func(t *testing.T) {
		request := &frontdeskv1.RouteBatchRequest{Queries: []*frontdeskv1.Query{Ask("one"), {}, Ask(utf8Text)}}
		results := must[*frontdeskv1.RouteBatchResponse](t)(client.RouteBatch(inTime(t), request)).GetResults()
		wantEqual(t, len(results), 3)
		wantEqual(t, results[0].GetDecision().GetReason(), "one")
		wantEqual(t, results[1].GetError().GetField(), "queries[1].messages")
		wantEqual(t, results[2].GetDecision().GetReason(), utf8Text)
	})
	interop(t, "RouteBatch", "typed error", func(t *testing.T) {
		request := &frontdeskv1.RouteBatchRequest{
			Queries: []*frontdeskv1.Query{Ask("one")}, Policy: scenario("error:BUDGET_EXHAUSTED", ""),
		}
		_, err := client.RouteBatch(inTime(t), request)
		wantEqual(t, wantError(t, err, codes.ResourceExhausted, "BUDGET_EXHAUSTED").RetryDelay, time.Hour)
	})
}

func TestComplete(t *testing.T) {
	client := scripted(t)
	for feature, text := range map[string]string{
		"call": "Hi.", "utf-8": utf8Text, "large message": strings.Repeat("0123456789abcdef", 6*65536),
	} {
		interop(t, "Complete", feature, func(t *testing.T) {
			response := must[*frontdeskv1.CompleteResponse](t)(client.Complete(inTime(t), completeIn("default", "", text)))
			if Text(response.GetMessage()) != text {
				t.Fatal("another text came back")
			}
			wantEqual(t, response.GetCost().GetTotalNanoUsd(), 12_000)
		})
	}
	interop(t, "Complete", "newer server", func(t *testing.T) {
		response := must[*frontdeskv1.CompleteResponse](t)(client.Complete(inTime(t), completeIn("newer", "", "Hi.")))
		wantEqual(t, response.GetFinishReason(), 99)
		wantEqual(t, Text(response.GetMessage()), "Hi.")
	})
	interop(t, "Complete", "typed error", func(t *testing.T) {
		_, err := client.Complete(inTime(t), completeIn("error:NO_ELIGIBLE_MODEL", "", "Hi."))
		failed := wantError(t, err, codes.FailedPrecondition, "NO_ELIGIBLE_MODEL")
		wantEqual(t, failed.Metadata["small-llm"], "capability: tools")
	})
	interop(t, "Complete", "account of a failure", func(t *testing.T) {
		_, err := client.Complete(inTime(t), completeIn("broken", "go-broken", "Hi."))
		failed := wantError(t, err, codes.Unavailable, "UPSTREAM_CUT")
		wantEqual(t, failed.Failure.GetCost().GetTotalNanoUsd(), 12_000)
		wantEqual(t, failed.Failure.GetAttempts()[0].GetOutcome(), frontdeskv1.AttemptOutcome_ATTEMPT_OUTCOME_FAILED)
		wantEqual(t, label(t, client, "go-broken", "calls"), "1")
	})
	interop(t, "Complete", "conversation and settings", func(t *testing.T) {
		messages := []*frontdeskv1.Message{System("Be brief."), User("2 + 2?"), Assistant("4"), ToolResult("c1", "none")}
		sent := Conversation(messages, MaxOutputTokens(9), Temperature(0))
		request := &frontdeskv1.CompleteRequest{Query: sent, Policy: scenario("settings", "")}
		response := must[*frontdeskv1.CompleteResponse](t)(client.Complete(inTime(t), request))
		arrived := &frontdeskv1.Query{}
		wantEqual(t, protojson.Unmarshal([]byte(Text(response.GetMessage())), arrived), nil)
		wantEqual(t, proto.Equal(arrived, sent), true)
		wantEqual(t, arrived.GetGeneration().GetMaxOutputTokens(), 9)
	})
	interop(t, "Complete", "deadline exceeded", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := client.Complete(ctx, completeIn("silent", "go-silent", "Hi."))
		wantEqual(t, wantError(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED").CompletionID, "go-silent")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("not context.DeadlineExceeded")
		}
		wantEqual(t, label(t, client, "go-silent", "gone"), "true")
	})
	interop(t, "Complete", "cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		_, err := client.Complete(ctx, completeIn("silent", "go-cancelled", "Hi."))
		wantError(t, err, codes.Canceled, "CANCELLED")
		if !errors.Is(err, context.Canceled) {
			t.Fatal("not context.Canceled")
		}
		wantEqual(t, label(t, client, "go-cancelled", "gone"), "true")
	})
}

// kind names the event that is set.
func kind(event *frontdeskv1.StreamCompleteResponse) string {
	m := event.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("event")); field != nil {
		return string(field.Name())
	}
	return "unknown"
}

func TestStreamComplete(t *testing.T) {
	client := scripted(t)
	open := func(t *testing.T, ctx context.Context, request *frontdeskv1.StreamCompleteRequest) *Stream {
		t.Helper()
		return must[*Stream](t)(client.StreamComplete(ctx, request))
	}
	interop(t, "StreamComplete", "call", func(t *testing.T) {
		stream := open(t, inTime(t), streamIn("default", "", "Hi."))
		var kinds []string
		for event, err := range stream.Events() {
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, kind(event))
		}
		if want := []string{"started", "attempt_started", "text_delta", "completed"}; !slices.Equal(kinds, want) {
			t.Fatalf("events %v", kinds)
		}
	})
	interop(t, "StreamComplete", "fold", func(t *testing.T) {
		streamed := must[*frontdeskv1.CompleteResponse](t)(open(t, inTime(t), streamIn("default", "", "Hi.")).Completion())
		whole := must[*frontdeskv1.CompleteResponse](t)(client.Complete(inTime(t), completeIn("default", "", "Hi.")))
		if !proto.Equal(streamed, whole) {
			t.Fatalf("streamed %v\nwhole %v", streamed, whole)
		}
	})
	for feature, text := range map[string]string{
		"utf-8": utf8Text, "large message": strings.Repeat("0123456789abcdef", 6*65536),
	} {
		interop(t, "StreamComplete", feature, func(t *testing.T) {
			stream := open(t, inTime(t), streamIn("default", "", text))
			if Text(must[*frontdeskv1.CompleteResponse](t)(stream.Completion()).GetMessage()) != text {
				t.Fatal("another text came back")
			}
		})
	}
	interop(t, "StreamComplete", "newer server", func(t *testing.T) {
		stream := open(t, inTime(t), streamIn("newer", "", "Hi."))
		wantEqual(t, Text(must[*frontdeskv1.CompleteResponse](t)(stream.Completion()).GetMessage()), "Hi.")
	})
	interop(t, "StreamComplete", "typed error", func(t *testing.T) {
		_, err := open(t, inTime(t), streamIn("error:UNKNOWN_ROUTER", "", "Hi.")).Recv()
		wantEqual(t, wantError(t, err, codes.NotFound, "UNKNOWN_ROUTER").Violations[0].Field, "policy.router")
	})
	interop(t, "StreamComplete", "partial answer", func(t *testing.T) {
		_, err := open(t, inTime(t), streamIn("broken", "go-partial", "Half an ans")).Completion()
		failed := wantError(t, err, codes.Unavailable, "UPSTREAM_CUT")
		wantEqual(t, Text(failed.Partial.GetMessage()), "Half an ans")
		wantEqual(t, failed.Partial.GetCost().GetTotalNanoUsd(), 12_000)
		wantEqual(t, failed.Failure.GetCommitted(), true)
		wantEqual(t, label(t, client, "go-partial", "calls"), "1") // not repeated
	})
	interop(t, "StreamComplete", "end without completed", func(t *testing.T) {
		_, err := open(t, inTime(t), streamIn("incomplete", "", "Hi.")).Completion()
		wantEqual(t, Text(wantError(t, err, codes.DataLoss, ReasonStreamCut).Partial.GetMessage()), "Hi.")
	})
	interop(t, "StreamComplete", "events out of order", func(t *testing.T) {
		_, err := open(t, inTime(t), streamIn("disordered", "", "Hi.")).Completion()
		wantError(t, err, codes.Internal, ReasonStreamOutOfOrder)
	})
	interop(t, "StreamComplete", "superseded text", func(t *testing.T) {
		stream := open(t, inTime(t), streamIn("superseded", "", "It is so."))
		read := func() (shown []string, err error) {
			for text, fault := range stream.Text() {
				if err = fault; fault == nil {
					shown = append(shown, text)
				}
			}
			return shown, err
		}
		shown, err := read()
		wantError(t, err, codes.Aborted, ReasonAnswerSuperseded)
		wantEqual(t, strings.Join(shown, ""), "Perhaps it ")
		shown, err = read()
		wantEqual(t, err, nil)
		wantEqual(t, strings.Join(shown, ""), "It is so.")
		wantEqual(t, Text(must[*frontdeskv1.CompleteResponse](t)(stream.Completion()).GetMessage()), "It is so.")
	})
	interop(t, "StreamComplete", "cancel", func(t *testing.T) {
		for event, err := range open(t, inTime(t), streamIn("endless", "go-left", "")).Events() {
			if err != nil {
				t.Fatal(err)
			}
			if event.GetTextDelta() != nil {
				break
			}
		}
		wantEqual(t, label(t, client, "go-left", "gone"), "true")
		ctx, cancel := context.WithCancel(inTime(t))
		stream := open(t, ctx, streamIn("endless", "go-endless", ""))
		time.AfterFunc(500*time.Millisecond, cancel)
		_, err := stream.Completion()
		if failed := wantError(t, err, codes.Canceled, "CANCELLED"); !strings.HasPrefix(Text(failed.Partial.GetMessage()), "and so on ") {
			t.Fatalf("partial %v", failed.Partial)
		}
		wantEqual(t, label(t, client, "go-endless", "gone"), "true")
	})
	interop(t, "StreamComplete", "deadline exceeded", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := open(t, ctx, streamIn("endless", "go-late", "")).Completion()
		wantError(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED")
		wantEqual(t, label(t, client, "go-late", "gone"), "true")
	})
}

func TestRecords(t *testing.T) {
	client := scripted(t)
	report := func(t *testing.T, quality float64) *frontdeskv1.ReportOutcomeResponse {
		t.Helper()
		return must[*frontdeskv1.ReportOutcomeResponse](t)(client.ReportOutcome(inTime(t), &frontdeskv1.ReportOutcomeRequest{
			DecisionId: "go-judged", Quality: proto.Float64(quality), Source: "größe", Labels: map[string]string{"k": "v"},
		}))
	}
	interop(t, "ReportOutcome", "call", func(t *testing.T) {
		wantEqual(t, report(t, 0).GetReplaced(), false)
		second := report(t, 0.75)
		wantEqual(t, second.GetReplaced(), true)
		wantEqual(t, second.GetOutcome().GetQuality(), 0.75)
		wantEqual(t, second.GetOutcome().GetLabels()["k"], "v")
	})
	interop(t, "ReportOutcome", "typed error", func(t *testing.T) {
		_, err := client.ReportOutcome(inTime(t), &frontdeskv1.ReportOutcomeRequest{DecisionId: "error:DECISION_NOT_FOUND"})
		wantEqual(t, wantError(t, err, codes.NotFound, "DECISION_NOT_FOUND").Violations[0].Field, "decision_id")
	})
	interop(t, "GetDecision", "call", func(t *testing.T) {
		request := &frontdeskv1.GetDecisionRequest{DecisionId: "go-judged"}
		response := must[*frontdeskv1.GetDecisionResponse](t)(client.GetDecision(inTime(t), request))
		wantEqual(t, response.GetDecision().GetDecisionId(), "go-judged")
		wantEqual(t, response.GetOutcomes()[0].GetSource(), "größe")
	})
	interop(t, "GetDecision", "typed error", func(t *testing.T) {
		_, err := client.GetDecision(inTime(t), &frontdeskv1.GetDecisionRequest{DecisionId: "error:PERMISSION_DENIED"})
		wantError(t, err, codes.PermissionDenied, "PERMISSION_DENIED")
	})
	interop(t, "ListModels", "call", func(t *testing.T) {
		models := must[*frontdeskv1.ListModelsResponse](t)(client.ListModels(inTime(t), &frontdeskv1.ListModelsRequest{})).GetModels()
		wantEqual(t, models[1].GetName(), "größtes-模型")
		wantEqual(t, models[1].GetContextWindow(), 1<<53+1)
	})
	interop(t, "ListModels", "newer server", func(t *testing.T) {
		request := &frontdeskv1.ListModelsRequest{Router: "newer"}
		wantEqual(t, len(must[*frontdeskv1.ListModelsResponse](t)(client.ListModels(inTime(t), request)).GetModels()), 3)
	})
	interop(t, "ListModels", "typed error", func(t *testing.T) {
		_, err := client.ListModels(inTime(t), &frontdeskv1.ListModelsRequest{Router: "error:UNAUTHENTICATED"})
		wantError(t, err, codes.Unauthenticated, "UNAUTHENTICATED")
	})
}

func TestTrace(t *testing.T) {
	target := address(t, "FRONTDESK_SCRIPTED_ADDRESS")
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	handler := otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(provider), otelgrpc.WithPropagators(propagation.TraceContext{}),
	)
	client := dial(t, target, WithPlaintext(), WithDialOptions(grpc.WithStatsHandler(handler)))
	calls := map[string]func(context.Context, *testing.T) *frontdeskv1.Decision{
		"Route": func(ctx context.Context, t *testing.T) *frontdeskv1.Decision {
			return must[*frontdeskv1.RouteResponse](t)(client.Route(ctx, routeIn("metadata", ""))).GetDecision()
		},
		"StreamComplete": func(ctx context.Context, t *testing.T) *frontdeskv1.Decision {
			stream := must[*Stream](t)(client.StreamComplete(ctx, streamIn("metadata", "", "Hi.")))
			return must[*frontdeskv1.CompleteResponse](t)(stream.Completion()).GetDecision()
		},
	}
	for rpc, call := range calls {
		interop(t, rpc, "trace", func(t *testing.T) {
			recorder.Reset()
			ctx, caller := provider.Tracer("test").Start(inTime(t), "caller")
			decision := call(ctx, t)
			caller.End()
			for _, span := range recorder.Ended() {
				if span.Name() != "frontdesk.v1.RouterService/"+rpc {
					continue
				}
				wantEqual(t, span.Parent().SpanID(), caller.SpanContext().SpanID())
				want := fmt.Sprintf("00-%s-%s-01", caller.SpanContext().TraceID(), span.SpanContext().SpanID())
				wantEqual(t, seenBy(t, decision).Metadata["traceparent"], want)
				return
			}
			t.Fatalf("no client span among %v", recorder.Ended())
		})
	}
	t.Run("real server", func(t *testing.T) { // tests/interop finds the server's side
		recorder.Reset()
		real := dial(t, address(t, "FRONTDESK_ADDRESS"), WithPlaintext(), WithDialOptions(grpc.WithStatsHandler(handler)))
		must[*frontdeskv1.RouteResponse](t)(real.Route(inTime(t), &frontdeskv1.RouteRequest{Query: Ask(easyQuery)}))
		span := recorder.Ended()[0].SpanContext()
		appendLine(t, "FRONTDESK_INTEROP_SPANS", map[string]any{
			"language": "Go", "trace_id": span.TraceID().String(), "span_id": span.SpanID().String(),
		})
	})
}
