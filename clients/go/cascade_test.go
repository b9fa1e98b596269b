package frontdesk

import (
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// TestTracedCascade streams an answer that a cascade gives and records the client span; a test of the service's own reads
// the rest of the trace where the server has sent it.
func TestTracedCascade(t *testing.T) {
	target := address(t, "FRONTDESK_CASCADE_ADDRESS")
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	handler := otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(provider), otelgrpc.WithPropagators(propagation.TraceContext{}),
	)
	client := dial(t, target, WithPlaintext(), WithDialOptions(grpc.WithStatsHandler(handler)))
	request := &frontdeskv1.StreamCompleteRequest{Query: Ask(easyQuery)}
	stream := must[*Stream](t)(client.StreamComplete(inTime(t), request))
	completion := must[*frontdeskv1.CompleteResponse](t)(stream.Completion())
	wantEqual(t, len(completion.GetAttempts()), 2)
	wantEqual(t, completion.GetModel(), "frontier-llm")
	span := recorder.Ended()[0].SpanContext()
	appendLine(t, "FRONTDESK_INTEROP_SPANS", map[string]any{
		"language": "Go", "trace_id": span.TraceID().String(), "span_id": span.SpanID().String(),
	})
}
