package frontdesk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("../../tests/contract/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

type messageVector struct {
	Name, Type, Base64 string
	JSON               json.RawMessage
}

func (v messageVector) decode(t *testing.T) (proto.Message, []byte) {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(v.Type))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(v.Base64)
	if err != nil {
		t.Fatal(err)
	}
	message := kind.New().Interface()
	if err := proto.Unmarshal(raw, message); err != nil {
		t.Fatal(err)
	}
	return message, raw
}

func assertJSON(t *testing.T, message proto.Message, want json.RawMessage) {
	t.Helper()
	got, err := protojson.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var gotValue, wantValue any
	if err := errors.Join(json.Unmarshal(got, &gotValue), json.Unmarshal(want, &wantValue)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("JSON differs:\n got %s\nwant %s", got, want)
	}
}

func parse[M proto.Message](t *testing.T, raw json.RawMessage, into M) M {
	t.Helper()
	if err := protojson.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return into
}

func TestEveryFieldOfEveryMessageRoundTrips(t *testing.T) {
	var vectors struct{ Current, Newer []messageVector }
	readVectors(t, "messages.json", &vectors)
	if len(vectors.Current) == 0 || len(vectors.Newer) == 0 {
		t.Fatal("no vectors")
	}
	for _, vector := range vectors.Current {
		t.Run(vector.Name, func(t *testing.T) {
			message, _ := vector.decode(t)
			assertJSON(t, message, vector.JSON)
			if len(message.ProtoReflect().GetUnknown()) > 0 {
				t.Error("a field is unknown to the stubs")
			}
			if fromJSON := parse(t, vector.JSON, message.ProtoReflect().New().Interface()); !proto.Equal(fromJSON, message) {
				t.Errorf("parsing the JSON gives %v", fromJSON)
			}
		})
	}
	for _, vector := range vectors.Newer {
		t.Run(vector.Name, func(t *testing.T) {
			message, raw := vector.decode(t)
			assertJSON(t, message, vector.JSON)
			again, err := proto.Marshal(message)
			if err != nil {
				t.Fatal(err)
			}
			if len(again) != len(raw) || !bytes.Contains(again, []byte("newer")) {
				t.Error("what a newer server sent is not kept")
			}
		})
	}
}

func TestEveryReasonMapsToATypedError(t *testing.T) {
	var vectors []struct {
		Name, Status, Code, Message, Reason string
		Metadata                            map[string]string
		Violations                          []FieldViolation
		RetryDelayMs                        *int64
		Failure                             json.RawMessage
	}
	readVectors(t, "errors.json", &vectors)
	for _, vector := range vectors {
		t.Run(vector.Name, func(t *testing.T) {
			raw, err := base64.StdEncoding.DecodeString(vector.Status)
			if err != nil {
				t.Fatal(err)
			}
			var wire spb.Status
			if err := proto.Unmarshal(raw, &wire); err != nil {
				t.Fatal(err)
			}
			var code codes.Code
			if err := code.UnmarshalJSON([]byte(`"` + vector.Code + `"`)); err != nil {
				t.Fatal(err)
			}
			got := errorOf(status.ErrorProto(&wire))
			if got.Code != code || got.Reason != vector.Reason || got.Message != vector.Message {
				t.Errorf("got %v", got)
			}
			if len(got.Metadata) != len(vector.Metadata) ||
				len(got.Metadata) > 0 && !reflect.DeepEqual(got.Metadata, vector.Metadata) {
				t.Errorf("metadata %v", got.Metadata)
			}
			if len(got.Violations) != len(vector.Violations) ||
				len(got.Violations) > 0 && !reflect.DeepEqual(got.Violations, vector.Violations) {
				t.Errorf("violations %v", got.Violations)
			}
			var delay time.Duration
			if vector.RetryDelayMs != nil {
				delay = time.Duration(*vector.RetryDelayMs) * time.Millisecond
			}
			if got.RetryDelay != delay {
				t.Errorf("retry delay %v", got.RetryDelay)
			}
			if string(vector.Failure) == "null" {
				if got.Failure != nil {
					t.Errorf("failure %v", got.Failure)
				}
			} else if want := parse(t, vector.Failure, &frontdeskv1.CompletionFailure{}); !proto.Equal(got.Failure, want) {
				t.Errorf("failure %v", got.Failure)
			}
		})
	}
}

func TestEventsFoldInOrderOrNotAtAll(t *testing.T) {
	var vectors []struct {
		Name, Fault         string
		Events              []json.RawMessage
		Completion, Partial json.RawMessage
	}
	readVectors(t, "events.json", &vectors)
	for _, vector := range vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var events iter.Seq2[*frontdeskv1.StreamCompleteResponse, error] = func(
				yield func(*frontdeskv1.StreamCompleteResponse, error) bool,
			) {
				for _, raw := range vector.Events {
					if !yield(parse(t, raw, &frontdeskv1.StreamCompleteResponse{}), nil) {
						return
					}
				}
			}
			got, err := Fold(events)
			if vector.Fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				assertJSON(t, got, vector.Completion)
				return
			}
			var fault *Error
			if !errors.As(err, &fault) || fault.Reason != vector.Fault {
				t.Fatalf("got %v, want %s", err, vector.Fault)
			}
			assertJSON(t, fault.Partial, vector.Partial)
		})
	}
}

func TestExplanationsReadTheSameInEveryLanguage(t *testing.T) {
	var vectors []struct {
		Name     string
		Decision json.RawMessage
		Text     []string
	}
	readVectors(t, "explanations.json", &vectors)
	for _, vector := range vectors {
		t.Run(vector.Name, func(t *testing.T) {
			got := Explain(parse(t, vector.Decision, &frontdeskv1.Decision{}))
			if want := strings.Join(vector.Text, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
